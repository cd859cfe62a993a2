"""What a notice says, and that facts stay facts."""

import pytest

from hera_rollout import checklists, notify
from hera_rollout.notify import Facts

FACTS = Facts(
    rollout="backend-2026-11", target="Staging", phase="03_canary", who="Ann", verdict="PASS",
    record="2026-11-25-03_canary-PASS", rollback="hera-rollout rollback --target staging --yes",
)  # fmt: skip


def guide(kind):
    return [line.words for line in checklists.COMMUNICATION if line.kind == kind]


def test_before_has_the_plan_the_way_back_and_the_guides_list():
    notice = notify.before(Facts(**vars(FACTS) | {"verdict": ""}), guide("before rollout"))
    assert notice.title == "03_canary of rollout backend-2026-11 at Staging is about to begin"
    assert "At work: Ann" in notice.body
    assert "- Notify team of rollout plan: this notice" in notice.body
    assert "- Prepare rollback plan: hera-rollout rollback --target staging --yes" in notice.body
    assert "- Set up monitoring dashboards: open" in notice.body
    assert "Verdict" not in notice.body


def test_after_has_the_verdict_and_the_record():
    notice = notify.after(FACTS, guide("after rollout"))
    assert "has ended with PASS" in notice.title
    assert "- Document results: 2026-11-25-03_canary-PASS" in notice.body
    assert "- Plan cleanup phase: open" in notice.body


@pytest.mark.parametrize(
    ("moment", "kind"),
    [("before", "before rollout"), ("during", "during rollout"), ("after", "after rollout"),
     ("rolled back", "during rollout")],
)  # fmt: skip
def test_every_moment_has_the_guides_list_and_who_was_rolled_back_is_still_during_it(moment, kind):
    words = [line.words for line in checklists.communication(moment)]
    assert words == guide(kind) != []
    notice = notify.notice(moment, FACTS, words)
    assert notice.moment == moment
    assert f"The guide's list {kind.split()[0]} a rollout:" in notice.body


def test_without_facts_nothing_of_the_guide_is_claimed():
    notice = notify.after(Facts(rollout="r", target="t"), guide("after rollout"))
    assert "its verdict was not given" in notice.title
    assert notice.body.count(": open") == 4
    assert notice.kind == "warning"


@pytest.mark.parametrize(("verdict", "kind"), [("PASS", "success"), ("HOLD", "warning"), ("FAIL", "failure")])
def test_the_kind_follows_the_verdict(verdict, kind):
    facts = Facts(**vars(FACTS) | {"verdict": verdict})
    assert notify.during(facts).kind == notify.after(facts).kind == kind


def test_rolled_back_is_a_warning_and_asks_for_no_rollback():
    notice = notify.rolled_back(FACTS)
    assert notice.kind == "warning"
    assert notice.title.endswith("was rolled back")
    assert "To take it back" not in notice.body


def test_a_line_end_or_control_code_in_a_name_begins_no_line_of_its_own():
    facts = Facts(**vars(FACTS) | {"rollout": "r\r\nBcc: all@example.org", "who": "Ann\nVerdict: PASS\x1b[31m"})
    notice = notify.before(facts)
    assert "\n" not in notice.title
    assert "\r" not in notice.title
    assert "At work: Ann Verdict: PASS" in notice.body.splitlines()
    assert "\x1b" not in notice.body
