"""The four classes of log lines, in the shapes that services really write."""

import json

import pytest

from hera_rollout.logclasses import CLASSES, LogClasses, classify, judged

TRACEBACK = """\
2026-11-24T22:00:01.120Z ERROR reference_backend.middleware: 500 on POST /api/v1/tasks/submit
Traceback (most recent call last):
  File "/opt/backend/a.py", line 3, in submit
    name = made["id"]
KeyError: 'id'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/opt/backend/b.py", line 9, in answer
    raise RuntimeError("no id")
RuntimeError: no id
2026-11-24T22:00:02.000Z INFO reference_backend.submission: created python-job-task-1-1-1 by hera (env)
"""


def kinds(text):
    return [entry.kind for entry in classify(text)]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("2026-11-24T22:00:00.120Z INFO uvicorn.error: Started server process [1]", "startup"),
        ("INFO:     Application startup complete.", "startup"),
        ("INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)", "startup"),
        ("2026-11-24T22:00:02Z INFO reference_backend.submission: created python-job-task-1-1-1 by hera", "creation"),
        ("Workflow python-job-abcde created", "creation"),
        ("Creating workflow with Hera SDK", "creation"),
        ("2026-11-24 22:00:02,120 - backend - ERROR - could not create the workflow", "error"),
        ("[ERROR] database gone", "error"),
        ('time="2026-11-24T22:00:00Z" level=error msg="pod deleted"', "error"),
        ("E1124 22:00:00.123456       1 reflector.go:138] Failed to watch", "error"),
        ("Error creating workflow: 403 Forbidden", "error"),
        ("Failed to submit workflow", "error"),
        ("2026-11-24T22:00:01Z WARNING reference_backend: Hera SDK not available, using YAML templates", "warning"),
        ("Warning: Hera import failed, falling back to YAML", "warning"),
        ("/opt/x.py:12: UserWarning: Hera is not installed", "warning"),
        ("W1124 22:00:00.123456       1 x.go:1] slow", "warning"),
        ("level=warn msg=slow", "warning"),
        ("2026-11-24T22:00:01Z INFO backend: no error was seen, 0 warnings", "other"),
        ('INFO:     10.0.0.1:1 - "GET /healthz HTTP/1.1" 200 OK', "other"),
        ('2026-11-24T22:00:01Z INFO x: answered {"error": null}', "other"),
    ],
)
def test_a_plain_line(line, kind):
    assert kinds(line) == [kind]


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"level": "ERROR", "message": "workflow created twice"}, "error"),
        ({"levelname": "WARNING", "msg": "slow"}, "warning"),
        ({"severity": "INFO", "message": "created python-job-1 for task-1"}, "creation"),
        ({"level": "info", "event": "Application startup complete"}, "startup"),
        ({"level": 40, "msg": "x"}, "error"),
        ({"level": "info", "message": "an error of 0 %"}, "other"),
        ({"message": "Traceback (most recent call last):\n  File\nKeyError: 1"}, "error"),
        ({"a": 1}, "other"),
    ],
)
def test_a_structured_line(document, kind):
    assert kinds(json.dumps(document)) == [kind]


def test_a_traceback_counts_once_with_the_line_that_announces_it():
    found = classify(TRACEBACK)
    assert [entry.kind for entry in found] == ["error", "creation"]
    assert found[0].lines == 10


def test_a_bare_traceback_is_one_error_and_what_follows_is_not_swallowed():
    text = "starting\nTraceback (most recent call last):\n  File x\nValueError: no\nlistening on 8000\n"
    # The traceback belongs to what was written before it where nothing else announces it.
    assert kinds(text) == ["error", "startup"]


def test_two_tracebacks_announced_by_two_lines_are_two_errors():
    assert kinds(TRACEBACK + TRACEBACK) == ["error", "creation"] * 2


def test_an_exception_of_an_unusual_name_ends_at_the_next_stamp():
    text = "Traceback (most recent call last):\n  File x\nkubernetes.client.ApiOops: (403)\nHTTP headers: {}\n"
    assert kinds(text + "2026-11-24T22:00:00Z INFO x: hello") == ["error", "other"]


def test_counts_and_examples_per_pod_also_where_there_is_nothing():
    made = LogClasses({"pod-a": classify(TRACEBACK), "pod-b": ()})
    frame = made.frame
    assert len(frame) == 2 * len(CLASSES)
    row = frame[(frame["pod"] == "pod-a") & (frame["class"] == "error")].iloc[0]
    assert row["count"] == 1
    assert "500 on POST" in row["example"]
    assert row["example"].endswith("RuntimeError: no id")
    assert frame[frame["pod"] == "pod-b"]["count"].sum() == 0
    assert made.lines == 11


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("WARNING backend: Hera SDK not available, using YAML templates: ImportError", True),
        ("WARNING backend: falling back", True),
        ("WARNING backend: disk at 80 %", False),
        ("INFO backend: using yaml", False),
    ],
)
def test_an_announced_fallback_is_known(line, told):
    assert classify(line)[0].falls_back is told


def test_secrets_and_control_signs_do_not_reach_an_example():
    made = LogClasses({"a": classify("ERROR db: postgresql://u:hunter22@db/x \x1b[31mdown")})
    (example,) = made.table("error")["entry"]
    assert "hunter22" not in example
    assert "\x1b" not in example


@pytest.mark.parametrize("text", ["", "\n\n", "   \n", "{", "{}", "\0\0", "a" * 100_000])
def test_any_text_is_read(text):
    assert all(entry.kind == "other" for entry in classify(text))


HEALTHY = "INFO:     Application startup complete.\nINFO x: created python-job-1 for task-1\n"


def verdicts(restarted=True, **logs):
    found = LogClasses({pod: classify(text) for pod, text in logs.items()})
    return {check.name.split()[0]: check.verdict.value for check in judged(found, restarted=restarted)}


def test_healthy_logs_pass():
    assert set(verdicts(a=HEALTHY, b=HEALTHY).values()) == {"PASS"}


def test_one_error_fails_and_an_ordinary_warning_does_not():
    assert verdicts(a=HEALTHY + "ERROR x: y")["error"] == "FAIL"
    assert verdicts(a=HEALTHY + "WARNING x: disk at 80 %")["warning"] == "PASS"


def test_a_warning_that_hera_was_not_used_fails():
    assert verdicts(a=HEALTHY + "WARNING x: Hera SDK not available, using YAML templates")["warning"] == "FAIL"


def test_a_pod_without_a_start_fails_only_where_pods_were_replaced():
    assert verdicts(a=HEALTHY, b="INFO x: y")["startup"] == "FAIL"
    assert verdicts(restarted=False, a=HEALTHY, b="INFO x: y")["startup"] == "HOLD"


def test_silence_is_never_a_pass():
    assert set(verdicts(restarted=False, a="").values()) == {"HOLD"}
