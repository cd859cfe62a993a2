"""How a check's verdict follows from its evidence: one pure function a rule.

A record keeps each check's rule and evidence, so that its verdict can be computed again from the record alone.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hera_rollout.gates.approving import approved
from hera_rollout.gates.checks import Check, Verdict
from hera_rollout.gates.drilling import drilled
from hera_rollout.gates.judging import no_increase, not_more, not_slower, sample_ratio, success_rate
from hera_rollout.gates.quiet import allowed_hour, quiet_hour
from hera_rollout.gates.rung import conclude_ladder, leave_rung
from hera_rollout.gates.standing import not_grown, stable, steady, unchanged

Evidence = Mapping[str, Any]
Rule = Callable[[Evidence], Verdict]


def holds(evidence: Evidence) -> Verdict:
    """PASS if ``holds`` is true, else FAIL: for facts that are there or are not."""
    return Verdict.PASS if evidence["holds"] is True else Verdict.FAIL


def raised(_evidence: Evidence) -> Verdict:
    """FAIL: what was to be shown ended with an error instead."""
    return Verdict.FAIL


def withheld(_evidence: Evidence) -> Verdict:
    """HOLD: nothing was measured, such as in a dry run or by a cell that never ran."""
    return Verdict.HOLD


def flag_reported(evidence: Evidence) -> Verdict:
    """PASS if at least one pod reported, and each reports the wanted flag with a Hera that could be imported.

    Evidence: ``wanted`` (bool), ``pods``: rows with ``enabled`` and ``hera_import``.
    """
    pods = evidence["pods"]
    if not pods:
        return Verdict.HOLD
    wanted = str(evidence["wanted"])
    good = all(str(pod["enabled"]) == wanted and (wanted == "False" or pod["hera_import"] == "ok") for pod in pods)
    return Verdict.PASS if good else Verdict.FAIL


def scenarios(evidence: Evidence) -> Verdict:
    """FAIL if one failed or did not run, PASS if every one there is ran and passed, else HOLD.

    Evidence: ``results`` with ``name``, ``passed`` and ``in_doubt`` (only the path that made it cannot be told);
    ``asked`` and ``every``: lists of names.
    """
    passed = {result["name"] for result in evidence["results"] if result["passed"]}
    doubtful = {result["name"] for result in evidence["results"] if result.get("in_doubt")}
    named = {result["name"] for result in evidence["results"]} | set(evidence["asked"])
    if not named <= passed | doubtful:
        return Verdict.FAIL
    return Verdict.PASS if set(evidence["every"]) <= passed else Verdict.HOLD


def misplaced(row: Mapping[str, Any]) -> bool:
    """Whether a workflow was made by the other path, or its label and its manifest disagree."""
    return row["how we know"] == "contradicted" or row["path"] not in ("none", row["expected"])


def provenance(evidence: Evidence) -> Verdict:
    """FAIL for one misplaced workflow; HOLD for one unproven, or where none was made with the flag on.

    Evidence: ``workflows``: rows with ``flag``, ``path``, ``expected`` and ``how we know``.
    """
    rows = evidence["workflows"]
    if any(misplaced(row) for row in rows):
        return Verdict.FAIL
    proven = all(row["how we know"] == "proven" for row in rows)
    return Verdict.PASS if proven and any(row["flag"] == "on" for row in rows) else Verdict.HOLD


def parity(evidence: Evidence) -> Verdict:
    """FAIL if one pair differs, PASS if every scenario was compared, else HOLD.

    Evidence: ``pairs`` with ``before`` and ``after``; ``every``: names.
    """
    pairs = evidence["pairs"]
    if any(pair["before"] != pair["after"] for pair in pairs):
        return Verdict.FAIL
    return Verdict.PASS if {pair["name"] for pair in pairs} >= set(evidence["every"]) else Verdict.HOLD


def equivalent(evidence: Evidence) -> Verdict:
    """FAIL for one difference that matters and that nobody accepted; HOLD if a pair was not compared or none is there.

    Evidence: ``pairs`` with ``compared`` (bool) and ``differences``: those that matter, with ``accepted``: by whom.
    """
    pairs = evidence["pairs"]
    if any(not difference["accepted"] for pair in pairs for difference in pair["differences"]):
        return Verdict.FAIL
    return Verdict.PASS if pairs and all(pair["compared"] for pair in pairs) else Verdict.HOLD


def ended_well(evidence: Evidence) -> Verdict:
    """PASS if the workflow was seen to end, Succeeded, and left outputs.

    Evidence: ``reached``, ``phase``, ``outputs``.
    """
    good = evidence["reached"] == "finished" and evidence["phase"] == "Succeeded" and evidence["outputs"]
    return Verdict.PASS if good else Verdict.FAIL


def rolled_back(evidence: Evidence) -> Verdict:
    """FAIL for one workflow by Hera after the flag was off; PASS if every pod was seen to have it off, else HOLD.

    Evidence: ``hera_after``: names; ``unverified``: what could not be shown; ``effective``: when, or nothing.
    """
    if evidence["hera_after"]:
        return Verdict.FAIL
    return Verdict.PASS if evidence["effective"] and not evidence["unverified"] else Verdict.HOLD


RULES: Final[dict[str, Rule]] = {
    rule.__name__: rule
    for rule in (
        *(holds, raised, withheld, flag_reported, scenarios, provenance, parity, equivalent, ended_well, rolled_back),
        *(success_rate, not_slower, not_more, no_increase, sample_ratio, leave_rung, conclude_ladder),
        *(approved, drilled, quiet_hour),
        *(allowed_hour, stable, steady, not_grown, unchanged),
    )
}
"""Every rule by the name that a check carries."""


def judge(*, name: str, rule: Rule, evidence: dict[str, Any], **words: str) -> Check:
    """Make a check whose verdict follows from its evidence by a rule.

    Args:
        name: the check's name.
        rule: one of this module's rules.
        evidence: plain JSON data, as the rule says.
        words: the check's other texts: ``seen``, ``expected``, ``why``, ``todo``, ``limit_source``, ``criterion``.
    """
    return Check(name=name, verdict=rule(evidence), rule=rule.__name__, evidence=evidence, **words)
