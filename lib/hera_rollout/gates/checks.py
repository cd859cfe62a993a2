"""A check is one success criterion with its verdict, its evidence and what to do next."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What a check, a gate or a whole phase says."""

    PASS = "PASS"
    """The evidence shows that the criterion holds."""
    FAIL = "FAIL"
    """The evidence shows that it does not."""
    HOLD = "HOLD"
    """Not enough evidence yet. Never a PASS, and never counted as one."""

    @property
    def sign(self) -> str:
        """The sign that goes before the word, so that colour is never the only carrier."""
        return {"PASS": "✓", "FAIL": "✗", "HOLD": "…"}[self.value]

    @property
    def label(self) -> str:
        """Sign and word, as every table and banner prints it."""
        return f"{self.sign} {self.value}"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Combine verdicts: any FAIL is FAIL, else any HOLD is HOLD; nothing at all is HOLD (no data is never PASS)."""
    seen = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.HOLD):
        if verdict in seen:
            return verdict
    return Verdict.PASS if seen else Verdict.HOLD


@dataclass(frozen=True, kw_only=True)
class Check:
    """One success criterion, judged.

    Attributes:
        name: short and unique within the phase, such as ``provenance``.
        verdict: PASS, FAIL or HOLD.
        criterion: the guide's words that this check stands for.
        seen: what was measured or observed, with units.
        expected: what it was held against, with units.
        limit_source: whose limit it was, such as ``guide`` or ``target lab``.
        why: why it matters; shown when the verdict is not PASS.
        todo: the next thing to do or open; shown when the verdict is not PASS.
        rule: the name of the rule by which the verdict follows from the evidence (:mod:`hera_rollout.gates.rules`).
        evidence: plain data from which the verdict can be computed again.
    """

    name: str
    verdict: Verdict
    rule: str = ""
    criterion: str = ""
    seen: str = ""
    expected: str = ""
    limit_source: str = "guide"
    why: str = ""
    todo: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The check as plain data, ready for JSON."""
        return asdict(self) | {"verdict": self.verdict.value}

    def sentence(self) -> str:
        """What was seen, what was expected, why it matters, what to do: in this order, one line each."""
        parts = (
            f"{self.verdict.value}  {self.name}: {self.seen}",
            self.expected and f"Expected {self.expected}",
            self.verdict is not Verdict.PASS and self.why,
            self.verdict is not Verdict.PASS and self.todo,
        )
        return "\n".join(part for part in parts if part)
