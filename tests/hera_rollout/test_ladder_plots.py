"""The canary's pictures: what they are drawn from is in their evidence, and they stand with nothing and with little."""

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hera_rollout import display
from hera_rollout.display.ladder import LOOKS, SHARES, TIMES

ROWS = [[10.0, 3, 0, 0.0, 0.4, 20, 0], [25.0, 9, 1, 0.01, 0.3, 40, 1], [50.0, 30, 1, 0.01, 0.1, 60, 1]]
TIMED = [
    [10.0, "yaml", 20, 2.0, 0.2],
    [10.0, "hera", 3, 2.1, 0.2],
    [100.0, "yaml", 0, 0.0, 0.0],
    [100.0, "hera", 5, 2, 0],
]
SHARED = [[10.0, 23, 3], [100.0, 5, 5]]


@pytest.fixture
def outputs():
    InteractiveShell.instance()
    with capture_output() as caught:
        yield lambda: caught.outputs


@pytest.mark.parametrize("few", [None, 1, 0])
def test_each_picture_carries_its_numbers_and_n_in_its_title(outputs, few):
    display.success_over_looks(pd.DataFrame(ROWS[:few], columns=LOOKS), 0.2, "target lab")
    display.times_by_rung(pd.DataFrame(TIMED[:few], columns=TIMES), 0.5, "target lab")
    display.share_by_rung(pd.DataFrame(SHARED[:few], columns=SHARES))
    evidence = [one.metadata[display.EVIDENCE_KEY] for one in outputs()]
    assert [len(one["rows"]) for one in evidence] == [len(rows[:few]) for rows in (ROWS, TIMED, SHARED)]
    assert all("image/png" in one.data for one in outputs())
    if few is None:
        titles = [one["title"] for one in evidence]
        assert "n = 30 by hera, 60 by yaml" in titles[0]
        assert "n = 20 by yaml, 8 by hera" in titles[1]
        assert "n = 28 tasks" in titles[2]


def test_the_live_picture_is_one_png():
    frames = (pd.DataFrame(rows, columns=names) for rows, names in ((ROWS, LOOKS), (TIMED, TIMES), (SHARED, SHARES)))
    assert display.ladder_png(*frames, limits=(0.2, 0.5)).startswith(b"\x89PNG")


def test_the_rehearsals_picture_has_a_row_a_rate(outputs):
    rates = pd.DataFrame(
        {"true rate": [0.0, 0.01, 0.05], "PASS": [1.0, 0.03, 0], "FAIL": [0, 0.02, 1], "HOLD": [0, 0.95, 0]}
    )
    display.verdicts_by_rate(rates, 0.01, "guide default")
    (shown,) = outputs()
    assert len(shown.metadata[display.EVIDENCE_KEY]["rows"]) == 3


def test_a_rehearsals_figures_are_read_as_shares_and_whole_workflows(outputs):
    row = {"failure rate": 1 / 31, "PASS": 0.2, "FAIL": 0.1, "HOLD": 0.7, "median workflows": float("inf"), "seed": 7}
    display.verdict_shares(pd.DataFrame([row]), "a history")
    (shown,) = outputs()
    assert shown.metadata[display.EVIDENCE_KEY]["rows"] == [
        {"failure rate": "3.2%", "PASS": "20.0%", "FAIL": "10.0%", "HOLD": "70.0%", "median workflows": "never"}
    ]
