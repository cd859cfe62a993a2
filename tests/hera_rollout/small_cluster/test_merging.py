"""A write of the rollout's state that was overtaken is merged; what is another run's word is still said."""

from datetime import UTC, datetime

import pytest

from hera_rollout import state
from hera_rollout.errors import Conflicting
from hera_rollout.state import Approval, KnownGood, RecordHash, State
from hera_rollout.state.store import TRIES

PHASE = "03_canary"


def record(number=0):
    return RecordHash(at=datetime.now(UTC), rollout="old", phase="01_dev_testing", verdict="PASS", folder=f"f{number}",
                      sha256=f"{number:064x}")  # fmt: skip


@pytest.fixture
def run(cluster):
    """A canary's run under way, as its kernel knows it."""
    kept = State.load(cluster)
    kept.enter("r", PHASE, by="Ann")
    return state.begin(kept, PHASE, by="Ann")


def elsewhere(cluster, change):
    """Somebody else's whole write: read, changed, written."""
    other = State.load(cluster)
    change(other)


def test_evidence_is_kept_beside_a_record_that_somebody_added_meanwhile(cluster, run):
    elsewhere(cluster, lambda other: other.recorded(record(), by="Bo"))
    run.keep("rung 10", {"n": 7})
    facts = State.load(cluster).facts
    assert [one.folder for one in facts.records] == ["f0"], "Bo's record is still there"
    assert facts.runs[PHASE].steps == {"rung 10": {"n": 7}}


def test_a_setting_of_the_flag_is_noted_beside_an_approval_that_came_meanwhile(cluster, run):
    yes = Approval(at=datetime.now(UTC), by="Bo", rollout="r", phase=PHASE, rung=25, reason="fine")
    elsewhere(cluster, lambda other: other.approved(yes))
    run.state.flag_set(enabled=True, percent=10, by="Ann")
    facts = State.load(cluster).facts
    assert (facts.approvals, len(facts.flags)) == ((yes,), 1)


def test_a_record_is_kept_once_though_two_keep_it_and_the_flag_is_set_meanwhile(cluster, run):
    late = State.load(cluster)
    run.state.flag_set(enabled=True, percent=10, by="Ann")
    elsewhere(cluster, lambda other: other.recorded(record(), by="Bo"))
    late.recorded(record(), by="Cy")
    facts = State.load(cluster).facts
    assert (len(facts.records), len(facts.flags)) == (1, 1)


def test_the_way_back_that_somebody_noted_first_stays(cluster, run):
    late, now = State.load(cluster), datetime.now(UTC)
    first = KnownGood(revision="1", template_hash="first", image="backend:1", at=now)
    elsewhere(cluster, lambda other: other.change(lambda _: {"known_good": first}, by="Bo", what="known good"))
    assert late.remember_known_good(by="Ann") == first
    assert State.load(cluster).facts.known_good == first


@pytest.mark.parametrize("theirs", [
    lambda other: other.flag_set(enabled=False, percent=0, by="Bo"),
    lambda other: other.enter("another", PHASE, by="Bo"),
    lambda other: state.begin(other, PHASE, by="Bo"),
    lambda other: state.Run(other, PHASE, resumed=True).conclude("FAIL"),
    lambda other: (other.flag_set(enabled=True, percent=10, by="Bo"), other.rolled_back(by="Bo")),
], ids=["flag", "rollout", "attempt", "concluded", "rolled back"])  # fmt: skip
def test_what_is_another_runs_word_is_no_merge_and_says_who(cluster, run, theirs):
    elsewhere(cluster, theirs)
    before = State.load(cluster).facts
    with pytest.raises(Conflicting, match=r"changed since it was read: (Bo|Ann) wrote"):
        run.keep("rung 10", {"n": 7})
    assert State.load(cluster).facts == before, "nothing was written"


def test_a_run_of_a_rollout_that_is_no_more_says_so_again_and_is_no_key_error(cluster, run):
    elsewhere(cluster, lambda other: other.enter("another", "01_dev_testing", by="Bo"))
    for _ in range(2):
        with pytest.raises(Conflicting):
            run.keep("rung 10", {"n": 7})
    assert run.id, "what it was is still known"


def test_an_attempt_that_was_superseded_never_writes_into_the_new_one(cluster, run):
    elsewhere(cluster, lambda other: state.begin(other, PHASE, by="Bo"))
    for _ in range(2):
        with pytest.raises(Conflicting):
            run.keep("rung 10", {"n": 7})
    assert State.load(cluster).facts.runs[PHASE].steps == {}


def test_a_write_that_is_overtaken_each_time_ends(kube, cluster, run):
    tries = []

    def busy(method, path):
        if not method.startswith("PUT") or not path.endswith(cluster.target.state_name):
            return None
        tries.append(path)
        return 409, {"message": "the object has been modified"}

    kube.trouble = busy
    with pytest.raises(Conflicting):
        run.keep("rung 10", {"n": 7})
    assert len(tries) == TRIES
