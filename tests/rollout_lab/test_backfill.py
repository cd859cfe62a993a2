"""The recorded week: what it says, that it is made once, and that what is cut off is made anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from hera_rollout import window
from hera_rollout.metrics import Prometheus
from hera_rollout.target import Target
from rollout_lab import backfill, booting, commands, components, discovery, recipes
from rollout_lab.booting import Boot
from rollout_lab.errors import LabError
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.timeline import Timeline

NOW = datetime(2026, 11, 25, 14, 5, tzinfo=UTC)


def samples(end: datetime) -> list[tuple[str, int, int]]:
    lines = [line for line in backfill.openmetrics(backfill.weights(), end) if not line.startswith("#")]
    return [(labels, int(value), int(at)) for labels, value, at in (line.rsplit(" ", 2) for line in lines)]


def test_week_says_that_it_is_synthetic_and_has_quiet_nights() -> None:
    assert "Synthetic" in backfill.WEEK.read_text().splitlines()[0]
    week = backfill.weights()
    assert len(week) == 168
    assert max(week[:6]) * 4 < max(week[9:17])


def test_counters_never_fall_and_add_up_to_the_week() -> None:
    end = backfill.ends(NOW)
    found = samples(end)
    for labels in {one for one, _, _ in found}:
        mine = [(value, at) for one, value, at in found if one == labels]
        assert [one for one, _ in mine] == sorted(one for one, _ in mine)
        assert {later - at for (_, at), (_, later) in pairwise(mine)} == {60}
    assert sum(value for _, value, at in found if at == end.timestamp()) == pytest.approx(
        sum(backfill.weights()), abs=2
    )


def test_each_hour_has_its_own_requests() -> None:
    end = backfill.ends(NOW)
    at = {moment: sum(value for _, value, one in samples(end) if one == moment.timestamp())
          for moment in (datetime(2026, 11, 24, 11, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC))}  # fmt: skip
    before, after = at.values()
    assert after - before == pytest.approx(backfill.weights()[24 + 11], abs=2)


@pytest.mark.parametrize(("minute", "hour"), [(5, 13), (9, 13), (10, 14), (59, 14)])
def test_it_ends_well_before_the_boot(minute: int, hour: int) -> None:
    now = NOW.replace(minute=minute)
    assert backfill.ends(now) == datetime(2026, 11, 25, hour, tzinfo=UTC)
    assert now - backfill.ends(now) >= timedelta(minutes=10)


def test_its_labels_are_those_of_a_scrape_and_of_no_live_pod() -> None:
    endpoint = {"addresses": ["10.244.0.9"], "targetRef": {"name": "backend-5d9c7b8f66-x2k4q"}}
    one = {"metadata": {"namespace": "argo", "labels": {"kubernetes.io/service-name": "backend"}},
           "ports": [{"port": 8000, "protocol": "TCP"}], "endpoints": [endpoint]}  # fmt: skip
    (live,) = discovery.targets([one])
    own = {"pod"} | {name for name in live["labels"] if name.startswith("__")}
    assert {name: value for name, value in live["labels"].items() if name not in own}.items() <= backfill.LABELS.items()
    assert backfill.LABELS["pod"] != live["labels"]["pod"]
    assert re.fullmatch("backend-[a-z0-9]+-[a-z0-9]{5}", backfill.LABELS["pod"])


def test_a_week_with_a_missing_hour_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "week.csv"
    file.write_text("".join(backfill.WEEK.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(LabError, match=r"has 167 hours of a week; expected each of the 168 once"):
        backfill.weights(file)


@pytest.mark.slow  # needs Debian's prometheus, which `make lab` installs
def test_it_is_given_once_and_a_cut_off_one_is_made_anew(paths: Paths) -> None:
    cut_off = paths.state / "prometheus.new"
    cut_off.mkdir(parents=True)
    (cut_off / "half").touch()
    assert backfill.ensure(paths, NOW)
    folder = paths.state / "prometheus"
    made = sorted(folder.iterdir())
    assert made
    assert all((block / "meta.json").exists() for block in made)
    assert not cut_off.exists()
    assert not backfill.ensure(paths, NOW + timedelta(days=1))
    assert sorted(folder.iterdir()) == made


@pytest.mark.slow  # needs Debian's prometheus, which `make lab` installs
def test_a_refusal_leaves_no_folder_that_a_next_boot_would_take(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "openmetrics", lambda *_: iter(["this is no sample\n"]))
    with pytest.raises(LabError, match="promtool"):
        backfill.ensure(paths, NOW)
    assert not (paths.state / "prometheus").exists()


def test_boot_gives_it_before_prometheus_starts_and_keeps_it(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(backfill, "build", lambda folder, _: (folder.mkdir(parents=True), told.append("week")))
    timeline = Timeline()
    built = Inventory(programs={recipe.name: str(paths.builds / recipe.name) for recipe in recipes.ALL})
    made = Boot(paths, built, None, timeline, with_backend=False)
    monkeypatch.setattr(made.supervisor, "start", told.append)
    made.monitoring()
    made.monitoring()
    assert told == ["week", *2 * ("prometheus", "discovery", "webhook")]
    assert set(timeline.stages) == {"recorded week", "prometheus"}
    argv = " ".join(components.prometheus(paths, Inventory()).argv)
    kept = re.search(r"retention\.time=(\d+)d", argv)
    assert kept
    assert int(kept.group(1)) > 7
    assert "prometheus" in booting.DATA


@pytest.mark.slow  # needs Debian's prometheus, which `make lab` installs
def test_the_kit_reads_the_week_hour_by_hour_and_the_live_pod_that_follows_makes_no_spike(
    tmp_path: Path, prometheus_over: Callable[[Path], str]
) -> None:
    now = datetime.now(UTC)
    end, folder = backfill.ends(now), tmp_path / "data"
    backfill.build(folder, end)
    live = backfill.LABELS | {
        "pod": "backend-5d9c7b8f66-x2k4q",
        "instance": "10.244.0.9:8000",
        "route": "/api/v1/tasks",
    }
    told = ",".join(f'{name}="{value}"' for name, value in live.items())
    text = tmp_path / "live.txt"
    counts = (f"{backfill.METRIC}_total{{{told}}} {3 + second / 60:.0f} {end.timestamp() + 600 + second:.0f}\n"
              for second in range(0, max(2, int((now - end).total_seconds()) - 600), 2))  # fmt: skip
    text.write_text(f"# TYPE {backfill.METRIC} counter\n{''.join(counts)}# EOF\n")
    commands.run(["promtool", "tsdb", "create-blocks-from", "-q", "openmetrics", text, folder])
    target = Target(name="lab", backend_url="http://b", argo_url="http://a", prometheus_url=prometheus_over(folder))
    later = now + timedelta(hours=2)
    seen = window.history(Prometheus.of(target), target, later)
    week = seen[seen["time"] < end]
    expected = [backfill.weights()[one.weekday() * 24 + one.hour] for one in week["time"]]
    assert len(week) == 168
    assert week["per_hour"].tolist() == pytest.approx(expected, abs=3)
    assert not (seen[seen["time"] >= end]["per_hour"] > 70).any()
    found = window.low_traffic(seen)
    assert {0, 1, 2, 3, 4, 22, 23} <= found.low
    assert not {9, 10, 11, 12, 13, 14, 15} & found.low
    assert found.now(later.replace(hour=3)).inside
    assert not found.now(later.replace(hour=11)).inside
