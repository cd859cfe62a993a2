"""What is asked for, and what was given: bounded documents. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from hera_rollout.answers import plain
from hera_rollout.errors import Refused
from hera_rollout.gates import approving

_LONGEST = 500
_NAME_LENGTH = 63
_WORDS_TODO = "must be said in words"


def _worded(value: str) -> str:
    if not re.search(r"\w", value):
        raise ValueError(_WORDS_TODO)
    return value


def _one_line(value: object) -> object:
    return plain(value, _LONGEST) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_one_line)]
Words = Annotated[Text, AfterValidator(_worded)]
Name = Annotated[Words, Field(max_length=_NAME_LENGTH)]
Rung = Annotated[float, Field(gt=0, le=100)]


class Approval(BaseModel):
    """One approval, or one decline.

    Attributes:
        approver: who.
        reason: why, in words.
        rollout, phase: of what.
        rung: the percentage that may be gone to; or
        what: anything else, in the words it is asked for by.
        at: when, with its offset from UTC.
        expires: from when on it no longer counts; never, if none is given.
        code_revision: which code it is about; any, if none is given.
        declined: True says no.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    approver: Name
    reason: Words
    rollout: Words
    phase: Words
    rung: Rung | None = None
    what: Text = ""
    at: AwareDatetime
    expires: AwareDatetime | None = None
    code_revision: Text = ""
    declined: bool = False

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if (self.rung is None) == (not self.what):
            raise ValueError("names a rung or what is approved: one of the two")
        return self

    def plain(self) -> dict[str, Any]:
        """As plain JSON data."""
        return self.model_dump(mode="json")


def faults(error: ValidationError, names: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with an approval, a sentence a field; `names` says what a field is called where it was given."""
    found = []
    for one in error.errors(include_url=False):
        field = ".".join(map(str, one["loc"]))
        found.append(f"{(names or {}).get(field, field) or 'it'}: {one['msg'].removeprefix('Value error, ')}")
    return found


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an approval is needed for.

    Attributes:
        rollout, phase: where the rollout stands.
        operator: who runs the phase.
        rung: the percentage to go to; or
        what: anything else, such as ``turn the flag on``.
        code_revision: of the service; an approval that names another one does not count.
        second_person: whether the operator may not approve.
        since: approvals from before this moment do not count: what they approved has ended.
        file: where an approval is read from, and where the command writes it.
    """

    rollout: str
    phase: str
    operator: str
    rung: float | None = None
    what: str = ""
    code_revision: str = ""
    second_person: bool = False
    since: datetime | None = None
    file: str = ""

    def __post_init__(self) -> None:
        if (self.rung is None) == (not self.what):
            raise Refused("An approval is asked for a rung or for something else: one of the two.")

    def asked(self, now: datetime) -> dict[str, Any]:
        """As plain data, at this moment; with it a verdict can be computed again."""
        names = ("rollout", "phase", "operator", "rung", "what", "code_revision", "second_person")
        since = self.since.isoformat() if self.since else ""
        return {name: getattr(self, name) for name in names} | {"at": now.isoformat(), "since": since}

    @property
    def title(self) -> str:
        """What is asked for, briefly."""
        return self.what or f"rung {self.rung:g} %"

    @property
    def subject(self) -> str:
        """What is asked for, in full."""
        return approving.subject({"what": self.what, "rung": self.rung, "phase": self.phase, "rollout": self.rollout})
