"""What a rollback says of what it saw; the rollback itself: tests/live/test_rollback.py."""

import json
from datetime import UTC, datetime

import pytest
from pandas import DataFrame

from hera_rollout.flag import FlagEffect
from hera_rollout.gates import Verdict, rules
from hera_rollout.rollback import RollbackResult, observing

NOW = datetime(2026, 11, 25, 0, 40, 11, tzinfo=UTC)


def workflow(name="python-job-1", path="hera", *, annotations=None, labels=None, source=None):
    container = {"script": {"source": source}} if source else {"container": {"image": "x", "args": ["1"]}}
    return {
        "metadata": {
            "name": name, "creationTimestamp": "2026-11-25T00:40:00Z", "annotations": annotations or {},
            "labels": {"hera-rollout/path": path} if labels is None else labels,
        },
        "spec": {"templates": [{"name": "main", **container}]},
        "status": {"phase": "Running", "startedAt": "2026-11-25T00:40:01Z"},
    }  # fmt: skip


def result(after=(), unverified=(), effective=NOW, created=3, flying=()):
    pods = DataFrame([{"pod": "a"}, {"pod": "b"}])
    return RollbackResult(
        medium="env", command="kubectl set env …=false", changed=True, began=NOW, effective=effective,
        seconds=4.2 if effective else None, effect=FlagEffect(False, ["a", "b"], 4.2, 3.0, pods) if effective else None,
        observed_seconds=10, created=created, hera_after=observing.frame(after), in_flight=observing.frame(flying),
        unverified=unverified,
    )  # fmt: skip


def test_all_seen_is_pass_and_the_seconds_watched_are_said():
    good = result(flying=[workflow("python-job-9")])
    assert good.check().verdict is Verdict.PASS
    text = " ".join(good.sentences())
    assert "2 of 2 report it off 4.2 s after the patch" in text
    assert "In the 10 s after that, 3 workflows were created, 0 of them by Hera." in text
    assert "1 Hera workflows are in flight" in text


def test_a_hera_workflow_after_it_is_fail_by_name_and_names_the_full_rollback():
    bad = result(after=[workflow("python-job-late")])
    check = bad.check()
    assert check.verdict is Verdict.FAIL
    assert check.evidence["hera_after"] == ["python-job-late"]
    assert "python-job-late" in check.todo
    assert "kubectl rollout undo" in check.todo
    assert result(after=[workflow()], unverified=("x",)).check().verdict is Verdict.FAIL


def test_what_could_not_be_shown_is_hold_and_said():
    blind = result(effective=None, created=None, unverified=("that every pod has the flag off. The backend is down.",))
    assert blind.check().verdict is Verdict.HOLD
    assert "Not verified: that every pod has the flag off. The backend is down." in blind.sentences()
    assert not any("report it off" in line for line in blind.sentences())


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [({}, "PASS"), ({"after": [workflow()]}, "FAIL"), ({"effective": None}, "HOLD"), ({"unverified": ("x",)}, "HOLD")],
)
def test_a_record_is_judged_again_as_the_rollback_was(seen, verdict):
    kept = json.loads(json.dumps(result(**seen).check().as_dict()))
    assert (kept["verdict"], rules.RULES[kept["rule"]](kept["evidence"])) == (verdict, verdict)


def test_hera_is_known_by_label_by_a_lying_label_and_by_the_backends_name_without_one():
    prelude = "import sys; sys.path.append(os.getcwd())"
    assert observing.by_hera(workflow())
    assert not observing.by_hera(workflow(path="yaml"))
    assert observing.by_hera(workflow(path="yaml", source=prelude)), "its label says yaml, its manifest Hera"
    assert observing.by_hera(workflow(labels={}, source=prelude))
    assert not observing.by_hera(workflow(name="nightly-report", labels={}, source=prelude)), "another team's"
    assert not observing.by_hera(workflow(labels={}))
    assert not observing.by_hera(workflow(annotations={"hera-rollout/spec-hash": "ab"})), "the notebook's own"
