"""Approvals: what counts, what does not and why, and a button that is awaited."""

import asyncio
import json
import shlex
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hera_rollout import approvals, display
from hera_rollout.approvals import Approval, Form, Wanted, asking
from hera_rollout.cli import main
from hera_rollout.errors import Refused
from hera_rollout.gates import Verdict, approving
from hera_rollout.state import Facts

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BASE = {"rollout": "backend-2026-11", "phase": "03_canary"}
WANTED = Wanted(**BASE, operator="Bea", rung=25)


def given(**changes):
    fields = {"approver": "Ann", "reason": "looked at the plots", **BASE, "rung": 25, "at": NOW} | changes
    return Approval.model_validate(fields)


def decide(*found, wanted=WANTED):
    return approvals.decide(wanted, found, NOW)


@pytest.fixture
def front_end(monkeypatch):
    InteractiveShell.instance()
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/03_canary.ipynb")


@pytest.fixture
def headless(monkeypatch):
    InteractiveShell.instance()
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def test_the_approval_of_just_this_rung_is_pass_and_says_who_when_and_why():
    decision = decide(given())
    assert decision.approved
    assert decision.check.seen == (
        "rung 25 % in 03_canary of rollout backend-2026-11 approved by Ann at 2026-11-25 12:00:00 UTC: "
        "looked at the plots"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rollout": "other"}, "it approves rung 25 % in 03_canary of rollout other; asked for is rung 25 % in 03_ca"),
        ({"phase": "04_production"}, "it approves rung 25 % in 04_production"),
        ({"rung": 10}, "it approves rung 10 % in 03_canary of rollout backend-2026-11; asked for is rung 25 %"),
        ({"rung": None, "what": "conclude"}, "it approves conclude in 03_canary"),
        ({"expires": NOW}, "it expired at 2026-11-25 12:00:00 UTC"),
        ({"at": NOW + timedelta(hours=1)}, "it is dated 2026-11-25 13:00:00 UTC, which is yet to come"),
    ],
)
def test_an_approval_of_something_else_is_hold_with_what_it_approves_and_what_was_asked(changes, why):
    decision = decide(given(**changes))
    assert decision.check.verdict is Verdict.HOLD
    assert decision.approval is None
    assert "Ann's: " + why in decision.check.seen
    assert decide(given(**changes), given()).approved, "one that does not count takes nothing away"


def test_another_code_revision_does_not_count_and_one_that_names_none_does():
    wanted = Wanted(**BASE, operator="Bea", rung=25, code_revision="sha256:new")
    assert "about code revision sha256:old" in decide(given(code_revision="sha256:old"), wanted=wanted).check.seen
    assert decide(given(), wanted=wanted).approved
    assert decide(given(code_revision="sha256:new"), wanted=wanted).approved


def test_the_operators_own_approval_counts_and_is_told_unless_a_second_person_is_needed():
    own = decide(given(approver=" bea "))
    assert own.approved
    assert "(who also runs this)" in own.check.seen
    second = Wanted(**BASE, operator="Bea", rung=25, second_person=True)
    refused = decide(given(approver="BEA"), wanted=second)
    assert refused.check.verdict is Verdict.HOLD
    assert "BEA also runs this, and here a second person must approve" in refused.check.seen
    assert decide(given(), wanted=second).approved


def test_the_newest_decides_so_a_decline_takes_an_approval_back():
    later = {"at": NOW - timedelta(minutes=1)}
    earlier = {"at": NOW - timedelta(hours=1)}
    back = decide(given(**earlier), given(**later, declined=True, reason="users complain"))
    assert back.declined
    assert back.check.verdict is Verdict.HOLD
    assert "declined by Ann" in back.check.seen
    assert "Talk to Ann" in back.check.todo
    assert decide(given(**later), given(**earlier, declined=True)).approved


def test_none_is_hold_with_a_command_that_approves_just_this_once_it_is_filled_in(tmp_path):
    check = decide().check
    assert check.verdict is Verdict.HOLD
    assert "nobody has approved rung 25 %" in check.seen
    assert "run this again with -p approval approvals/backend-2026-11.toml" in check.todo
    wanted = Wanted(
        **BASE, operator="Bea", rung=25, code_revision="sha256:ab 1", file=str(tmp_path / "an approval.toml")
    )
    command = approvals.command(wanted)
    assert command in decide(wanted=wanted).check.todo
    refused = CliRunner().invoke(main, shlex.split(command)[1:])
    assert refused.exit_code == 2, "the placeholders are no name and no reason"
    assert not list(tmp_path.iterdir())
    filled = command.replace('--by "…"', "--by Ann").replace('--reason "…"', "--reason 'saw \"it\"'")
    done = CliRunner().invoke(main, shlex.split(filled)[1:])
    assert done.exit_code == 0, done.output
    now = datetime.now(UTC)
    decision = approvals.decide(wanted, approvals.read(wanted.file), now)
    assert decision.approved
    assert decision.approval.reason == 'saw "it"'
    assert decision.approval.code_revision == "sha256:ab 1"
    assert not approvals.decide(wanted, approvals.read(wanted.file), now + timedelta(hours=25)).approved


def test_the_verdict_is_got_again_from_the_evidence_alone_and_the_evidence_is_json():
    for one in (decide(given()), decide(), decide(given(rung=10)), decide(given(declined=True))):
        evidence = json.loads(json.dumps(one.check.evidence))
        assert one.check.rule == "approved"
        assert approving.approved(evidence) is one.check.verdict


@pytest.mark.parametrize("name", ["a.toml", "a.json"])
def test_a_file_holds_a_whole_ladder_and_is_added_to(tmp_path, name):
    path = tmp_path / "sub" / name
    odd = 'a "quote", a \\ and \u007f, é 🙂'
    for rung in (10, 25):
        approvals.add(path, given(rung=rung, reason=odd, expires=NOW + timedelta(hours=1)))
    found = approvals.read(str(path))
    assert [one.rung for one in found] == [10, 25]
    assert decide(*found).approved
    assert found[1].reason == odd.replace("\u007f", "")
    assert [file.name for file in path.parent.iterdir()] == [name], "no half-written file is left"


def test_toml_as_a_person_writes_it_and_json_in_a_parameter_are_read(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'approver = "Ann"\nreason = "ok by me"\nrollout = "backend-2026-11"\nphase = "03_canary"\nrung = 25\n'
        "at = 2026-11-25T13:00:00+02:00\n"
    )
    assert decide(*approvals.read(path)).approved
    text = json.dumps(given().plain())
    assert decide(*approvals.read(text)).approved
    assert decide(*approvals.read(f"[{text}]")).approved
    assert approvals.read("") == approvals.read(str(tmp_path / "not-there.toml")) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("approver = ", "cannot be used"),
        ('approver = "Ann"', "reason: Field required"),
        ("", "it is empty"),
        ("[[approvals]]\napprover = 1", "approval 1"),
        ('approvals = "yes"', "approval 1"),
    ],
)
def test_a_file_that_nobody_can_read_is_refused_and_says_what_is_wrong(tmp_path, text, why):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(Refused, match=why):
        approvals.read(path)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"at": "2026-11-25T12:00:00"}, "timezone"),
        ({"rung": None}, "one of the two"),
        ({"what": "both"}, "one of the two"),
        ({"rung": 0}, "greater than 0"),
        ({"reason": " … "}, "said in words"),
        ({"approver": "x" * 64}, "63"),
        ({"role": "boss"}, "role"),
    ],
)
def test_an_approval_that_leaves_a_question_is_refused(changes, why):
    document = given().plain() | changes
    with pytest.raises(Refused, match=why):
        approvals.read([document])


def test_the_command_writes_nothing_that_is_no_approval(tmp_path):
    base = ["approve", "--rollout", "r", "--reason", "saw it", "--file", str(tmp_path / "a.toml")]
    for words in (
        ["--phase", "03_canary"],
        ["--phase", "03", "--rung", "10"],
        ["--phase", "03_canary", "--rung", "101"],
    ):
        assert CliRunner().invoke(main, base + words).exit_code == 2
    elsewhere = ["approve", "--rollout", "../x", "--phase", "03_canary", "--rung", "1", "--reason", "a"]
    assert CliRunner().invoke(main, elsewhere).exit_code == 2
    (tmp_path / "a.toml").write_text("not = [")
    done = CliRunner().invoke(main, [*base, "--phase", "03_canary", "--rung", "10"])
    assert done.exit_code == 2
    assert (tmp_path / "a.toml").read_text() == "not = ["


def obtain(wanted=WANTED, **how):
    with capture_output() as captured:
        decision = asyncio.run(approvals.obtained(wanted, **how))
    shown = [output.metadata.get(display.EVIDENCE_KEY, {}) for output in captured.outputs]
    return decision, [piece for piece in shown if piece.get("kind") == "approval"]


def test_headless_nothing_is_waited_for(headless):
    began = time.monotonic()
    decision, shown = obtain(seconds=60)
    assert time.monotonic() - began < 30
    assert (decision.check.verdict, shown) == (Verdict.HOLD, [])


class Remembered:
    """The rollout's state, as far as approvals use it; the real one: tests/live/test_drill.py."""

    def __init__(self):
        self.facts = Facts()

    def approved(self, entry):
        self.facts = self.facts.model_copy(update={"approvals": (*self.facts.approvals, entry)})


def test_an_approval_from_a_parameter_is_kept_shown_for_the_record_and_not_asked_again(headless):
    state = Remembered()
    text = json.dumps(given(at=datetime.now(UTC)).plain())
    decision, shown = obtain(source=text, state=state)
    assert decision.approved
    assert shown[0]["approval"]["approver"] == "Ann"
    obtain(source=text, state=state)
    assert len(state.facts.approvals) == 1, "kept once"
    assert obtain(state=state)[0].approved, "a resumed run goes on with what the state remembers"
    other = Wanted(**BASE, operator="Bea", rung=50)
    assert not obtain(other, state=state)[0].approved
    since = Wanted(**BASE, operator="Bea", rung=25, since=datetime.now(UTC) + timedelta(seconds=1))
    assert not obtain(since, state=state)[0].approved, "what was approved before this run is about other evidence"


def test_a_user_without_a_name_approves_by_number(tmp_path, monkeypatch):
    """As in a container: neither the environment nor passwd has a name."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54_321)
    words = ["--rollout", "backend-2026-11", "--phase", "03_canary", "--rung", "10", "--reason", "fine"]
    done = CliRunner().invoke(main, ["approve", *words, "--file", str(tmp_path / "a.toml")])
    assert done.exit_code == 0, done.exception
    assert [one.approver for one in approvals.read(tmp_path / "a.toml")] == ["uid 54321"]


def test_what_was_approved_about_other_code_is_remembered_as_that(headless):
    state = Remembered()
    wanted = Wanted(**BASE, operator="Bea", rung=25, code_revision="sha256:old")
    text = json.dumps(given(at=datetime.now(UTC), code_revision="sha256:old").plain())
    assert obtain(wanted, source=text, state=state)[0].approved
    assert obtain(wanted, state=state)[0].approved
    newer = Wanted(**BASE, operator="Bea", rung=25, code_revision="sha256:new")
    decision, _ = obtain(newer, state=state)
    assert not decision.approved
    assert "about code revision sha256:old, and sha256:new runs" in decision.check.seen


def clicking(form_of, act):
    """Open the form in a loop, act on it from another thread as a subshell does, and give the answer."""

    troubles = []

    async def cell():
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: troubles.append(context))
        answer = asyncio.create_task(approvals.asked(WANTED, seconds=60))
        while not form_of:
            await asyncio.sleep(0.01)
        thread = threading.Timer(0.1, act, [form_of[0]])  # its end does not wake the loop: only the click may
        began = time.monotonic()
        thread.start()
        found = await answer
        await asyncio.sleep(0.05)
        assert time.monotonic() - began < 15, "the click itself ends the wait"
        return found

    with capture_output(), pytest.MonkeyPatch.context() as patched:
        patched.setattr(asking, "LOOK_SECONDS", 20.0)  # what would end it otherwise is far away
        found = asyncio.run(cell())
    assert not troubles
    return found


@pytest.fixture
def forms(monkeypatch, front_end):
    made = []

    class Kept(Form):
        def __init__(self, wanted):
            super().__init__(wanted)
            made.append(self)

    monkeypatch.setattr(asking, "Form", Kept)
    return made


@pytest.mark.parametrize("declined", [False, True])
def test_a_click_from_another_thread_answers_and_is_about_what_was_asked(forms, declined):
    def act(form):
        form.reason.value = "the plots are good"
        (form.decline if declined else form.approve).click()

    found = clicking(forms, act)
    assert (found.approver, found.reason, found.rung, found.declined) == ("Bea", "the plots are good", 25, declined)
    assert approvals.decide(WANTED, [found], datetime.now(UTC)).approved is not declined
    assert forms[0].approve.disabled
    assert forms[0].decline.disabled


def test_a_click_without_a_reason_says_so_and_the_buttons_stay(forms):
    seen = []

    def act(form):
        form.approve.click()
        deadline = time.monotonic() + 10
        while not form.told.value and time.monotonic() < deadline:
            time.sleep(0.02)
        seen.extend([form.told.value, form.approve.disabled])
        form.reason.value = "now with a reason"
        form.approve.click()
        form.approve.click()

    assert clicking(forms, act).reason == "now with a reason"
    assert seen == ["Not yet. a reason: must be said in words", False]


def test_the_loop_goes_on_while_the_buttons_stand_there_and_the_wait_ends(front_end):
    ticks = []

    async def cell():
        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.02)

        ticking = asyncio.create_task(tick())
        found = await approvals.asked(WANTED, seconds=0.3)
        ticking.cancel()
        return found

    with capture_output():
        assert asyncio.run(cell()) is None
    assert len(ticks) > 5


def test_a_file_that_somebody_writes_meanwhile_ends_the_wait(front_end, tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "LOOK_SECONDS", 0.05)
    path = tmp_path / "a.toml"
    writer = threading.Timer(0.2, lambda: approvals.add(path, given(at=datetime.now(UTC))))
    writer.start()
    decision, shown = obtain(source=str(path), seconds=10)
    writer.join()
    assert decision.approved
    assert len(shown) == 1


def test_an_approval_of_a_ladder_that_has_ended_does_not_count_for_the_next_one():
    ended = NOW - timedelta(minutes=5)
    wanted = Wanted(**BASE, operator="Bea", rung=25, since=ended)
    old = decide(given(at=ended - timedelta(minutes=1)), wanted=wanted)
    assert not old.approved
    assert "what it approved ended at" in old.check.seen
    assert decide(given(at=ended + timedelta(minutes=1)), wanted=wanted).approved
