"""The judging of what pods say; the flip itself is tested on a cluster (tests/live/test_scenarios.py)."""

from pandas import DataFrame

from hera_rollout import flag
from hera_rollout.errors import Retryable
from hera_rollout.flag import effect


def said(pod="a", enabled=True, hera_import="ok", problem="", decided_by="env"):
    return {"pod": pod, "enabled": enabled, "decided_by": decided_by, "hera_import": hera_import, "problem": problem}


def wrong(*rows, enabled=True):
    return effect.wrong_pods(DataFrame(list(rows), columns=flag.COLUMNS), enabled)


class Service:
    """What answers through the Service; no cluster behind it, for it is only asked for its flag."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def flag(self):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_every_pod_must_say_so_itself():
    assert wrong(said("a"), said("b")) == []
    assert wrong(said("a"), said("b", enabled=False, decided_by="file")) == [
        "pod b reports the flag off (decided by file)"
    ]


def test_on_without_hera_is_not_on():
    told = wrong(said("a", hera_import="cannot import name Workflow"))
    assert told == ["pod a reports the flag on, but cannot import Hera: cannot import name Workflow"]
    assert wrong(said("a", enabled=False, hera_import="broken"), enabled=False) == []


def test_a_pod_that_does_not_say_is_not_taken_for_one_that_says_yes():
    assert "did not say" in wrong(said("a", enabled=None, problem="no route"))[0]
    assert "'true'" in wrong(said("a", enabled="true"))[0]


def test_no_pod_is_not_every_pod():
    assert wrong() == ["no pod is ready"]


def test_an_old_pod_behind_the_service_is_noticed():
    seen = DataFrame([said("a"), said("b")], columns=flag.COLUMNS)
    good = {"enabled": True, "pod": "a"}
    assert effect.wrong_service(Service(good), seen, True) == []
    assert "from pod old" in effect.wrong_service(Service(good, {"enabled": True, "pod": "old"}), seen, True)[0]
    assert "flag off" in effect.wrong_service(Service(good, {"enabled": False, "pod": "b"}), seen, True)[0]


def test_a_service_that_is_down_is_told():
    seen = DataFrame([said("a")], columns=flag.COLUMNS)
    assert "did not answer" in effect.wrong_service(Service(Retryable("The backend did not answer.")), seen, True)[0]


def test_waiting_ends_early_only_when_no_pod_can_import_hera():
    broken, fine = said("a", hera_import="no module"), said("b")
    assert effect.cannot_come(DataFrame([broken], columns=flag.COLUMNS), True)
    assert not effect.cannot_come(DataFrame([broken, fine], columns=flag.COLUMNS), True)
    assert not effect.cannot_come(DataFrame([broken], columns=flag.COLUMNS), False)
