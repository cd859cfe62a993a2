"""Low hours out of made-up histories: what is low, what is not known, and what a record judges again."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from hera_rollout.errors import Refused
from hera_rollout.gates import Verdict, rules
from hera_rollout.window import check, low_traffic

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
NOON, NIGHT = MONDAY + timedelta(days=8, hours=12), MONDAY + timedelta(days=8, hours=3)


def busy(moment: datetime) -> float:
    """Office hours: 100 from 8 to 20, else 10."""
    return 100.0 if 8 <= moment.hour < 20 else 10.0


def history(days, rate=busy):
    moments = [MONDAY + timedelta(hours=hour) for hour in range(int(days * 24))]
    return pd.DataFrame({"time": moments, "per_hour": [float(rate(one)) for one in moments]})


def verdict(window, moment):
    made = check(window, moment)
    evidence = json.loads(json.dumps(made.as_dict(), allow_nan=False))["evidence"]
    assert rules.RULES[made.rule](evidence) is made.verdict, "not to be judged again"
    assert (made.verdict is Verdict.PASS) is window.now(moment).inside
    return made.verdict


def test_nights_are_low_and_days_are_not():
    window = low_traffic(history(7))
    assert (window.by, window.days, len(window.low)) == ("hour of the day", 7.0, 12)
    assert verdict(window, NIGHT) is Verdict.PASS
    assert verdict(window, NOON) is Verdict.HOLD
    standing = window.now(NOON)
    assert (standing.rate_now, standing.rate_low, window.limit) == (100, 10, 50)
    assert standing.opening == (NOON.replace(hour=20), NOON.replace(hour=8) + timedelta(days=1))


def test_an_open_window_says_when_it_closes():
    assert low_traffic(history(7)).now(NIGHT).opening == (NIGHT, NIGHT.replace(hour=8))


def test_weekends_show_from_two_weeks_on():
    def rate(moment):
        return 5.0 if moment.weekday() > 4 else busy(moment)

    saturday = MONDAY + timedelta(days=19, hours=12)
    assert verdict(low_traffic(history(13, rate)), saturday) is Verdict.HOLD
    window = low_traffic(history(14, rate))
    assert window.by == "hour of the week"
    assert verdict(window, saturday) is Verdict.PASS
    assert verdict(window, saturday + timedelta(days=2)) is Verdict.HOLD


def test_one_odd_day_does_not_move_the_window():
    frame = history(7)
    frame.loc[frame["time"].between(NIGHT - timedelta(days=5, hours=3), NIGHT - timedelta(days=5)), "per_hour"] = 9000.0
    assert len(low_traffic(frame).low) == 12


def test_a_moment_elsewhere_is_taken_in_utc_and_one_without_offset_is_refused():
    window = low_traffic(history(7))
    assert verdict(window, NIGHT.astimezone(timezone(timedelta(hours=9)))) is Verdict.PASS
    with pytest.raises(Refused, match="has no offset"):
        check(window, NIGHT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (history(0), "no whole hour of history was found"),
        (history(3), "3.0 days of history were found, 7 are needed"),
        (history(7, lambda _: 0.0), "in 7.0 days the usual hour had no request at all"),
        (history(7, lambda _: 40.0), "traffic is even: no hour is usually at or below 50% of the busiest one"),
    ],
)
def test_what_shows_no_window_is_held_and_says_why(frame, said):
    window = low_traffic(frame)
    made = check(window, NIGHT)
    assert verdict(window, NIGHT) is Verdict.HOLD
    assert said in made.seen
    assert made.todo
    assert (window.low, window.now(NIGHT).opening) == (frozenset(), None)


def test_an_hour_that_is_never_seen_is_unknown_and_not_low():
    frame = history(9)
    window = low_traffic(frame[[one.hour != 3 for one in frame["time"]]])
    assert window.missing == ""
    assert verdict(window, NIGHT) is Verdict.HOLD
    assert "usually unknown now" in check(window, NIGHT).seen
    assert window.now(NIGHT).opening == (NIGHT.replace(hour=4), NIGHT.replace(hour=8))


def test_an_hour_that_was_seen_once_is_no_habit():
    frame = history(9)
    window = low_traffic(frame[[one.hour != 3 or one.day == 4 for one in frame["time"]]])
    assert window.hours[3].n == 1
    assert verdict(window, NIGHT) is Verdict.HOLD


def test_the_share_decides_what_is_low_and_where_all_is_low_the_window_ends_with_the_period():
    assert verdict(low_traffic(history(7), share=0.05), NIGHT) is Verdict.HOLD
    standing = low_traffic(history(7), share=1.0).now(NOON)
    assert standing.inside
    assert standing.opening == (NOON, NOON + timedelta(days=1))


def test_hold_says_when_to_come_back_and_whose_limit_it_was():
    made = check(low_traffic(history(7)), NOON, "target lab")
    assert (made.name, made.limit_source) == ("change window", "target lab")
    assert "usually 100 requests an hour now, 10 requests an hour in a low hour" in made.seen
    assert "Wait until Tue 10 Nov 20:00 UTC; the window is then open until Wed 11 Nov 08:00 UTC." in made.todo
