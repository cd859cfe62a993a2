"""The guide's troubleshooting list as data: every finding of the kit points to one of its lines. Pure."""

from __future__ import annotations

from enum import StrEnum


class Entry(StrEnum):
    """One line of the guide's troubleshooting list, in its own words."""

    HERA_INSTALLED = "Hera SDK is installed"
    FLAG_SET = "Feature flag is set correctly"
    KUBERNETES = "Kubernetes connectivity"
    PVC = "PVC is available"
    STRUCTURE = "Workflow YAML structure"
    IMAGES = "Container images"
    ENVIRONMENT = "Environment variables"
    MOUNTS = "Volume mounts"
    LIMITS = "Resource limits"
    NETWORK = "Network latency"
    HEALTH = "Kubernetes cluster health"
    LOGS = "Application logs"

    @property
    def issue(self) -> str:
        """The issue it stands under."""
        return next(issue for issue, entries in ISSUES.items() if self in entries)

    @property
    def reference(self) -> str:
        """Where to look in the guide, as messages print it."""
        return f"guide, “{self.issue}”: {self.value}"


ISSUES: dict[str, tuple[Entry, ...]] = {
    "Workflows not creating": (Entry.HERA_INSTALLED, Entry.FLAG_SET, Entry.KUBERNETES, Entry.PVC),
    "Workflows failing": (Entry.STRUCTURE, Entry.IMAGES, Entry.ENVIRONMENT, Entry.MOUNTS),
    "Performance degradation": (Entry.LIMITS, Entry.NETWORK, Entry.HEALTH, Entry.LOGS),
}
