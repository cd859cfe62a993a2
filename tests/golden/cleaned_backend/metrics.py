"""What Prometheus is told. Routes are templates, never addresses, so that the number of series stays small."""

from prometheus_client import Counter, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

FAST = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "backend_http_requests",
    "Requests answered, by method, route template, status and path (yaml, hera or none).",
    ("method", "route", "status", "path"),
)
REQUEST_SECONDS = Histogram(
    "backend_http_request_duration_seconds",
    "Time to the answer, by method, route template and path.",
    ("method", "route", "path"),
    buckets=FAST,
)
CREATIONS = Counter("backend_workflow_creations", "Workflows created or failed, by path.", ("path", "outcome"))
CREATION_SECONDS = Histogram(
    "backend_workflow_creation_seconds", "Time to build and create a workflow, by path.", ("path",), buckets=FAST
)
FAULTS_ON = Counter("backend_fault_requests", "Requests answered while a fault was on.", ("fault",))
