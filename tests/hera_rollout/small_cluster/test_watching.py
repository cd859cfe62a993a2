"""What a watch saw last is kept for the next run, or it is said that it was not."""

import pytest

from hera_rollout.errors import Conflicting, Full, Retryable, RolloutError
from hera_rollout.gates import Check, Verdict
from hera_rollout.phase.steps.watching import BLIND, Eyes, goes_on

WAITING = Check(name="rung 10 %", verdict=Verdict.HOLD, seen="2 of 5 workflows")
FULL = Full("It would be 500 KiB; most of it is runs.json.", expected="at most 480 KiB.", todo="Begin a new rollout.")


def watched(begun, live, *, keep, look=lambda: [WAITING], decided=False):
    eyes = Eyes(look=look, decided=lambda _: decided, draw=lambda _found, _live: None, keep=keep, fresh=1)
    live.stop.set()
    return {check.name: check for check in eyes.until_decided(begun("03_canary", traffic=0), "10", live)}


def refusing(error):
    def keep():
        raise error

    return keep


@pytest.mark.parametrize("error", [FULL, Retryable("The API server did not answer.")])
def test_evidence_that_cannot_be_written_at_the_end_is_said_not_to_be_kept(begun, live, error):
    found = watched(begun, live, keep=refusing(error))
    assert found["rung 10 %"] is WAITING
    assert found[BLIND].verdict is Verdict.HOLD
    assert error.seen in found[BLIND].seen
    assert found[BLIND].todo
    assert goes_on(list(found.values())).endswith("it goes on from what was kept before.")


def test_evidence_that_was_written_needs_no_word(begun, live):
    kept = []
    found = watched(begun, live, keep=lambda: kept.append(1))
    assert kept
    assert BLIND not in found
    assert goes_on(list(found.values())).endswith("it goes on from here.")


def test_what_is_decided_stays_decided_where_it_cannot_be_kept(begun, live):
    assert BLIND not in watched(begun, live, keep=refusing(FULL), decided=True)


def test_a_last_look_that_failed_too_is_one_check_that_says_what_is_lost(begun, live):
    def blind():
        raise RolloutError("No answer to: list workflows.")

    found = watched(begun, live, keep=refusing(FULL), look=blind)
    assert list(found) == [BLIND]
    assert "is not kept" in found[BLIND].seen


def test_another_hand_in_the_state_ends_the_run(begun, live):
    with pytest.raises(Conflicting):
        watched(begun, live, keep=refusing(Conflicting("It was changed since.")))
