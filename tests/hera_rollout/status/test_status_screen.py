"""What the screen says, on whatever terminal; what the line and the JSON say."""

import io
import json

import pytest
from rich.console import Console

from hera_rollout.canary.evidence import key
from hera_rollout.rollback import observing
from hera_rollout.state import Facts, Rollout, processes
from hera_rollout.status import Known, Screen, Unknown, line, reading
from hera_rollout.status.parts import PARTS
from hera_rollout.target import Limits


def shown(status, width=80, height=24, terminal=True, **settings):
    """The lines as they come out; colours only where asked for."""
    given = {"no_color": True, "color_system": None, "highlight": False, **settings}
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=terminal, **given)
    console.print(Screen(status))
    return [text.rstrip() for text in console.file.getvalue().split("\n")[:-1]]


def part(lines, name):
    """A part's own lines, as one text."""
    found = [number for number, text in enumerate(lines) if text.startswith(name)]
    rest = lines[found[0] + 1 :]
    more = next((number for number, text in enumerate(rest) if not text.startswith(" ")), len(rest))
    return " ".join([lines[found[0]].removeprefix(name), *rest[:more]])


def words(lines):
    return " ".join(" ".join(lines).split())


def test_a_standing_canary_shows_rung_since_when_and_counts_by_path(made):
    lines = shown(made.status())
    assert "backend-2026-11 at 03_canary, rung 25 %" in words(lines)
    assert "since 2026-11-28 11:48:00 UTC (12 min ago)" in words(lines)
    assert "run 03-20261128-113000, attempt 2, by ann: not concluded" in words(lines)
    assert "62 by hera, 1 failed; 490 by yaml, 4 failed" in part(lines, "evidence")
    rows = [text.split() for text in lines if " % " in text and " of " in text and "min" in text]
    assert ["25", "%", "12", "min", "12", "0", "40", "1", "0/2", "13", "of", "52"] in rows
    assert ["10", "%", "16", "min", "50", "1", "450", "3", "0/2", "13", "of", "52"] in rows


def test_it_shows_flag_lease_flight_drift_and_records(made):
    lines = shown(made.status())
    assert "2 of 2 pods: on for 25 %" in part(lines, "flag")
    assert "on for 25 % by ann@laptop, 2026-11-28 11:48:00 UTC" in part(lines, "last set")
    assert "none: the flag says what the kit set" in part(lines, "drift")
    assert "ann@laptop (03_canary) since 2026-11-28 11:30:00 UTC; alive, renewed 7 s ago" in words(lines)
    assert "1 by Hera; the oldest: python-job-1 (Running, 2 min ago)" in words([part(lines, "in flight")])
    assert "2026-11-28 11:30 drill PASS lab: every criterion holds" in words([part(lines, "records")])


def test_where_nothing_began_it_says_so(made):
    nobody = made.status(Facts(), in_flight=Known(()), lease=Known(None), records=Known(()))
    lines = shown(nobody)
    assert "nothing began yet" in part(lines, "rollout")
    assert "none yet" in part(lines, "evidence")
    assert "never by the kit" in part(lines, "last set")
    assert "nobody is at work on it" in part(lines, "lease")
    assert line(nobody).startswith("nothing began yet · ")


def test_before_the_canary_it_says_what_is_done_and_after_a_phase_how_it_ended(made):
    steps = {"scenario simple": {"passed": True}, "scenario rerun": {"passed": True}}
    lines = shown(made.status(made.facts(runs={made.phase: made.run(steps=steps)})))
    assert "2 pieces of work done, the last is: scenario rerun" in words(lines)
    over = made.status(made.facts(runs={made.phase: made.run(concluded="PASS")}))
    assert "attempt 2, by ann: PASS" in words(shown(over))
    assert "the run ended with PASS; its evidence is in its record" in words(shown(over))
    assert "03_canary rung 25 % PASS" in line(over)


def test_production_shows_how_long_it_was_watched_beside_the_guides_time(made):
    phase, (one, two) = "04_production", [made.ago(minutes).timestamp() for minutes in (120, 10)]
    steps = {key(100): made.rung(100, 125).plain(), "watched": [[one, one + 3600], [two, two + 300]]}
    at = Rollout(id=made.rollout, phase=phase, rung=100.0, since=made.ago(125))
    facts = made.facts(rollout=at, runs={phase: made.run().model_copy(update={"steps": steps})})
    told = "watched for 1 h 5 min in 2 spells of 2 d; the guide asks for 48+ hours"
    assert told in part(shown(made.status(facts), width=120), "evidence")
    assert told in line(made.status(facts))
    assert made.status(facts).plain()["evidence"]["value"]["watched"]["seconds"] == 3900
    hasty = Known(reading.evidence(facts, Limits(stable_seconds=30)))
    assert "of 30 s; the guide asks for 48+ hours: 30 s is a deviation" in words(
        shown(made.status(facts, evidence=hasty))
    )


def test_pods_that_disagree_or_say_nothing_are_told_apart(made):
    report = made.report(["a", True, 25.0, ""], ["b", False, 0.0, ""], ["c", None, None, "it has no route"])
    lines = part(shown(made.status(flag=Known(reading.pods(report)))), "flag")
    assert "1 of 3 pods: on for 25 %" in lines
    assert "1 of 3 pods: off" in lines
    assert "not known of c: it has no route" in lines
    none = made.status(flag=Known(()))
    assert "no pod is ready" in part(shown(none), "flag")


def test_a_pod_that_says_no_truth_value_is_not_taken_for_on(made):
    report = made.report(["a", "yes", "many", ""])
    lines = shown(made.status(flag=Known(reading.pods(report))))
    assert "not known of a: it does not say whether it is on" in part(lines, "flag")
    assert "pods: o" not in part(lines, "flag")


def test_workflows_on_the_wrong_path_are_counted(made):
    rungs = (made.rung(10, 12, misplaced_count=3),)
    lines = shown(made.status(made.facts(runs={made.phase: made.run(rungs)})))
    assert "3 workflows by another path than the split says" in words(lines)


def test_a_part_that_is_not_known_says_why_and_what_to_do(made):
    lines = shown(made.status(lease=Unknown("the right is missing.", "Grant it.")))
    assert "not known: the right is missing. Grant it." in part(lines, "lease")
    assert "lease not known" in line(made.status(lease=Unknown("x")))


def full(made):
    """More than fits: every rung, both media changed, many pods and records, long texts."""
    rungs = tuple(made.rung(percent, 30 - at, 29 - at) for at, percent in enumerate((10, 25, 50, 75, 100)))
    sentence = "USE_HERA_SDK on deployment/backend is now 'false'; it was 'true' when the kit last set the flag. " * 3
    pods = made.report(*([f"pod-{number}", None, None, "The API server did not answer in time"] for number in range(9)))
    flying = [made.workflow(f"python-job-{number}") for number in range(40)]
    return made.status(
        made.facts(runs={made.phase: made.run(rungs)}), drift=Known((sentence, sentence)),
        flag=Known(reading.pods(pods)), in_flight=Known(reading.flying(observing.frame(flying))),
        records=Known(tuple(reading.kept([made.record(reason="because " * 60)] * 3, ""))),
    )  # fmt: skip


@pytest.mark.parametrize("which", ["usual", "full"])
def test_one_screen_of_80_by_24_is_enough(made, which):
    lines = shown(made.status() if which == "usual" else full(made))
    assert len(lines) <= 23, "the last line is the prompt's"
    assert max(map(len, lines)) <= 80
    named = [text.split("  ")[0] for text in lines if text[:1].strip()]
    assert named == ["target", "rollout", "flag", "last set", "drift", "lease", "evidence", "in flight", "records"]


def test_what_is_cut_for_the_screen_says_so_and_the_newest_rung_stays(made):
    lines = shown(full(made))
    assert any(text.endswith("…") for text in lines)
    assert ["100", "%", "60", "s", "12", "0", "40", "1", "0/2", "13", "of", "52"] in [text.split() for text in lines]
    assert not any(text.endswith("of  …") for text in lines), "half a figure is another figure"
    piped = shown(full(made), width=240, terminal=False)
    assert any(text.split()[:2] == ["10", "%"] for text in piped), "a pipe has no height"


@pytest.mark.parametrize("width", [12, 20, 40, 79])
def test_a_narrow_terminal_loses_no_word_of_who_and_where(made, width):
    lines = shown(made.status(), width=width, height=200)
    assert max(map(len, lines)) <= width
    together = "".join("".join(lines).split())
    for word in ("backend-2026-11", "03_canary", "ann@laptop", "11:48:00", "python-job-1"):
        assert word in together


def test_markup_in_ids_is_text(made):
    made.rollout = "[bold]x[/bold]"
    marked = made.status(lease=Known(reading.lease(made.held(holder="[/red]ann"), processes.own(), made.now)))
    text = words(shown(marked))
    assert "[bold]x[/bold] at" in text
    assert "[/red]ann (03_canary)" in text


def test_without_colour_and_in_a_pipe_there_are_no_codes(made, monkeypatch):
    coloured = "\n".join(shown(made.status(), no_color=False, color_system="standard"))
    assert "\x1b[" in coloured
    assert "\x1b" not in "\n".join(shown(made.status(), terminal=False, color_system="auto", no_color=None))
    monkeypatch.setenv("NO_COLOR", "1")
    text = "\n".join(shown(made.status(), no_color=None, color_system="standard"))
    assert not any(f"\x1b[{code}m" in text for code in ("31", "32", "33", "36", "1;36", "1;31"))


def test_control_codes_of_others_do_not_reach_the_terminal(made):
    kept = tuple(reading.kept([made.record(reason="\x1b[2Jgone\x07")], made.rollout))
    assert "\x1b" not in "\n".join(shown(made.status(records=Known(kept))))


def test_the_line_does_not_change_by_time_alone_and_names_what_matters(made):
    before = made.status()
    later = type(before)(**{**vars(before), "at": made.ago(-5)})
    assert line(later) == line(before)
    assert line(before) == (
        "backend-2026-11 at 03_canary rung 25 % · 62 by hera, 1 failed; 490 by yaml, 4 failed · flag on for 25 % · "
        "1 in flight by Hera · held by ann@laptop (alive) · no drift · last record drill PASS"
    )
    assert "FLAG CHANGED BY HAND" in line(made.status(drift=Known(("it says false",))))


def test_the_json_has_every_part_known_or_why_not(made):
    data = json.loads(json.dumps(made.status(lease=Unknown("no right.", "Grant it.")).plain()))
    assert set(data) == {"target", "title", "at", *PARTS}
    assert data["lease"] == {"known": False, "why": "no right.", "todo": "Grant it."}
    assert data["rollout"]["known"] is True
    assert data["rollout"]["value"]["rung"] == 25.0
    assert data["rollout"]["value"]["since"] == "2026-11-28T11:48:00+00:00"
    assert data["evidence"]["value"]["rungs"][1]["hera"] == {"workflows": 12, "failures": 0, "errors": 0}
    assert data["flag"]["value"][0] == {"pod": "a", "enabled": True, "percent": 25.0, "problem": ""}
    assert data["drift"] == {"known": True, "value": []}


def test_a_lease_is_alive_expired_or_of_a_dead_process(made):
    me = processes.own()

    def judged(**other):
        found = reading.lease(made.held(**other), me, made.now)
        return found.alive, found.how

    assert judged() == (True, "alive, renewed 7 s ago")
    assert judged(process=me) == (True, f"alive, process {me.pid} on this machine, renewed 7 s ago")
    alive, how = judged(renewed=made.ago(5))
    assert (alive, how) == (False, "expired, renewed 5 min ago: free for the next run")
    gone = processes.Process(me.place, me.pid, "another start")
    assert judged(process=gone) == (False, f"its process {me.pid} on this machine is gone: free for the next run")
    assert reading.lease(made.held(holder=""), me, made.now) is None
    assert reading.lease(None, me, made.now) is None
