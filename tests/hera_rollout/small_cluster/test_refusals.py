"""What each notebook refuses, holds or asks for before it changes anything: by `Phase.begin` and its first steps."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from hera_rollout.cluster import Cluster
from hera_rollout.errors import PhaseFailed, PhaseOnHold, Refused
from hera_rollout.gates import Verdict
from hera_rollout.phase import Connections, steps
from hera_rollout.phase.steps.qualifying import _TESTS
from hera_rollout.state import State

HERE = "hera-rollout approve --rollout r --phase"


def approvals(phase, *subjects):
    """As the parameter takes them; a number is a weight."""
    return json.dumps([{"approver": "Ann", "rollout": "r", "phase": phase, "reason": "a test",
                        "at": datetime.now(UTC).isoformat()} | ({"what": subject} if isinstance(subject, str)
                        else {"rung": subject}) for subject in subjects])  # fmt: skip


def elsewhere(connections, **values):
    """The same cluster by a target with other values."""
    target = connections.target.model_copy(update=values)
    return Connections.over(Cluster(target, connections.cluster.connection, connections.cluster.version))


def words_of(error):
    """All that an error says."""
    return str(error.value)


# --- 01 ---------------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_patch_sends_nothing_and_holds(kube, begin, screen):
    phase = begin("01_dev_testing", dry_run=True)
    steps.before_you_start(phase)
    asyncio.run(steps.set_flag(phase, enabled=False))
    asyncio.run(steps.set_flag(phase, enabled=True))
    with pytest.raises(PhaseOnHold, match="dry_run"):
        phase.conclude()
    assert "+- name: USE_HERA_SDK\n+  value: 'true'" in screen.patches
    assert "-p dry_run False" in screen.pieces("conclude")[0]["next"]
    assert kube.sent == []
    assert kube.variable is None


OUTAGES = {
    "backend": {"backend_url": "http://127.0.0.1:9"}, "Argo Server": {"argo_url": "http://127.0.0.1:9"},
    "Prometheus": {"prometheus_url": "http://127.0.0.1:9"},
}  # fmt: skip


@pytest.mark.parametrize("check", OUTAGES)
def test_an_outage_fails_the_preflight_with_what_to_do_and_changes_nothing(kube, begin, connections, check):
    phase = begin("01_dev_testing", elsewhere(connections, **OUTAGES[check]))
    with pytest.raises(PhaseFailed, match=check):
        steps.before_you_start(phase)
    assert phase.checks[check].verdict is Verdict.FAIL
    assert "See whether it runs" in phase.checks[check].todo
    assert phase.checks["Argo CRDs"].verdict is Verdict.PASS, "each line is made, so that one run names all"
    assert kube.touched == []


def test_without_a_pod_that_is_ready_the_preflight_fails_and_says_so(kube, begin):
    kube.objects["/api/v1/namespaces/argo/pods/backend-1"]["status"]["conditions"][0]["status"] = "False"
    phase = begin("01_dev_testing")
    with pytest.raises(PhaseFailed, match="no pod of the backend is ready"):
        steps.before_you_start(phase)


def test_a_right_that_is_missing_fails_the_preflight_by_its_name(kube, begin):
    kube.forbid("patch", "deployments")
    phase = begin("01_dev_testing")
    with pytest.raises(PhaseFailed, match="permissions"):
        steps.before_you_start(phase)
    assert "operator: patch deployments (set the flag, undo a rollout: backend)" in phase.checks["permissions"].seen
    assert "kubectl apply -k deploy/rbac" in phase.checks["permissions"].todo
    assert kube.touched == []


def test_a_flag_that_is_not_in_effect_fails_pod_by_pod(kube, begin, limit):
    kube.file = {"enabled": "false", "percent": "0"}  # off in the file wins over the variable
    limit(rollout_deadline_seconds=0)
    phase = begin("01_dev_testing")
    with pytest.raises(PhaseFailed):
        asyncio.run(steps.set_flag(phase, enabled=True))
    check = phase.checks["flag in effect"]
    assert check.verdict is Verdict.FAIL
    assert "pod backend-1 reports the flag off (decided by file)" in check.seen
    assert "backend-flag?" in check.todo


def test_a_second_operator_is_refused_by_the_first_ones_name(kube, begin):
    first = begin("01_dev_testing", operator="alice")
    lease = kube.objects["/apis/coordination.k8s.io/v1/namespaces/argo/leases/hera-rollout-backend"]
    lease["metadata"]["annotations"]["hera-rollout/process"] = "laptop/boot/pid:[1] 42 7"  # it is not this process
    sent = len(kube.sent)
    with pytest.raises(Refused, match="alice@") as refused:
        begin("01_dev_testing", operator="bob")
    assert "it holds this rollout" in words_of(refused)
    assert "hera-rollout rollback" in words_of(refused), "which needs no lease"
    assert kube.sent[sent:] == []
    lease["metadata"]["annotations"]["hera-rollout/process"] = str(first.keeping.hold._now.process)
    first.keeping.hold.release()
    assert begin("01_dev_testing", operator="bob").keeping, "free again: no refusal"


# --- 02 ---------------------------------------------------------------------------------------------------------------


def test_without_phase_1_it_holds_before_anything_is_changed(kube, begin, screen):
    phase = begin("02_staging")
    with pytest.raises(PhaseOnHold, match="no live record of 01_dev_testing"):
        steps.entry_gate(phase, "01_dev_testing")
    assert "hera-rollout run 01" in screen.pieces("conclude")[0]["next"]
    assert kube.touched == []


def test_a_record_that_was_changed_fails_before_anything_is_changed(kube, begin, kept):
    report = kept.add("01_dev_testing").folder / "report.html"
    report.write_text(report.read_text() + " ")
    phase = begin("02_staging")
    with pytest.raises(PhaseFailed, match=r"report\.html was changed"):
        steps.entry_gate(phase, "01_dev_testing")
    assert kube.touched == []


def test_a_record_about_other_code_holds_and_names_both(begin, kept):
    kept.add("01_dev_testing", code="content-older+hera-6.0.0")
    with pytest.raises(PhaseOnHold, match=r"about code content-older\+hera-6\.0\.0, the service now runs code-1"):
        steps.entry_gate(begin("02_staging"), "01_dev_testing")


def test_a_dry_run_shows_the_patch_and_the_overlay_and_is_no_record_for_the_next(kube, begin, screen, kept):
    previous = kept.add("01_dev_testing").folder
    phase = begin("02_staging", dry_run=True, previous=str(previous))
    steps.entry_gate(phase, "01_dev_testing")
    asyncio.run(steps.set_flag(phase, enabled=False))
    steps.overlay(phase)
    asyncio.run(steps.set_flag(phase, enabled=True))
    assert phase.checks["entry gate"].verdict is Verdict.PASS
    assert "+kind: Kustomization" in screen.patches
    assert 'env: [{name: USE_HERA_SDK, value: "true"}]' in screen.patches
    assert kube.sent == []
    dry = kept.add("02_staging", dry_run=True).folder
    with pytest.raises(PhaseOnHold, match="is no live record of 02_staging"):
        steps.entry_gate(begin("03_canary", previous=str(dry)), "02_staging")


# --- 03 ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tested(kept):
    """Records of 02, with the testing checklist, and of a drill."""
    kept.add("02_staging", checks=_TESTS)
    kept.add("drill")
    return kept


def before_the_first_weight(phase):
    """The cells of 03 up to its first weight."""
    steps.entry_gate(phase, "02_staging")
    steps.drill_on_record(phase)
    asyncio.run(steps.after_rollback(phase))
    steps.before_you_start(phase)
    asyncio.run(steps.flag_by_file(phase))
    asyncio.run(steps.testing_checklist(phase))


@pytest.mark.parametrize(("given", "said"), [((), "nobody"), ((25, 50), "it approves rung 25 %")])
def test_without_an_approval_it_holds_with_the_command_that_approves_and_turns_nothing(
    kube, begin, tested, given, said
):
    phase = begin("03_canary", approval=approvals("03_canary", *given) if given else "")
    before_the_first_weight(phase)
    assert phase.checks["testing checklist"].evidence["record"].endswith("PASS")
    with pytest.raises(PhaseOnHold):
        asyncio.run(steps.rung(phase, 10))
    check = phase.checks["approval: rung 10 %"]
    assert said in check.seen
    assert f"{HERE} 03_canary --rung 10" in check.todo
    assert kube.says()["enabled"] is False
    assert True not in kube.decided


def test_without_phase_2_or_a_drill_it_holds_before_anything_is_changed(kube, begin, kept):
    phase = begin("03_canary")
    with pytest.raises(PhaseOnHold, match="no live record of 02_staging"):
        steps.entry_gate(phase, "02_staging")
    kept.add("02_staging")
    phase = begin("03_canary")
    steps.entry_gate(phase, "02_staging")
    with pytest.raises(PhaseOnHold, match="hera-rollout run drill"):
        steps.drill_on_record(phase)
    assert kube.touched == []


@pytest.mark.parametrize("notebook", ["03_canary", "04_production"])
def test_without_prometheus_it_does_not_begin(kube, begin, connections, notebook):
    phase = begin(notebook, elsewhere(connections, prometheus_url=None))
    with pytest.raises(PhaseFailed, match="Add prometheus_url to the target"):
        steps.before_you_start(phase)
    assert kube.touched == []


def test_a_service_without_the_file_cannot_do_a_share_and_skipping_needs_an_approver_with_a_reason(kube, begin, screen):
    kube.deployment["spec"]["template"]["spec"]["volumes"] = []
    phase = begin("03_canary")
    with pytest.raises(PhaseOnHold):
        asyncio.run(steps.flag_by_file(phase))
    assert "mount no ConfigMap backend-flag" in phase.checks["flag by its file"].seen
    assert '--what "skip the canary"' in phase.checks["approval: skip the canary"].todo.replace("'", '"')
    phase = begin("03_canary", approval=approvals("03_canary", "skip the canary"))
    with pytest.raises(PhaseOnHold, match="cannot do a share"):  # skipped is not passed
        asyncio.run(steps.flag_by_file(phase))
    assert [piece["approval"]["approver"] for piece in screen.pieces("approval")] == ["Ann"]
    assert kube.touched == []


def test_code_that_was_rolled_back_is_not_tried_again_without_a_reasoned_approval(kube, begin, cluster, screen):
    again = "roll out again what was rolled back"
    state = State.load(cluster)
    state.enter("r", "03_canary", by="test", rung=25.0)
    state.rolled_back(by="ann", why="too slow")
    phase = begin("03_canary")
    with pytest.raises(PhaseOnHold):
        asyncio.run(steps.after_rollback(phase))
    assert again in phase.checks[f"approval: {again}"].todo
    assert "(too slow)" in screen.words
    phase = begin("03_canary", approval=approvals("03_canary", again))
    asyncio.run(steps.after_rollback(phase))
    assert phase.checks[f"approval: {again}"].verdict is Verdict.PASS
    assert kube.touched == []


def test_a_canary_that_stands_is_not_begun_anew(kube, begin):
    kube.variable, kube.file = "true", {"enabled": "true", "percent": "100"}
    phase = begin("03_canary")
    with pytest.raises(PhaseOnHold, match="A canary stands already"):
        asyncio.run(steps.flag_by_file(phase))
    assert "on by its file, for 100" in phase.checks["flag by its file"].seen
    assert kube.touched == []


def test_a_flag_that_is_on_is_not_turned_off_unasked(kube, begin):
    kube.variable = "true"
    phase = begin("03_canary")
    with pytest.raises(PhaseOnHold):
        asyncio.run(steps.flag_by_file(phase))
    assert "turn the flag off first" in phase.checks["approval: turn the flag off first"].todo
    assert kube.touched == []


# --- 04 ---------------------------------------------------------------------------------------------------------------

DEPLOY, OUTSIDE = "deploy to all production traffic", "deploy outside of the low-traffic hours"


def test_nobody_was_told_so_nothing_is_turned(kube, begin, monkeypatch):
    monkeypatch.delenv("HERA_ROLLOUT_NOTICES", raising=False)
    phase = begin("04_production", told="")
    with pytest.raises(PhaseOnHold, match="Whoever must know was not told"):
        steps.tell(phase, "before")
    assert "names no address" in phase.checks["communication: before"].seen
    assert kube.touched == []


def test_nobody_approved_the_deploy_so_nothing_is_turned(kube, begin):
    phase = begin("04_production", told="all", approval=approvals("04_production", OUTSIDE))
    asyncio.run(steps.change_window(phase))
    steps.tell(phase, "before")
    assert phase.checks["communication: before"].verdict is Verdict.PASS
    with pytest.raises(PhaseOnHold):
        asyncio.run(steps.deploy(phase))
    assert f"{HERE} 04_production" in phase.checks[f"approval: {DEPLOY}"].todo
    assert kube.touched == []


def test_outside_of_the_low_traffic_hours_it_takes_an_approval(kube, begin):
    phase = begin("04_production")
    with pytest.raises(PhaseOnHold):
        asyncio.run(steps.change_window(phase))
    assert f"{HERE} 04_production" in phase.checks[f"approval: {OUTSIDE}"].todo
    assert kube.touched == []


def test_without_a_canary_it_does_not_begin(kube, begin):
    with pytest.raises(PhaseOnHold, match="no live record of 03_canary"):
        steps.canary_gate(begin("04_production"))
    assert kube.touched == []


def test_who_skipped_the_canary_is_named_and_staging_is_asked_for_in_its_place(begin, kept):
    skip = {"approver": "Ann", "reason": "optional, says the guide", "rollout": "r", "phase": "03_canary",
            "what": "skip the canary", "at": datetime.now(UTC).isoformat()}  # fmt: skip
    kept.add("03_canary", verdict="HOLD", approvals=[skip])
    phase = begin("04_production")
    with pytest.raises(PhaseOnHold, match="no live record of 02_staging"):
        steps.canary_gate(phase)
    kept.add("02_staging")
    phase = begin("04_production")
    steps.canary_gate(phase)
    assert "the canary was skipped, approved by Ann: optional, says the guide" in phase.checks["entry gate"].seen
    assert phase.checks["entry gate: staging"].verdict is Verdict.PASS


# --- 05 ---------------------------------------------------------------------------------------------------------------


def test_the_cleanup_waits_for_production_and_for_the_guides_weeks(kube, begin, kept, limit):
    with pytest.raises(PhaseOnHold, match="no live record of 04_production"):
        asyncio.run(steps.settled(begin("05_cleanup")))
    kept.add("04_production")
    with pytest.raises(PhaseOnHold, match="too early to remove the way back"):
        asyncio.run(steps.settled(begin("05_cleanup")))
    limit(settled_seconds=0)
    with pytest.raises(PhaseOnHold, match="clean up before the guide's 2 to 4 weeks"):
        asyncio.run(steps.settled(begin("05_cleanup")))
    assert kube.touched == []


def test_nothing_is_cleaned_while_a_pod_has_the_flag_off(kube, begin):
    with pytest.raises(PhaseOnHold, match="old path unused"):
        steps.unused(begin("05_cleanup"))
    assert kube.touched == []
