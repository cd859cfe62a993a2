"""A look that lacks anything is incomplete: the watch goes on, no weight is left on it; for too long it is FAIL."""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from hera_rollout.asking import Caller
from hera_rollout.canary import Ladder, Look, Rung, judging
from hera_rollout.errors import PhaseFailed, PhaseOnHold, Refused, Retryable
from hera_rollout.gates import Check, Verdict
from hera_rollout.metrics import Prometheus
from hera_rollout.phase.keeping import UNTOUCHED
from hera_rollout.phase.steps import climbing, guarding, laddering, watching
from hera_rollout.phase.steps.watching import BLIND, Eyes
from hera_rollout.production import Baseline, Watch

pytestmark = pytest.mark.usefixtures("clock")

GOOD = Check(name="rung 10 %", verdict=Verdict.PASS, seen="60 of 50 workflows")
QUERY = "sum(x)"
COLUMNS = ["uid", "name", "task", "path", "phase", "created", "finished"]


def vector(*result, kind="vector"):
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": list(result)}})


HTML = "<!DOCTYPE html><html><title>Sign in</title></html>"
SCALAR = vector(1795867200, "1", kind="scalar")
HISTOGRAM = vector({"metric": {}, "histogram": [1795867200, {"count": "3", "sum": "4", "buckets": []}]})
HISTOGRAMS = vector({"metric": {}, "histograms": [[1795867200, {"count": "3"}]]}, kind="matrix")
NO_NUMBER = vector({"metric": {}, "value": [1795867200, "many"]})
NO_LABELS = vector({"value": [1795867200, "1"]})
NO_PAIR = vector({"metric": {}, "value": "1"})


@pytest.fixture
def prometheus(serving):
    def answering(text):
        return Prometheus(Caller("Prometheus", serving(lambda *_: (200, text)), 2.0))

    return answering


# --- what Prometheus answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "words"), [
    (HTML, "answered 200 to: GET /api/v1/query, with an HTML page"), (SCALAR, "answered a scalar"),
    (HISTOGRAM, "native histogram"), (NO_NUMBER, "no number"), (NO_LABELS, "no number"), (NO_PAIR, "no number"),
    (json.dumps({"status": "success", "data": [1]}), "with series"), ("[]", "no JSON object"),
    (vector({"metric": {}, "value": [1, 10**400]}), "no number"), ("[" * 100_000, "no JSON object"),
    ("", "no JSON object"), (json.dumps({"status": "success", "data": None}), "with series"),
])  # fmt: skip
def test_what_is_no_vector_of_numbers_is_said_in_words(prometheus, text, words):
    with pytest.raises(Exception, match="Prometheus") as caught:
        prometheus(text).instant(QUERY)
    assert words in caught.value.seen
    assert "502" not in caught.value.seen
    assert caught.value.todo


@pytest.mark.parametrize(
    "text", [HTML, SCALAR, HISTOGRAMS, *(vector({"metric": {}, "values": [point]}, kind="matrix")
                                         for point in ([1, "x"], ["NaN", "1"], [1e300, "1"], [1795867200000, "1"]))]
)  # fmt: skip
def test_a_range_that_is_no_matrix_of_numbers_is_said_too(prometheus, text):
    with pytest.raises(Exception, match="Prometheus") as caught:
        prometheus(text).range(QUERY, datetime.now(UTC), datetime.now(UTC), 1)
    assert caught.value.seen


# --- one watch --------------------------------------------------------------------------------------------------------


def limit(phase, **limits):
    """The target with other limits, also such as no file may have."""
    phase.target = phase.target.model_copy(update={"limits": phase.target.limits.model_copy(update=limits)})


def raising(error):
    def look():
        raise error

    return look


@pytest.fixture
def watch(begun, live, monkeypatch):
    """Looks one after the other, without a pause; the last one is looked again and again."""
    monkeypatch.setattr(watching, "FASTEST", 0.02)
    monkeypatch.setattr(watching, "KEEP_SECONDS", 0.0)

    def watched(*looks, patience=1, blind=None, missing=tuple, keep=lambda: None, before=lambda _phase: None):
        phase = begun("03_canary", traffic=0, patience_seconds=patience)
        if blind is not None:
            limit(phase, blind_seconds=blind)
        before(phase)
        coming = list(looks)

        def look():
            now = coming.pop(0) if len(coming) > 1 else coming[0]
            return now()

        eyes = Eyes(look=look, decided=laddering_decided,
                    draw=lambda *_: None, keep=keep, fresh=0.01, missing=missing)  # fmt: skip
        return {check.name: check for check in eyes.until_decided(phase, "10", live)}

    return watched


def laddering_decided(found):
    return laddering._decided(found, 10.0)


@pytest.mark.parametrize("error", [KeyError("value"), TypeError("float is not iterable"), OverflowError("inf"),
                                   Retryable("The API server did not answer."), Refused("403")])  # fmt: skip
def test_whatever_is_raised_in_a_look_the_next_look_is_made(watch, error):
    assert watch(raising(error), lambda: [GOOD]) == {GOOD.name: GOOD}


def test_a_blind_watch_says_for_how_long_and_since_when_and_holds(watch):
    check = watch(lambda: [judged("PASS", "error rate")], raising(KeyError("value")))[BLIND]
    assert check.verdict is Verdict.HOLD
    assert "the last good one was at" in check.seen
    assert "KeyError: 'value'" in check.seen
    assert "this watch had none" in watch(raising(KeyError("value")))[BLIND].seen


def judged(verdict, name):
    return Check(name=name, verdict=Verdict(verdict), seen="so it is")


def test_after_the_stated_time_blind_is_fail_and_the_watch_ends_before_its_patience(watch):
    found = watch(raising(KeyError("value")), patience=30, blind=0)
    assert found[BLIND].verdict is Verdict.FAIL
    assert found[BLIND].evidence["most"] == 0


def test_what_was_read_in_part_is_incomplete_but_its_fail_counts(watch):
    blind = watch(lambda: [GOOD], missing=lambda: ["Prometheus answered an HTML page"], patience=30, blind=0)
    assert blind[BLIND].verdict is Verdict.FAIL
    assert "an HTML page" in blind[BLIND].seen
    found = watch(lambda: [judged("FAIL", "error rate")], missing=lambda: ["logs"], patience=30)
    assert found["error rate"].verdict is Verdict.FAIL
    assert found[BLIND].verdict is Verdict.HOLD


def test_one_good_look_begins_the_time_anew(watch):
    looks = [raising(KeyError("a")), lambda: [judged("PASS", "error rate")]] * 60
    found = watch(*looks, patience=1, blind=0.3)
    assert all(check.verdict is not Verdict.FAIL for check in found.values())


def test_a_lease_that_only_expired_ends_no_watch_and_one_that_is_anothers_does(watch):
    def expired(phase):
        phase.keeping.hold._now = phase.keeping.hold._now.__class__(
            **{**phase.keeping.hold._now.__dict__, "renewed": datetime(2020, 1, 1, tzinfo=UTC)}
        )

    def anothers(phase):
        phase.keeping.hold._lost = "bo@desk has it"

    assert watch(lambda: [GOOD], before=expired)[BLIND].verdict is Verdict.HOLD
    with pytest.raises(Refused, match="bo@desk has it"):
        watch(lambda: [GOOD], before=anothers)


# --- 03 ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def looked(begun, prometheus, monkeypatch):
    """One look of the canary where Prometheus answers so."""

    def look(text, before=lambda: None):
        monkeypatch.setattr(Look, "frame", lambda *_: pd.DataFrame(columns=COLUMNS))
        monkeypatch.setattr(Look, "_logged", lambda _, rung: rung)
        phase = begun("03_canary", traffic=0)
        ladder = Ladder(code_revision="code-1", rungs=(Rung.begin(10, "code-1", datetime.now(UTC)),))
        climb = climbing.Climb(phase, ladder, Look(None, phase.cluster, prometheus(text), 60.0))
        monkeypatch.setattr(judging.rung, "missing", lambda asked, seen: {k: 1 for k in asked if k == "complete look"})
        before()
        return {check.name: check for check in laddering._looked(phase, climb, 10.0)}, climb

    return look


@pytest.mark.parametrize("text", [HTML, SCALAR, HISTOGRAM, vector({"metric": {"pod": "a", "path": "hera",
                         "outcome": "created", "le": "1"}, "value": [1, "+Inf"]})])  # fmt: skip
def test_no_weight_is_left_on_a_look_that_is_incomplete(looked, text):
    found, climb = looked(text)
    assert climb.missing
    assert found["rung 10 %"].verdict is Verdict.HOLD
    assert "not read at the newest look" in found["rung 10 %"].seen
    assert judging.SUCCESS in found, "what was seen is judged all the same"


def test_a_flag_that_cannot_be_read_at_one_look_was_changed_by_nobody(kube, looked):
    def gone():
        kube.trouble = lambda method, path: (503, {"message": "starting"}) if "configmaps" in path else None

    found, climb = looked(vector(), gone)
    assert UNTOUCHED not in found
    assert "could not be read" in climb.missing[-1]


# --- what a blind watch does ------------------------------------------------------------------------------------------


@pytest.fixture
def on(kube, begun, cluster, monkeypatch):
    """A run whose flag is on, and that may be blind for no time at all."""
    monkeypatch.setattr(watching, "FASTEST", 0.02)

    def begin(notebook, **parameters):
        kube.variable, kube.file = "true", {"enabled": "true", "percent": "10"}
        phase = begun(notebook, traffic=0, user_issues="none", **parameters)
        limit(phase, blind_seconds=0, stable_seconds=1)
        phase.flagged = cluster.by("configmap")
        phase.keeping.flag_set(enabled=True, percent=10)
        return phase

    return begin


def test_a_canary_that_stays_blind_is_taken_back(kube, on, monkeypatch):
    phase, begun = on("03_canary"), Rung.begin(10, "code-1", datetime.now(UTC))
    ladder, look = Ladder(code_revision="code-1", rungs=(begun,)), SimpleNamespace(missing=[])
    phase.memory[climbing.MEMORY] = climbing.Climb(phase, ladder, look)

    async def stands(*_):
        pass

    monkeypatch.setattr(laddering, "_gone_to", stands)
    with pytest.raises(PhaseFailed, match="no complete sample for"):
        asyncio.run(laddering.rung(phase, 10))
    assert kube.says()["enabled"] is False


@pytest.mark.parametrize(("policy", "enabled"), [("rollback", False), ("page", True), ("hold", True)])
def test_production_that_stays_blind_is_dealt_with_by_on_fail(kube, on, policy, enabled):
    phase = on("04_production", on_fail=policy)
    watch = Watch(rung=Rung.begin(100, "code-1", datetime.now(UTC)), baseline=Baseline(source="the last hour"))
    phase.memory[guarding.MEMORY] = guarding.Guard(phase, SimpleNamespace(missing=[]), None, watch)
    with pytest.raises(PhaseFailed, match="no complete sample for"):
        asyncio.run(guarding.close_watch(phase))
    assert kube.says()["enabled"] is enabled


def test_before_that_time_a_blind_watch_of_production_is_on_hold(kube, on):
    phase = on("04_production", patience_seconds=1)
    limit(phase, blind_seconds=60)
    watch = Watch(rung=Rung.begin(100, "code-1", datetime.now(UTC)), baseline=Baseline(source="the last hour"))
    phase.memory[guarding.MEMORY] = guarding.Guard(phase, SimpleNamespace(missing=[]), None, watch)
    with pytest.raises(PhaseOnHold, match="no complete sample for"):
        asyncio.run(guarding.close_watch(phase))
    assert kube.says()["enabled"] is True
