"""Figures of two paths as checks: the gates' statistics out of frames, the limits out of the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any, Final

import pandas as pd

from hera_rollout.gates import (
    Check,
    Durations,
    Errors,
    Moments,
    NoIncrease,
    NotMore,
    NotSlower,
    Outcomes,
    Stratum,
    SuccessRate,
    alpha,
    judge,
    look,
    rules,
)
from hera_rollout.gates import Windows as Pairs
from hera_rollout.gates.judging import Gate
from hera_rollout.target import Limits, Target

GATES: Final = ("execution times", "response times", "creation success", "error rate", "cpu", "memory")


@dataclass(frozen=True)
class _Gating:
    """What all gates of one look share."""

    limits: Limits
    shares: dict[str, alpha.Alpha]
    code_revision: str
    per_second: float
    per_pair: float
    """Submissions by Hera in a pair of windows."""

    def look(
        self, name: str, gate: Gate, seen: Any, limit: str, *, why: str, todo: str, per_second: float | None = None
    ) -> Check:
        """One gate, under the target's limit of that name."""
        rate = self.per_second if per_second is None else per_second
        return look(name=name, gate=gate, seen=seen, per_second=rate,
                    limit_source=self.limits.source(limit), why=why, todo=todo)  # fmt: skip


def checks(
    submissions: pd.DataFrame, figures: pd.DataFrame, target: Target, code_revision: str, per_second: float = 0.0
) -> list[Check]:
    """Every gate of two arms; HOLD where there is not enough evidence, and where there is none.

    Args:
        submissions: one row a task submitted in a window: window, path, answer_seconds, seconds, problem, workflow.
        figures: of :func:`hera_rollout.metrics.service`; empty where there is no Prometheus.
        target: whose limits are used.
        code_revision: what code the evidence is about.
        per_second: submissions by Hera a second, at the present rate: when a HOLD would decide.
    """
    limits = target.limits
    by_hera = submissions[submissions["path"] == "hera"]
    per_pair = len(by_hera) / max(1, by_hera["window"].nunique())
    gating = _Gating(limits, alpha.split(GATES, total=limits.alpha), code_revision, per_second, per_pair)
    return [
        _slower(gating, "execution times", submissions, "seconds"),
        _slower(gating, "response times", submissions, "answer_seconds"),
        _creation(gating, submissions),
        _errors(gating, figures),
        _resource(gating, "cpu", figures),
        _resource(gating, "memory", figures),
    ]


def _slower(gating: _Gating, name: str, submissions: pd.DataFrame, column: str) -> Check:
    limits = gating.limits
    gate = NotSlower(increase=limits.slowdown_max, alpha=gating.shares[name], burn_in=limits.burn_in)
    seen = durations(submissions, column, gating.code_revision)
    return gating.look(
        name, gate, seen, "slowdown_max", why="Users wait for it.",
        todo="Run more windows (rounds), or see which step takes longer: argo get, the backend's log.",
    )  # fmt: skip


def durations(submissions: pd.DataFrame, column: str, code_revision: str) -> Durations:
    """Log durations of both paths; all windows are one stratum, for the paths alternate in it."""
    good = submissions[(submissions["problem"] == "") & (submissions[column].fillna(0) > 0)]
    values = {path: [log(one) for one in good[good["path"] == path][column]] for path in ("yaml", "hera")}
    stratum = Stratum(percent=50, hera=Moments.of(values["hera"]), yaml=Moments.of(values["yaml"]))
    return Durations(code_revision=code_revision, strata=(stratum,))


def _creation(gating: _Gating, submissions: pd.DataFrame) -> Check:
    mine = submissions[submissions["path"] == "hera"]
    failures = int((mine["workflow"] == "").sum())
    seen = Outcomes(code_revision=gating.code_revision, workflows=len(mine), failures=failures)
    gate = SuccessRate(limit=1 - gating.limits.success_rate_min, alpha=gating.shares["creation success"])
    return gating.look(
        "creation success", gate, seen, "success_rate_min", why="A submission that makes no workflow is lost work.",
        todo="Run more windows (rounds), or see the backend's log for the submissions that were refused.",
    )  # fmt: skip


def _total(figures: pd.DataFrame, figure: str, path: str) -> int | None:
    """A counter's growth over all windows of a path; None where one of them has no data."""
    mine = figures[(figures["figure"] == figure) & (figures["path"] == path)]["value"]
    return None if mine.empty or mine.isna().any() else round(mine.sum())


def _errors(gating: _Gating, figures: pd.DataFrame) -> Check:
    counts = [_total(figures, name, path) for name in ("requests", "errors") for path in ("hera", "yaml")]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return no_data("error rate", "requests and errors of both paths")
    hera, yaml, bad, before = known
    seen = Errors.between(gating.code_revision, (hera, yaml), (min(bad, hera), min(before, yaml)))
    gate = NoIncrease(floor=gating.limits.error_rate_max, alpha=gating.shares["error rate"])
    check = gating.look(
        "error rate", gate, seen, "error_rate_max", why="Errors that only one path makes are that path's.",
        todo="Run more windows (rounds), or read the backend's error lines of the windows with the flag on.",
    )  # fmt: skip
    counted = f"{bad} of {hera} requests were errors with the flag on, {before} of {yaml} with it off"
    return replace(check, seen=f"{counted}; {check.seen.partition('; ')[2]}")


def _resource(gating: _Gating, name: str, figures: pd.DataFrame) -> Check:
    found = pairs(figures[figures["figure"] == name])
    if not found:
        return no_data(name, "pairs of windows with a figure by each path")
    limits = gating.limits
    gate = NotMore(increase=limits.resources_up_max, alpha=gating.shares[name], least_pairs=limits.resource_pairs)
    return gating.look(
        name, gate, Pairs.of(gating.code_revision, found), "resources_up_max",
        why="The service pays for each submission.", todo="Run more windows (rounds); one pair says little.",
        per_second=gating.per_second / gating.per_pair if gating.per_pair else 0.0,
    )  # fmt: skip


def pairs(figures: pd.DataFrame) -> list[tuple[float, float]]:
    """Neighbouring windows' figures, Hera's first; a pair with a window without data is left out."""
    found = []
    for _, pair in figures.groupby(figures["window"] // 2):
        there = pair.dropna(subset=["value"])
        by = dict(zip(there["path"].astype(str), there["value"].astype(float), strict=True))
        if by.keys() == {"hera", "yaml"} and min(by.values()) > 0:
            found.append((by["hera"], by["yaml"]))
    return found


def no_data(name: str, what: str) -> Check:
    """HOLD: nothing was measured, and nothing measured is never good."""
    return judge(
        name=name, rule=rules.withheld, evidence={"missing": what}, seen=f"no data: {what} are not there",
        expected=what, limit_source="kit", why="No data is no evidence.",
        todo="See whether Prometheus scrapes the service's pods (its targets page), then run this again.",
    )  # fmt: skip


def rows_of(windows: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The submissions of windows, each with its window's number."""
    for window in windows:
        for row in window["rows"]:
            yield {**row, "window": window["number"]}
