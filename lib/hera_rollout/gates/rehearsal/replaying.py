"""Recorded histories through the gate: as they were, and reshuffled in blocks, so that bursts stay bursts."""

from collections.abc import Sequence
from math import ceil

import numpy as np
import pandas as pd

from hera_rollout.errors import Refused
from hera_rollout.gates.assessments import decided
from hera_rollout.gates.mixtures import log_evidence
from hera_rollout.gates.rehearsal.crossing import Boundary
from hera_rollout.gates.success import SuccessRate


def replay(gate: SuccessRate, failed: Sequence[bool]) -> pd.DataFrame:
    """The gate after each workflow of a recorded history, in the order submitted: counts, evidence, verdict."""
    n = np.arange(1, len(failed) + 1)
    k = np.cumsum(np.asarray(failed, dtype=int))
    pro = np.asarray(log_evidence(gate.passing, gate.limit, n, k))
    contra = np.asarray(log_evidence(gate.failing, gate.limit, n, k))
    verdicts = [decided(a, b, gate.alpha).value for a, b in zip(pro, contra, strict=True)]
    columns = {"workflows": n, "failures": k, "log evidence for PASS": pro, "log evidence for FAIL": contra}
    return pd.DataFrame(columns | {"verdict": verdicts})


def resampled(
    gate: SuccessRate,
    failed: Sequence[bool],
    *,
    block: int = 50,
    workflows: int = 5_000,
    runs: int = 1_000,
    seed: int = 0,
) -> pd.DataFrame:
    """What the gate does on histories like this one: one row of shares, and the median (inf: most never end).

    Blocks of the history are drawn with replacement, its end joined to its beginning, so outages stay together
    (circular blocks: Politis and Romano, "A circular block-resampling procedure for stationary data", 1992). The gate's
    guarantee is for a failure chance that stays on one side of the limit at every workflow; a history whose mean is
    fine but whose bad hours are not may FAIL more often, and this says how often.
    """
    history = np.asarray(failed, dtype=bool)
    if not 1 <= block <= history.size:
        raise Refused(f"A block of {block} does not fit a history of {history.size} workflows.", expected="1 or more.")
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, history.size, size=(runs, ceil(workflows / block)))
    drawn = history[(starts[:, :, None] + np.arange(block)) % history.size].reshape(runs, -1)[:, :workflows]
    passed, fell = Boundary.of(gate, workflows).verdicts(np.cumsum(drawn, axis=1))
    first_pass, first_fail = np.where(passed, passed, np.inf), np.where(fell, fell, np.inf)
    row = {
        "failure rate": history.mean(),
        "PASS": float((first_pass < first_fail).mean()),
        "FAIL": float((first_fail < first_pass).mean()),
        "HOLD": float((first_pass == first_fail).mean()),
        "median workflows": float(np.median(np.minimum(first_pass, first_fail))),
    }
    return pd.DataFrame([row])
