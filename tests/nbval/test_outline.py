"""What a reader relies on is in the outline: each way to lose it, or to make it untrue, changes a line."""

from difflib import unified_diff

import outline
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hera_rollout.display import plots

SHOWN = """
import pandas as pd
from hera_rollout.display import banner, plots, table
from hera_rollout.gates import Verdict, judge, rules
for name in ("error logs", "warning logs"):
    check = judge(name=name, rule=rules.holds, evidence=dict(holds=True), seen="0 of 3")
    banner(check.verdict, check.name, [], kind="check", evidence=dict(check=check.as_dict()))
pods = pd.DataFrame(dict(name=["backend-0123456789-abcde", "database"], restarts=[7, 0], phase=["Running", "Failed"]))
table(pods, "Pods at 10:00:01")
plots.durations_by_path(pd.DataFrame(dict(scenario=["simple"], yaml_seconds=[7.5], hera_seconds=[7.0])))
"""
ERRORS, WARNINGS, PODS, POD, DATABASE, PLOT = LINES = [
    'check "error logs": PASS',
    'check "warning logs": PASS',
    'table "Pods at TIME": name, restarts, phase',
    "  row POD | Running",
    "  row database | Failed",
    'plot "Duration of each scenario by path (n = N scenarios, one run a path): yaml beside hera, in seconds"',
]
ANOTHER = """
banner(check.verdict, "no such thing", [], kind="check", evidence=dict(check=dict(check.as_dict(), name="new")))
"""
CHANGES = {
    "another verdict": ("holds=True", "holds=name != 'error logs'", [f"-{ERRORS}", '+check "error logs": FAIL']),
    "a check is not shown": ('("error logs", "warning logs")', '("error logs",)', [f"-{WARNINGS}"]),
    "a check more": ("pods = pd", f"{ANOTHER}pods = pd", ['+check "new": PASS, shown as "✓ PASS · no such thing"']),
    "a banner that its evidence does not bear out": (
        "banner(check.verdict", "banner(Verdict.PASS if name == 'error logs' else Verdict.HOLD",
        [f"-{WARNINGS}", '+check "warning logs": PASS, shown as "… HOLD · warning logs"'],
    ),
    "another column": ("restarts=", "starts=", [f"-{PODS}", '+table "Pods at TIME": name, starts, phase']),
    "another title": ("Pods at", "All at", [f"-{PODS}", '+table "All at TIME": name, restarts, phase']),
    "a row is gone": ("table(pods,", "table(pods.head(1),", [f"-{DATABASE}"]),
    "a row more": ("table(pods,", "table(pd.concat([pods, pods.head(1)]),", [f"-{POD}", f"+{POD} ×2"]),
    "a row is judged otherwise": ('"Failed"', '"Running"', [f"-{DATABASE}", "+  row database | Running"]),
    "no plot": ("plots.durations_by_path", "", [f"-{PLOT}"]),
    "a plot without picture and text": (
        "plots.durations", "plots.Image = lambda data, alt, metadata: alt\nplots.durations",
        [f"-{PLOT}", '+plot "without a text for those who cannot see it", but no picture'],
    ),
    "only figures and names of the moment": ("0123456789-abcde", "9876543210-edcba", []),
    "only figures of the moment": ("restarts=[7, 0]", "restarts=[8, 1]", []),
}  # fmt: skip


def lines_of(source: str) -> list[str]:
    """The outline of what a cell shows, run here."""
    InteractiveShell.instance()
    with capture_output() as captured:
        exec(source, {})
    return outline.outline([{"data": output.data, "metadata": output.metadata} for output in captured.outputs])


def test_a_cell_is_outlined_by_what_it_shows():
    assert lines_of(SHOWN) == LINES


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_reader_would_miss_changes_a_line(change, monkeypatch):
    before, after, differs = CHANGES[change]
    assert before in SHOWN
    monkeypatch.setattr(plots, "Image", plots.Image)  # what a change makes of it ends with the test
    found = unified_diff(LINES, lines_of(SHOWN.replace(before, after)), n=0, lineterm="")
    assert [line for line in found if not line.startswith(("---", "+++", "@@"))] == differs


def gates(title: str, verdict: str, check: str) -> list[str]:
    """The rows of a table of one check."""
    evidence = {"kind": "table", "title": title, "rows": [{"verdict": verdict, "check": check}]}
    html = "<th>verdict</th><th>check</th>"
    return outline.outline([{"metadata": {outline.EVIDENCE_KEY: evidence}, "data": {"text/html": html}}])[1:]


def test_a_gate_below_the_last_rung_may_wait_and_may_not_fail():
    waiting, decided = "… HOLD", "✓ PASS"
    assert gates("The gates at 25 %", waiting, "error rate") == ['  check "error rate": PASS or HOLD']
    assert gates("The gates at 25 %", decided, "error rate") == ['  check "error rate": PASS or HOLD']
    assert gates("The gates at 25 %", "✗ FAIL", "error rate") == ['  check "error rate": FAIL']
    assert gates("The gates at 25 %", waiting, "sample ratio") == ['  check "sample ratio": HOLD']
    assert gates("The gates at 100 %", waiting, "error rate") == ['  check "error rate": HOLD']
