"""The picture of the change window stands with a day, a week and nothing, and carries its numbers."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hera_rollout import display
from hera_rollout.window import low_traffic


@pytest.mark.parametrize(("days", "rows", "low"), [(0, 24, 0), (8, 24, 12), (15, 168, 84)])
def test_each_hour_is_in_the_evidence_and_n_in_the_title(days, rows, low):
    moments = [datetime(2026, 11, 2, tzinfo=UTC) + timedelta(hours=hour) for hour in range(days * 24)]
    frame = pd.DataFrame({"time": moments, "per_hour": [100.0 if 8 <= one.hour < 20 else 10.0 for one in moments]})
    window = low_traffic(frame)
    InteractiveShell.instance()
    with capture_output() as caught:
        display.traffic_by_hour(window.frame(), 14.5, window.limit, "kit default")
    (shown,) = caught.outputs
    evidence = shown.metadata[display.EVIDENCE_KEY]
    assert len(evidence["rows"]) == rows
    assert f"n = {days}.0 days" in evidence["title"]
    assert f"{low} of {rows} hours are low" in evidence["title"]
    assert "image/png" in shown.data
