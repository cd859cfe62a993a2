"""The plots of monitoring: the limit and whose it is, n, and no good news out of no data."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.figure import Figure

from hera_rollout.display import EVIDENCE_KEY, monitoring

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SPANS = [("yaml", NOW, NOW + timedelta(seconds=60)), ("hera", NOW + timedelta(seconds=70), NOW + timedelta(minutes=2))]


@pytest.fixture(autouse=True)
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that a plot has, as drawn."""
    InteractiveShell.instance()
    found: list[str] = []
    save = Figure.savefig

    def saved(self: Figure, *args: object, **kwargs: object) -> None:
        save(self, *args, **kwargs)
        found.extend(axes.get_title(loc="left") for axes in self.axes)
        found.extend(text.get_text() for axes in self.axes for text in axes.texts)

    monkeypatch.setattr(Figure, "savefig", saved)
    return found


def plotted(call: object, *args: object) -> tuple[str, dict[str, object]]:
    with capture_output() as captured:
        call(*args)
    (output,) = captured.outputs
    return output.data["image/png"], output.metadata[EVIDENCE_KEY]


def test_success_by_path_has_its_n_its_limit_and_the_limits_owner(texts: list[str]) -> None:
    phases = ["Succeeded"] * 39 + ["Failed"] + ["Succeeded"] * 20 + ["Running"] * 5
    frame = pd.DataFrame({"path": ["yaml"] * 40 + ["hera"] * 25, "phase": phases})
    png, evidence = plotted(monitoring.success_by_path, frame, 0.99, "guide default")
    assert len(png) > 1000
    assert [(row["path"], row["succeeded"], row["n"]) for row in evidence["rows"]] == [
        ("yaml", "39", "40"),
        ("hera", "20", "20"),
    ]
    assert "at least 99 % (guide default)" in texts
    assert {"39 of 40", "20 of 20"} <= set(texts)
    assert any("n = 40 by yaml, 20 by hera" in text for text in texts)


def test_success_of_nothing_is_no_data(texts: list[str]) -> None:
    _, evidence = plotted(monitoring.success_by_path, pd.DataFrame({"path": [], "phase": []}), 0.99, "kit")
    assert evidence["rows"] == []
    assert any("no data" in text for text in texts)


def test_wilson_stays_honest_at_the_ends() -> None:
    # R: prop.test(20, 20, correct = FALSE) gives 0.8389 to 1
    assert monitoring.wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)
    assert monitoring.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_the_error_rate_marks_each_turn_of_the_flag(texts: list[str]) -> None:
    frame = pd.DataFrame(
        {"time": [NOW + timedelta(seconds=30 * n) for n in range(4)], "requests": [10, 0, 10, 10],
         "errors": [0, 0, 1, 0], "share": [0.0, None, 0.1, 0.0]}
    )  # fmt: skip
    png, evidence = plotted(monitoring.error_rate_over_time, frame, [*SPANS, ("hera", *SPANS[1][1:])], 0.01, "target x")
    assert len(png) > 1000
    assert len(evidence["rows"]) == 4
    assert [text for text in texts if text in ("yaml", "hera")] == ["yaml", "hera"], "two turns, not three"
    assert "limit 1 % (target x)" in texts
    assert any("30 requests, 1 errors" in text for text in texts)


def test_no_requests_are_no_data(texts: list[str]) -> None:
    empty = pd.DataFrame(columns=["time", "requests", "errors", "share"])
    plotted(monitoring.error_rate_over_time, empty, SPANS, 0.01, "kit")
    assert any("no data" in text for text in texts)
