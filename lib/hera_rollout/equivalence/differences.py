"""What a comparison finds, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from hera_rollout.equivalence.rules import RULES, Rule

Severity = Literal["none", "cosmetic", "behavioural", "loss", "illegal"]
Op = Literal["changed", "reordered", "only-yaml", "only-hera", "duplicate", "not-in-schema", "invalid"]
SEVERITIES: Final[tuple[Severity, ...]] = ("none", "cosmetic", "behavioural", "loss", "illegal")
HARMLESS: Final = frozenset({"none", "cosmetic"})


class Absent(Enum):
    """There is nothing at this place; None is a value."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "absent"

    __str__ = __repr__


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True)
class Difference:
    """One place where the two sides differ, or where one is not what the schema allows.

    Attributes:
        path: Where, with names in the place of numbers: `spec.templates[main].container.image`.
        op: What kind of difference.
        yaml: The value on the YAML side, or ABSENT.
        hera: The value on Hera's side, or ABSENT.
        rule: The rule by which it means nothing, or in a few words why it does.
        severity: How much it matters.
    """

    path: str
    op: Op
    yaml: Any
    hera: Any
    rule: str
    severity: Severity

    @property
    def harmless(self) -> bool:
        """Whether both still do the same."""
        return self.severity in HARMLESS

    def as_json(self) -> dict[str, Any]:
        """For machines; a side that has nothing is left out."""
        sides = {name: value for name, value in (("yaml", self.yaml), ("hera", self.hera)) if value is not ABSENT}
        return {"path": self.path, "op": self.op, "severity": self.severity, "rule": self.rule, **sides}


@dataclass(frozen=True)
class Comparison:
    """All that two documents differ in."""

    differences: tuple[Difference, ...]
    schema_source: str

    @property
    def same(self) -> bool:
        """Whether there are at most harmless differences."""
        return all(difference.severity in HARMLESS for difference in self.differences)

    @property
    def worst(self) -> Severity:
        """The gravest severity found; `none` where nothing differs."""
        return max((one.severity for one in self.differences), key=SEVERITIES.index, default="none")

    @property
    def counts(self) -> Mapping[Severity, int]:
        """How many of each severity."""
        return Counter(one.severity for one in self.differences)

    @property
    def rules_used(self) -> tuple[Rule, ...]:
        """The rules without which more would differ, in the list's own order."""
        used = {one.rule for one in self.differences}
        return tuple(rule for name, rule in RULES.items() if name in used)

    def of(self, *severities: Severity) -> tuple[Difference, ...]:
        """Only those severities."""
        return tuple(one for one in self.differences if one.severity in severities)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "same": self.same,
            "worst": self.worst,
            "schema": self.schema_source,
            "rules_used": [{"name": r.name, "reason": r.reason, "source": r.source} for r in self.rules_used],
            "differences": [one.as_json() for one in self.differences],
        }
