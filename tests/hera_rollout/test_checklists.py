"""The guide's lists are all here, in its words; evidence ticks what it can, and an open line says so."""

import re

import pytest

from hera_rollout import checklists
from hera_rollout.gates import Check, Verdict

HEADINGS = {
    "## Testing Checklist": checklists.TESTING,
    "## Monitoring Checklist": checklists.MONITORING,
    "## Communication Plan": checklists.COMMUNICATION,
}


@pytest.mark.parametrize("heading", HEADINGS)
def test_each_list_is_the_guides_word_for_word(guide: str, heading: str) -> None:
    section = guide.split(heading)[1].split("\n## ", maxsplit=1)[0]
    assert [line.words for line in HEADINGS[heading]] == re.findall(r"- \[ \] (.+)", section)


def test_a_line_is_ticked_by_all_its_checks_and_shows_the_worst() -> None:
    line = next(line for line in checklists.TESTING if line.words == "Performance metrics")
    good = Check(name="execution times", verdict=Verdict.PASS, seen="fine")
    bad = Check(name="response times", verdict=Verdict.FAIL, seen="30 % up")

    def state(*checks: Check) -> list[str]:
        table = checklists.frame([line], {check.name: check for check in checks})
        return list(table.iloc[0][["state", "by what"]])

    assert state() == ["☐ open", "not checked: execution times, response times"]
    assert state(good) == ["☐ open", "not checked: response times"]
    assert state(good, bad) == ["✗ FAIL", "30 % up"]


def test_what_only_a_person_can_tick_stays_open_until_somebody_did() -> None:
    table = checklists.frame(checklists.COMMUNICATION, {}, {"Set up monitoring dashboards": "ann"})
    states = dict(zip(table["the guide's words"], table["state"], strict=True))
    assert states["Set up monitoring dashboards"] == "✓ PASS"
    assert states["Share learnings with team"] == "☐ open"
