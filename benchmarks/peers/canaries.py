"""The published decision rules of three canary tools, on streams of workflow outcomes.

Each sees the same workflows as our gate, in windows of 50: the figure a query over the last interval would give.
A rule answers, for each stream, after how many workflows it rolled back; 0 if it never did.

* Argo Rollouts 1.9.1 (pkg/apis/rollouts/v1alpha1/analysis_types.go): a measurement whose condition is false is failed;
  the analysis run fails once there are more failed ones than ``failureLimit`` (default 0).
* Flagger 1.44 (pkg/controller/scheduler.go): a check outside ``thresholdRange`` raises a counter that only rises during
  a run; roll back once it reaches ``threshold`` (default 1; its documentation's example has 10).
* Kayenta's Netflix judge (kayenta-judge: MannWhitneyClassifier.scala, kayenta-mannwhitney: MannWhitney.scala): a
  confidence interval of 98 % for the shift between canary and baseline from the tie-corrected rank sum; High if its
  lower end is above 0.25 times the shift's estimate. At least 50 points a metric are advised, so it judges every 50.
  The interval's ends are found exactly here, where Kayenta searches for them to 0.0001.
"""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
WINDOW = 50
POINTS = 50
Z_98 = 2.3263478740408408
TOLERANCE = 0.25


def in_windows(failed: Bools) -> Ints:
    """Failures in each window of 50, one row a stream."""
    whole = failed.shape[1] // WINDOW * WINDOW
    return failed[:, :whole].reshape(failed.shape[0], -1, WINDOW).sum(axis=2)


def _first(hit: Bools, step: int) -> Ints:
    return np.where(hit.any(axis=1), (hit.argmax(axis=1) + 1) * step, 0)


def argo_rollouts(failed: Bools, limit: float, failure_limit: int = 0) -> Ints:
    """Roll back once more than ``failure_limit`` windows had a failure share above the limit."""
    return _first(np.cumsum(in_windows(failed) / WINDOW > limit, axis=1) > failure_limit, WINDOW)


def flagger(failed: Bools, limit: float, threshold: int = 1) -> Ints:
    """Roll back once ``threshold`` windows were outside the range."""
    return _first(np.cumsum(in_windows(failed) / WINDOW > limit, axis=1) >= threshold, WINDOW)


def kayenta(canary: Bools, baseline: Bools) -> Ints:
    """Roll back at the first judgement, after every 50 points so far, that calls the failure share High."""
    x, y = in_windows(canary), in_windows(baseline)
    judgements = [_high(x[:, :points], y[:, :points]) for points in range(POINTS, x.shape[1] + 1, POINTS)]
    return _first(np.stack(judgements, axis=1), POINTS * WINDOW)


def _high(x: Ints, y: Ints) -> Bools:
    n, top = x.shape[1], int(max(x.max(), y.max()))
    mine, theirs = _histogram(x, top), _histogram(y, top)
    # For a shift just below j, the rank sum's excess is the number of pairs with x - y >= j, less its expectation.
    shifts = np.arange(-top, top + 1)
    pairs = np.stack([_pairs_at(mine, theirs, shift) for shift in shifts], axis=1)
    at_least = pairs[:, ::-1].cumsum(axis=1)[:, ::-1] - n * n / 2
    ties = ((mine**3 - mine) + (theirs**3 - theirs)).sum(axis=1)
    sigma = np.sqrt(n * n / 12 * (2 * n + 1 - ties / (2 * n * (2 * n - 1))))
    corrected = at_least - np.sign(at_least) * 0.5
    lower, estimate = (_last(corrected > quantile * sigma[:, None], shifts) for quantile in (Z_98, 0.0))
    return np.asarray(lower > TOLERANCE * np.abs(estimate)) & (sigma > 0)


def _histogram(values: Ints, top: int) -> Ints:
    return (values[:, :, None] == np.arange(top + 1)).sum(axis=1)


def _pairs_at(mine: Ints, theirs: Ints, shift: int) -> Ints:
    width = mine.shape[1]
    low, high = max(0, shift), min(width, width + shift)
    return (mine[:, low:high] * theirs[:, low - shift : high - shift]).sum(axis=1)


def _last(hit: Bools, shifts: Ints) -> NDArray[np.float64]:
    """The largest shift at which the rank sum is still too high: where its step function crosses."""
    return np.where(hit.any(axis=1), shifts[hit.shape[1] - 1 - hit[:, ::-1].argmax(axis=1)], -np.inf)
