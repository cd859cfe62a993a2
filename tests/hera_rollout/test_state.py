"""What the state holds, how large it gets, what it says of others. The cluster: small_cluster/test_state_kept.py."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from hera_rollout.errors import Refused
from hera_rollout.state import documents, processes
from hera_rollout.state.comparing import changes
from hera_rollout.state.documents import (
    Approval,
    Change,
    Facts,
    FlagSet,
    RecordHash,
    Rollout,
    RunState,
    decoded,
    encoded,
)
from hera_rollout.state.drifting import drift
from hera_rollout.state.holding import Holding, parsed, refused
from hera_rollout.state.picture import Picture, Writer, writer
from hera_rollout.state.processes import Process
from hera_rollout.state.runs import RESUMABLE, fresh_id, resumable
from hera_rollout.target import Target

NOW = datetime(2026, 11, 25, 0, 40, 11, tzinfo=UTC)
ME = processes.own()
TARGET = Target(name="lab", backend_url="http://127.0.0.1:8000", argo_url="http://127.0.0.1:2746")


def flag_set(**other):
    given = {"at": NOW, "by": "ann@laptop", "medium": "env", "enabled": True, "percent": 100.0, "env": "true"}
    return FlagSet(**{**given, **other})


def run(**other):
    return RunState(**{"id": "01-20261125-004011", "began": NOW, "touched": NOW, "by": "ann@laptop", **other})


def facts(**other):
    rollout = Rollout(id="backend-2026-11", phase="01_dev_testing", since=NOW)
    return Facts(**{"rollout": rollout, "flags": (flag_set(),), "runs": {"01_dev_testing": run()}, **other})


def held(**other):
    given = {"holder": "ann@laptop", "rollout": "backend-2026-11", "doing": "01_dev_testing", "since": NOW,
             "renewed": NOW, "seconds": 60, "process": Process("elsewhere", 7, "1")}  # fmt: skip
    return Holding(**{**given, **other})


# --- documents -------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back_the_same():
    whole = facts(
        approvals=(Approval(at=NOW, by="bo", rollout="r", phase="03_canary", rung=25, reason="looks good"),),
        records=(RecordHash(at=NOW, rollout="r", phase="01", verdict="PASS", folder="records/r/x", sha256="ab"),),
        changed=Change(by="ann", at=NOW, what="begin"),
        runs={"01_dev_testing": run(steps={"scenario simple": {"passed": True, "seconds": 1.5}})},
    )
    assert decoded(encoded(whole), "configmap x") == whole
    assert decoded(encoded(Facts()), "configmap x") == Facts()


def test_none_stays_none_and_does_not_become_a_word():
    back = decoded(encoded(facts(flags=(flag_set(env=None, file=None),))), "x")
    assert back.flags[0].env is None
    assert back.flags[0].file is None


def test_lists_are_bounded_and_the_newest_stay():
    many = tuple(flag_set(why=str(number)) for number in range(500))
    kept = facts(flags=many).bounded().flags
    assert len(kept) == documents.MOST_FLAGS
    assert kept[-1].why == "499"


def test_results_of_a_concluded_run_are_let_go_and_those_of_an_open_one_kept():
    steps = {"a": 1}
    both = {"01": run(steps=steps, concluded="PASS"), "02": run(steps=steps)}
    kept = facts(runs=both).bounded().runs
    assert kept["01"].steps == {}
    assert kept["02"].steps == steps


def test_even_full_lists_of_long_texts_stay_below_the_limit():
    long = "x" * 5000
    full = facts(
        flags=tuple(flag_set(by=long, why=long) for _ in range(500)),
        approvals=tuple(Approval(at=NOW, by=long, rollout="r", phase="p", reason=long) for _ in range(500)),
        records=tuple(
            RecordHash(at=NOW, rollout="r", phase="01", verdict="PASS", folder="f" * 100, sha256="a" * 64)
            for _ in range(500)
        ),
    )
    size = sum(len(value) for value in encoded(full).values())
    assert 100_000 < size < documents.MOST_BYTES


def test_a_state_that_would_be_too_large_is_refused_and_says_what_is_large():
    steps = {str(number): "x" * 16_000 for number in range(40)}
    with pytest.raises(Refused, match=r"KiB; most of it is runs\.json"):
        encoded(facts(runs={"01": run(steps=steps)}))


def test_a_secret_in_a_reason_or_result_is_masked_before_it_leaves():
    steps = {"a": {"password": "hunter2hunter2", "url": "https://me:hunter2hunter2@example.org"}}
    text = json.dumps(encoded(facts(runs={"01": run(steps=steps)})))
    assert "hunter2" not in text


def test_another_schema_and_edited_data_are_refused_with_what_to_do():
    with pytest.raises(Refused, match="schema '2'"):
        decoded({"schema": "2"}, "configmap x")
    with pytest.raises(Refused, match="cannot be read") as caught:
        decoded({"schema": "1", "rollout.json": "{"}, "configmap x")
    assert "kubectl get configmap x" in caught.value.todo
    with pytest.raises(Refused, match="rollout"):
        decoded({"schema": "1", "rollout.json": '{"id": 1}'}, "configmap x")


def test_what_somebody_else_changed_is_told_with_name_and_content():
    theirs = facts(
        flags=(flag_set(), flag_set(enabled=False, by="bo@desk")), changed=Change(by="bo@desk", at=NOW, what="flag off")
    )
    told = "; ".join(changes(facts(), theirs))
    assert "bo@desk wrote at 2026-11-25 00:40:11 UTC: flag off" in told
    assert "the flag was set off by bo@desk" in told
    assert changes(facts(), Facts()) == ["somebody removed or rewrote it by hand"]


# --- runs ------------------------------------------------------------------------------------------------------------


def test_a_run_goes_on_unless_it_was_concluded_left_too_long_or_is_about_other_code():
    assert resumable(run(), NOW, "")
    assert resumable(run(code_revision="a"), NOW, "a")
    assert not resumable(run(concluded="PASS"), NOW, "")
    assert not resumable(run(code_revision="a"), NOW, "b")
    assert not resumable(run(), NOW + RESUMABLE + timedelta(seconds=1), "")


def test_an_id_is_a_dns_label_of_the_phase_and_the_moment():
    assert fresh_id("01_dev_testing", NOW) == "01-20261125-004011"


# --- the lease -------------------------------------------------------------------------------------------------------


def test_a_lease_is_read_back_as_it_was_written():
    document = held(process=ME, transitions=3).document("hera-rollout-backend", "argo")
    document["metadata"]["resourceVersion"] = "9"
    assert parsed(document) == held(process=ME, transitions=3, version="9")


def test_a_second_operators_lease_is_not_free_until_it_expires():
    assert not held().free_for(ME, NOW + timedelta(seconds=59))
    assert held().free_for(ME, NOW + timedelta(seconds=60))
    assert held(holder="").free_for(ME, NOW)


def test_a_refusal_names_the_holder_since_when_and_until_when():
    error = refused("hera-rollout-backend", held(), NOW + timedelta(seconds=4), ME)
    assert "ann@laptop (01_dev_testing of rollout backend-2026-11) since 2026-11-25 00:40:11 UTC" in error.seen
    assert "renewed 4 s ago, expires 2026-11-25 00:41:11 UTC" in error.seen
    assert "ann@laptop" in error.todo


def test_only_the_own_place_can_be_known_to_be_dead():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    other = Process(ME.place, child.pid, processes.started(child.pid))
    try:
        assert not processes.dead(other, ME)
        assert not held(process=other).free_for(ME, NOW)
        assert processes.dead(Process(ME.place, child.pid, "0"), ME), "the number was given out again"
    finally:
        child.kill()
        child.wait(10)
    assert processes.dead(other, ME)
    assert held(process=other).free_for(ME, NOW)
    assert not processes.dead(Process("other/boot/ns", child.pid, other.started), ME)


def test_a_process_is_read_back_and_rubbish_is_none():
    assert Process.parse(str(ME)) == ME
    assert Process.parse("a b c d") is None
    assert Process.parse("a b c") is None


# --- drift -----------------------------------------------------------------------------------------------------------


def test_no_drift_when_both_media_say_what_they_said():
    assert drift(TARGET, flag_set(), Picture("true", None)) == []
    assert drift(TARGET, None, Picture("false", None)) == []


def test_a_flag_changed_by_hand_is_told_with_before_after_manager_and_time():
    hand = Writer("kubectl-set", "2026-11-25T00:41:02Z", sure=True)
    told = drift(TARGET, flag_set(), Picture("false", None, hand))
    assert told == [
        "USE_HERA_SDK on deployment/backend is now 'false'; it was 'true' when the kit last set the flag (2026-11-25 "
        "00:40:11 UTC, by ann@laptop). It was changed by kubectl-set at 2026-11-25 00:41:02 UTC, not by the kit."
    ]


def test_drift_in_the_other_medium_is_told_too():
    by = {"enabled": Writer("kubectl", "", sure=False), "percent": None}
    told = drift(TARGET, flag_set(), Picture("true", {"enabled": "false"}, None, by))
    assert len(told) == 1
    assert "configmap/backend-flag now says enabled=false; it said nothing (it is not there)" in told[0]
    assert "last changed by kubectl" in told[0]
    gone = drift(TARGET, flag_set(file={"enabled": "true"}), Picture("true", None))
    assert "It was deleted" in gone[0]


def test_a_change_with_the_kit_that_the_state_does_not_know_is_not_blamed_on_a_person():
    own = Writer("hera-rollout", "2026-11-25T00:41:02Z", sure=True)
    assert "with this kit" in drift(TARGET, flag_set(), Picture("false", None, own))[0]


def test_the_writer_of_the_key_that_changed_is_named_and_not_that_of_the_other():
    by = {"enabled": Writer("hera-rollout", "2026-11-25T00:50:00Z", sure=True),
          "percent": Writer("kubectl-patch", "2026-11-25T00:45:00Z", sure=True)}  # fmt: skip
    last, now = {"enabled": "true", "percent": "10"}, {"enabled": "true", "percent": "50"}
    (told,) = drift(TARGET, flag_set(file=last), Picture("true", now, None, by))
    assert "changed by kubectl-patch at 2026-11-25 00:45:00 UTC, not by the kit" in told


def test_whoever_wrote_the_object_before_the_kit_set_the_flag_is_not_blamed():
    deployer = Writer("helm", "2026-11-25T00:40:10Z", sure=False)
    assert drift(TARGET, flag_set(), Picture(None, None, deployer))[0].endswith("Nothing says who changed it.")
    same_second = Writer("helm", "2026-11-25T00:40:11Z", sure=False)
    assert "last changed by helm" in drift(TARGET, flag_set(), Picture(None, None, same_second))[0]


def test_the_owner_of_the_very_value_is_found_before_whoever_wrote_last_or_made_its_entry():
    def env(*parts):
        entry = {'k:{"name":"USE_HERA_SDK"}': {part: {} for part in parts}}
        return {"f:spec": {"f:containers": {'k:{"name":"backend"}': {"f:env": entry}}}}

    value = ("f:spec", "f:containers", 'k:{"name":"backend"}', "f:env", 'k:{"name":"USE_HERA_SDK"}', "f:value")
    document = {
        "metadata": {
            "managedFields": [
                {"manager": "hera-rollout", "time": "2026-11-25T00:41:02Z", "fieldsV1": env(".", "f:name")},
                {"manager": "kubectl-set", "time": "2026-11-25T00:41:02Z", "fieldsV1": env("f:value")},
                {"manager": "kubectl-edit", "time": "2026-11-25T00:50:00Z", "fieldsV1": {"f:spec": {}}},
                {"manager": "controller", "time": "2026-11-25T00:55:00Z", "subresource": "status",
                 "fieldsV1": env("f:value")},
            ]
        }
    }  # fmt: skip
    assert writer(document, value) == Writer("kubectl-set", "2026-11-25T00:41:02Z", sure=True)
    assert writer(document, ("f:data", "f:x"), value) == Writer("kubectl-set", "2026-11-25T00:41:02Z", sure=True)
    assert writer(document, ("f:data",)) == Writer("kubectl-edit", "2026-11-25T00:50:00Z", sure=False)
    assert writer(None, value) is None
