"""What a rollback did, what it could show, and what it could not."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from pandas import DataFrame

from hera_rollout.flag import FlagEffect
from hera_rollout.gates import Check, judge, rules

CHECK = "rollback"


@dataclass(frozen=True)
class Provider:
    """One provider of the flag that was turned off; `in_effect`: whether the pods were seen to follow it."""

    medium: str
    command: str
    changed: bool
    in_effect: bool

    def sentence(self) -> str:
        """What was done with it."""
        done = self.command if self.changed else "it was off already"
        if self.in_effect:
            return f"Flag off by medium {self.medium}: {done}."
        return f"Flag set to off by medium {self.medium}, not seen in effect: {done}."


@dataclass(frozen=True)
class RollbackResult:
    """A rollback: by the flag alone (quick), or with the revision from before phase 1 (full).

    Attributes:
        medium: how the flag was turned; of several providers the first.
        command: the command line it stands for; of several providers all.
        changed: whether anything had to be changed.
        began: when it began.
        effective: when every pod had reported the flag off; None if that was not seen.
        seconds: from the patch to that report; None if it was not seen.
        effect: what the pods reported; None if not all did.
        observed_seconds: how long new workflows were watched for after that.
        created: how many workflows were created in that time, by either path; None if they could not be listed.
        hera_after: those of them that Hera made in this service.
        in_flight: workflows of Hera's that have not ended.
        unknown_after, unknown_in_flight: workflows of which is not known by which path, or by whom, they were made.
        unverified: what could not be shown, and why.
        kind: quick or full.
        revision, image: what a full one put back; empty if it put nothing back.
        providers: each provider that was turned off, in that order.
        notes: what whoever goes on has to know, though it is no reason against the verdict.
    """

    medium: str
    command: str
    changed: bool
    began: datetime
    effective: datetime | None
    seconds: float | None
    effect: FlagEffect | None = field(repr=False)
    observed_seconds: float
    created: int | None
    hera_after: DataFrame = field(repr=False)
    in_flight: DataFrame = field(repr=False)
    unverified: tuple[str, ...] = ()
    kind: Literal["quick", "full"] = "quick"
    revision: str = ""
    image: str = ""
    providers: tuple[Provider, ...] = ()
    notes: tuple[str, ...] = ()
    unknown_after: DataFrame = field(default_factory=DataFrame, repr=False)
    unknown_in_flight: DataFrame = field(default_factory=DataFrame, repr=False)

    @property
    def verified(self) -> bool:
        """Whether all of it was seen."""
        return not self.unverified

    @property
    def clean(self) -> bool:
        """Whether no Hera workflow was seen to be created after it took effect."""
        return self.hera_after.empty

    def sentences(self) -> list[str]:
        """What was done and seen, a sentence each."""
        told = [provider.sentence() for provider in self.all_providers]
        if self.revision:
            told.append(f"The pod template of revision {self.revision} is back (image {self.image}).")
        if self.effective and self.effect:
            told.append(f"{len(self.effect.pods)} of {len(self.effect.pods)} report it off "
                        f"{self.seconds:.1f} s after the patch ({self.effective:%H:%M:%S} UTC).")  # fmt: skip
        if self.created is not None:
            since = "that" if self.effective else "the patch"
            told.append(f"In the {self.observed_seconds:.0f} s after {since}, {self.created} workflows were created, "
                        f"{len(self.hera_after)} of them by Hera.")  # fmt: skip
            unknown = len(self.unknown_in_flight)
            told.append(f"{len(self.in_flight)} Hera workflows are in flight; they go on."
                        + (f" In flight, not known by which path or whose: {unknown}." if unknown else ""))  # fmt: skip
        return [*told, *self.notes, *(f"Not verified: {reason}" for reason in self.unverified)]

    @property
    def all_providers(self) -> tuple[Provider, ...]:
        """Each provider that was turned off."""
        return self.providers or (Provider(self.medium, self.command, self.changed, self.effective is not None),)

    def evidence(self) -> dict[str, Any]:
        """Plain data for the record; the check's verdict follows from it."""
        return {
            "kind": self.kind,
            "revision": self.revision,
            "image": self.image,
            "medium": self.medium,
            "command": self.command,
            "changed": self.changed,
            "began": self.began.isoformat(),
            "effective": self.effective.isoformat() if self.effective else "",
            "seconds": self.seconds,
            "observed_seconds": self.observed_seconds,
            "created": self.created,
            "hera_after": list(self.hera_after["name"]),
            "in_flight": list(self.in_flight["name"]),
            "providers": [asdict(provider) for provider in self.all_providers],
            "notes": list(self.notes),
            "unknown_after": _names(self.unknown_after),
            "unknown_in_flight": _names(self.unknown_in_flight),
            "unverified": list(self.unverified),
        }

    def check(self) -> Check:
        """FAIL if a Hera workflow was created after it took effect; HOLD if something could not be shown."""
        return judge(
            name=CHECK,
            rule=rules.rolled_back,
            evidence=self.evidence(),
            seen=" ".join(self.sentences()[len(self.all_providers) == 1 :]) or self.sentences()[0],
            expected="every pod reports the flag off, and no Hera workflow is created after that",
            limit_source="kit",
            why="A rollback that does not take effect everywhere leaves users on the path that went wrong.",
            todo=self._todo(),
        )

    def _todo(self) -> str:
        if not self.clean:
            names = ", ".join(list(self.hera_after["name"])[:3])
            return (
                f"See what made {names}: a pod that does not read the flag? "
                "The guide's next step is the full rollback (kubectl rollout undo): hera-rollout rollback --full."
            )
        if not self.unverified:
            return ""
        unknown = _names(self.unknown_after)[:3]
        owner = (f" kubectl get workflow {' '.join(unknown)} --show-labels shows what there is to know; if this "
                 "service made them: hera-rollout rollback --full." if unknown else "")  # fmt: skip
        return f"Mend what is named as not verified, then run the rollback again.{owner}"


def _names(found: DataFrame) -> list[str]:
    return list(found["name"]) if "name" in found else []
