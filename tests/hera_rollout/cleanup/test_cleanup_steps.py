"""Notebook 05's steps over a real repository: what it holds back, refuses, leaves behind and reports. No cluster."""

import asyncio
import importlib.util
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from kubernetes import client

from hera_rollout.cluster import Cluster
from hera_rollout.cluster.connection import Connection
from hera_rollout.errors import Conflicting, Missing, PhaseFailed, PhaseOnHold, Refused, RolloutError
from hera_rollout.gates import Verdict
from hera_rollout.parameters import validate
from hera_rollout.phase import Connections, Phase
from hera_rollout.phase.criteria import SETTLED_WORDS, planned
from hera_rollout.phase.steps import cleaning, replacing, reporting, settling
from hera_rollout.records import Record
from hera_rollout.target import GUIDE_SETTLED_SECONDS, Limits, Target

_spec = importlib.util.spec_from_file_location("cleanup_conftest", Path(__file__).with_name("conftest.py"))
conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(conftest)

PYTEST = f"env PYTHONPATH=. PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 {sys.executable} -m pytest"
TESTS = f"{PYTEST} -q -p no:cacheprovider --rootdir . -c /dev/null tests"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def repository(service: Path) -> Path:
    """The small service, and beside it what its team knows."""
    known = '[allowed]\n"*.md" = "prose"\n"known.toml" = "this file"\n'
    (service.parent / f"{service.name}.toml").write_text(known)
    return service


def phase(service: Path, **values: object) -> Phase:
    """A run of 05 that keeps nothing in a cluster."""
    given = {"dry_run": False, "rollout": "r", "operator": "bea", "repository": str(service), "templates": True,
             "known": str(service.parent / f"{service.name}.toml"), "tests": TESTS, **values}  # fmt: skip
    target = Target.model_validate(
        {"name": "there", "backend_url": "http://127.0.0.1:9", "argo_url": "http://127.0.0.1:9"}
    )
    cluster = Cluster(target, Connection(client.ApiClient(), 1), "")
    return Phase("05_cleanup", validate("05_cleanup", given), Connections.over(cluster))


def approval(what: str) -> str:
    return json.dumps({"approver": "Ann", "reason": "four weeks", "rollout": "r", "phase": "05_cleanup", "what": what,
                       "at": datetime.now(UTC).isoformat()})  # fmt: skip


def looked(run: Phase) -> Phase:
    cleaning.plan_cleanup(run)
    cleaning.preview(run)
    return run


def approving(repository: Path, **values: object) -> Phase:
    """A run that has looked, with an approval of exactly what it saw."""
    digest = looked(phase(repository, **values)).checks["places left"].evidence["digest"]
    return looked(phase(repository, **values, approval=approval(f"remove USE_HERA_SDK, plan {digest}")))


def branches(repository: Path) -> str:
    return conftest.run_git(repository, "branch", "--list", "cleanup/*").strip()


def test_approved_it_makes_the_branch_between_two_runs_of_the_tests_and_main_stays(repository: Path) -> None:
    before = conftest.run_git(repository, "rev-parse", "main")
    run = approving(repository)
    asyncio.run(cleaning.remove_flag(run))
    assert {name: run.checks[name].verdict for name in ("places left", "code size", "documentation", "branch",
            "tests of the service")} == dict.fromkeys(("places left", "code size", "documentation", "branch",
            "tests of the service"), Verdict.PASS)  # fmt: skip
    assert "passed" in run.checks["tests of the service"].seen
    assert run.checks["places left"].evidence["allowed"] == [{"place": "README.md:3", "reason": "prose"}]
    assert branches(repository) == "cleanup/use-hera-sdk"
    assert conftest.run_git(repository, "rev-parse", "main") == before
    assert conftest.run_git(repository, "status", "--porcelain") == ""


def test_nobody_approved_or_another_plan_was_so_there_is_no_branch(repository: Path) -> None:
    for given in ("", approval("remove USE_HERA_SDK, plan 0123456789abcdef")):
        run = looked(phase(repository, approval=given))
        with pytest.raises(
            PhaseOnHold, match=r"hera-rollout approve .*--what 'remove USE_HERA_SDK, plan [0-9a-f]{16}'"
        ):
            asyncio.run(cleaning.remove_flag(run))
        assert branches(repository) == ""


def refusal(run: Phase, kind: type[Refused] = Refused) -> str:
    """What a run is refused with, before anybody is asked: one line."""
    with pytest.raises(kind) as caught:
        asyncio.run(cleaning.remove_flag(looked(run)))
    assert "approval" not in str(run.checks)
    assert len(caught.value.seen.splitlines()) == 1
    assert branches(run.parameters.repository) in {"", "cleanup/use-hera-sdk"}
    return caught.value.seen


def test_a_dirty_tree_a_branch_that_is_there_and_no_tests_are_refused_before_anybody_is_asked(repository: Path) -> None:
    assert "tests are not known" in refusal(phase(repository, tests=""))
    (repository / "new.txt").write_text("x")
    assert "tree is dirty (?? new.txt); nothing was changed" in refusal(phase(repository))
    (repository / "new.txt").unlink()
    conftest.run_git(repository, "branch", "cleanup/use-hera-sdk")
    assert "is a branch cleanup/use-hera-sdk already" in refusal(phase(repository), Conflicting)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [("service/bad.py", b"if USE_HERA_SDK\n", "service/bad.py:1"),
     ("service/old.py", b"# caf\xe9 USE_HERA_SDK\n", "not UTF-8")],
    ids=["syntax error", "not UTF-8"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(repository: Path, name: str, data: bytes, said: str) -> None:
    (repository / name).write_bytes(data)
    conftest.run_git(repository, "add", "-A")
    conftest.run_git(repository, "commit", "-qm", "bad")
    assert said in refusal(phase(repository))


def test_no_repository_no_folder_no_git_and_a_file_that_is_not_there(repository: Path, tmp_path_factory) -> None:
    with pytest.raises(PhaseOnHold, match="no repository was named"):
        looked(phase(repository, repository=""))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(Missing, match="no folder"):
        looked(phase(repository, repository=str(elsewhere / "nowhere")))
    with pytest.raises(Refused, match="not in a git repository"):
        looked(phase(repository, repository=str(elsewhere)))
    with pytest.raises(Refused, match=r"known.toml cannot be read"):
        looked(phase(repository, known="known.toml"))
    with pytest.raises(Refused, match=r"The patch my.patch cannot be read"):
        looked(phase(repository, mends="my.patch"))


def test_a_place_that_nothing_allows_holds_and_says_which(repository: Path) -> None:
    with pytest.raises(PhaseOnHold, match=r"1 places are left to a person, the first: README.md:3"):
        looked(phase(repository, known=""))


def test_a_suite_that_fails_leaves_no_branch(repository: Path) -> None:
    fails_after = approving(repository, tests="grep -q USE_HERA_SDK service/config.py")
    with pytest.raises(PhaseFailed, match="No branch was kept and nothing was deployed"):
        asyncio.run(cleaning.remove_flag(fails_after))
    assert fails_after.checks["tests of the service"].verdict is Verdict.FAIL
    with pytest.raises(Refused, match="fail before anything was changed"):
        asyncio.run(cleaning.remove_flag(approving(repository, tests="false")))
    assert branches(repository) == ""


def test_a_dry_run_says_what_it_would_do_or_be_refused_for_and_makes_nothing(repository: Path, capsys) -> None:
    asyncio.run(cleaning.remove_flag(looked(phase(repository, dry_run=True))))
    assert "would ask for an approval of plan" in capsys.readouterr().out
    (repository / "new.txt").write_text("x")
    asyncio.run(cleaning.remove_flag(looked(phase(repository, dry_run=True))))
    assert "a live run would be refused. The tree is dirty" in capsys.readouterr().out
    assert branches(repository) == ""


def test_commands_run_in_a_checkout_of_the_branch_without_the_flag_and_the_first_that_fails_ends_it(
    repository: Path, monkeypatch, tmp_path_factory
) -> None:
    monkeypatch.setenv("USE_HERA_SDK", "true")
    run = approving(repository)
    asyncio.run(cleaning.remove_flag(run))
    told: list[str] = []
    out = tmp_path_factory.mktemp("out")
    look = f"sh -c 'git rev-parse HEAD > {out}/commit; ls service > {out}/files; env > {out}/env'"
    with pytest.raises(RolloutError, match=r"load: `sh -c 'echo no such tag; exit 3'` exit code 3 .*\nno such tag"):
        replacing._deploy(run, [("build", look), ("load", "sh -c 'echo no such tag; exit 3'"), ("deploy", "false")],
                          told.append)  # fmt: skip
    assert (out / "commit").read_text().strip() == run.memory["cleanup applied"]["commit"]
    assert "by_yaml.py" not in (out / "files").read_text()
    assert "USE_HERA_SDK" not in (out / "env").read_text()
    assert [line.partition(":")[0] for line in told] == ["build", "load"]
    assert len(conftest.run_git(repository, "worktree", "list").splitlines()) == 1


def test_facts_as_text_are_a_parameter_no_more_and_its_defaults_change_nothing() -> None:
    values = validate("05_cleanup", {})
    assert (values.dry_run, values.rollback, values.repository) == (True, False, "")
    with pytest.raises(Refused, match="facts: unknown"):
        validate("05_cleanup", {"facts": "{}"})


def test_a_stable_period_shorter_than_the_guides_is_in_the_title_and_in_the_criterion() -> None:
    assert planned("05_cleanup", Limits()).title == "Cleanup"
    short = planned("05_cleanup", Limits(settled_seconds=86_400))
    for words in (short.title, short.criteria[0].words):
        assert "24 h" in words or "1 d" in words
        assert "the guide asks for 2-4 weeks: a deviation" in words
    assert planned("03_canary", Limits(settled_seconds=1)) == planned("03_canary", Limits())
    assert planned("05_cleanup", Limits()).criteria[0].words == SETTLED_WORDS


def test_production_must_have_stood_and_it_says_until_when() -> None:
    early = settling.standing_check(NOW, 3_600, GUIDE_SETTLED_SECONDS, "guide default", "")
    assert early.verdict is Verdict.HOLD
    assert "2026-12-12 12:00 UTC" in early.todo
    there = settling.standing_check(NOW, GUIDE_SETTLED_SECONDS + 1, GUIDE_SETTLED_SECONDS, "guide default", "")
    assert (there.verdict, there.todo) == (Verdict.PASS, "")


@pytest.mark.parametrize(
    ("changes", "verdict", "said"),
    [
        ({}, Verdict.PASS, "12 workflows by Hera in 2 d; not by Hera: none; 2 of 2 pods"),
        ({"counts": {"hera": 12, "yaml": 1}}, Verdict.HOLD, "1 by path yaml"),
        ({"counts": {"unknown": 3}}, Verdict.HOLD, "3 by path unknown"),
        ({"pods_off": ["backend-1"]}, Verdict.HOLD, "not: backend-1"),
        ({"pods": 0}, Verdict.HOLD, "0 of 0 pods"),
        ({}, Verdict.PASS, "shown back to 2026-11-25 12:00 UTC"),
        ({"oldest": ""}, Verdict.HOLD, "not shown to reach back 2 d"),
        ({"counts": {}, "oldest": ""}, Verdict.HOLD, "not shown to reach back 2 d"),
        ({"counts": {}}, Verdict.HOLD, "no workflow at all in 2 d"),
        ({"counts": {}, "seconds": 3}, Verdict.PASS, "0 workflows by Hera in 3 s"),
        ({"counted": 4}, Verdict.HOLD, "4 created by YAML by the service's counter"),
        ({"counted": None}, Verdict.PASS, "not compared with the service's counter"),
        (
            {"lost": ["python-job-a-1-1", "python-job-b-1-1"]},
            Verdict.HOLD,
            "2 runs whose workflows are not to be found: python-job-a-1-1, python-job-b-1-1",
        ),
        ({"rows": "The backend answered 500."}, Verdict.HOLD, "the service's own rows were not read: The backend"),
    ],
)
def test_the_old_path_is_unused_only_where_all_is_heras(changes: dict, verdict: Verdict, said: str) -> None:
    usage = {"since": "then", "seconds": 2 * 86_400, "pods": 2, "pods_off": [], "command": "", "counts": {"hera": 12},
             "oldest": "2026-11-25 12:00 UTC", "counted": 0, "lost": [], "rows": ""}  # fmt: skip
    check = settling.usage_check(usage | changes, "target lab")
    assert check.verdict is verdict
    assert said in check.seen


def test_a_pod_that_is_off_at_a_share_or_does_not_say_is_named() -> None:
    rows = [("on", True, 100.0), ("off", False, 0.0), ("share", True, 75.0), ("silent", None, None)]
    said = pd.DataFrame(rows, columns=["pod", "enabled", "percent"])
    assert settling.not_all_on(said) == ["off", "share", "silent"]
    assert settling.not_all_on(said[:0]) == []


@pytest.mark.parametrize(("lines", "complexity", "verdict"), [(90, 9, "PASS"), (101, 9, "FAIL"), (90, 11, "FAIL")])
def test_more_code_or_more_complex_code_than_before_is_no_cleanup(lines: int, complexity: int, verdict: str) -> None:
    row = {
        "file": "all",
        "lines before": 100,
        "lines after": lines,
        "complexity before": 10,
        "complexity after": complexity,
    }
    assert cleaning.size_check(pd.DataFrame([row])).verdict.value == verdict


def test_what_the_developers_say_is_shown_with_a_name_or_held() -> None:
    assert reporting.experience_check("", "", "bea").verdict is Verdict.HOLD
    assert "not named" in reporting.experience_check("fine", "", "bea").seen
    said = reporting.experience_check("mistakes show in the editor", "Ann", "bea")
    assert (said.verdict, said.seen) == (Verdict.PASS, "Ann says: mistakes show in the editor (taken down by bea)")


def record(notebook: str, hours: float, verdict: str = "PASS", **changes: object) -> Record:
    began = NOW + timedelta(hours=hours)
    check = {"name": "error rate", "verdict": "PASS" if verdict == "PASS" else "FAIL", "seen": "9 %", "todo": "mend it"}
    data = {"notebook": notebook, "verdict": verdict, "began": began.isoformat(), "rollout": "r", "operator": "bea",
            "ended": (began + timedelta(hours=1)).isoformat(), "checks": [check], "approvals": [{"approver": "Ann"}],
            "seal": "abc", "code_revision": "code-1", "reason": "why", "next": "next", "parameters": {"dry_run": False},
            "target": {"deployment": "backend"}, **changes}  # fmt: skip
    return Record(Path(f"/r/{notebook}-{hours}-{verdict}"), data)


EVERY = ["01_dev_testing", "02_staging", "03_canary", "04_production"]


def test_only_live_records_of_this_deployment_are_reported() -> None:
    assert reporting.belongs(record(EVERY[0], 0), "backend")
    assert not reporting.belongs(record(EVERY[0], 0), "frontend")
    assert not reporting.belongs(record(EVERY[0], 0, parameters={"dry_run": True}), "backend")
    assert not reporting.belongs(record(EVERY[0], 0, target=None), "backend")


def test_the_timeline_stands_beside_the_guides_durations(guide: str) -> None:
    frame = reporting.timeline([record(EVERY[0], 0, "FAIL"), record(EVERY[0], 47)], NOW).set_index("phase")
    assert list(frame.loc["01_dev_testing", ["runs", "from first to last", "the guide's"]]) == [2, "2 d", "1-2 days"]
    assert frame.loc["02_staging", "from first to last"] == "no record"
    assert frame.loc["05_cleanup", "runs"] == 1, "this run"
    for number, words in enumerate(reporting.GUIDE.values(), 1):
        section = guide.split(f"### Phase {number}:")[1].split("### Phase", maxsplit=1)[0]
        assert f"**Duration:** {words[0].upper()}{words[1:]}" in section


def test_an_incident_says_what_was_seen_and_what_came_of_it() -> None:
    mine = [record("03_canary", 0, "FAIL"), record("03_canary", 3), record("04_production", 5, "BROKEN", checks=[])]
    first, second = reporting.incidents(mine)
    assert first[1:] == ("03_canary", "FAIL", "error rate: 9 %", "mend it", "passed 3 h later")
    assert second[1:] == ("04_production", "BROKEN", "why", "next", "no later run passed")


def test_the_report_holds_without_a_record_and_fails_for_one_that_was_changed() -> None:
    mine = [record(notebook, place) for place, notebook in enumerate(EVERY)]
    good = {one.folder.name: [] for one in mine}
    assert reporting.report_check(mine, good, "").verdict is Verdict.PASS
    optional = reporting.report_check([one for one in mine if one.data["notebook"] != "03_canary"], {}, "")
    assert optional.verdict is Verdict.PASS
    assert "no record that passed: 03_canary" in optional.seen
    assert reporting.report_check(mine[1:], {}, "").verdict is Verdict.HOLD
    held = reporting.report_check([], {}, "")
    assert held.verdict is Verdict.HOLD
    assert "01_dev_testing, 02_staging, 04_production" in held.todo
    assert "03_canary" not in held.todo
    changed = reporting.report_check(mine, good | {mine[1].folder.name: ["evidence/a.csv was changed"]}, "")
    assert changed.verdict is Verdict.FAIL
    assert mine[1].folder.name in changed.seen
    rows = reporting.evidence(mine[:1], good)
    assert [row["record"] for row in rows][1:] == ["no record that passed"] * 3


def test_variables_of_any_container_count() -> None:
    spec = {
        "containers": [{"name": "a", "env": [{"name": "A"}]}],
        "initContainers": [{"name": "b", "env": [{"name": "B"}]}],
    }
    assert replacing.variables(spec) == {"A", "B"}
