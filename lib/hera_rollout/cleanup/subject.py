"""What is to be removed, and what the team knows beyond the code; and how a finding is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Action = Literal["folded", "removed", "kept", "by hand"]


@dataclass(frozen=True)
class Subject:
    """The flag, and the value it is left at.

    Args:
        flag: Name of the environment variable.
        value: What the flag is from now on.
        required: Packages that are a plain requirement afterwards: a guarded import of one of them loses its guard.
        facts: Expressions whose outcome the team vouches for, `...` standing for any arguments:
            `{"client.is_enabled(...)": True}`.
    """

    flag: str
    value: bool = True
    required: tuple[str, ...] = ("hera",)
    facts: Mapping[str, bool] = field(default_factory=dict)

    @property
    def turned(self) -> "Subject":
        """The same flag left at its other value; what the team vouches for is turned with it."""
        facts = {expression: not outcome for expression, outcome in self.facts.items()}
        return Subject(self.flag, not self.value, self.required, facts)

    @property
    def field_name(self) -> str:
        """The name a settings object gives it."""
        return self.flag.lower()

    @property
    def spellings(self) -> tuple[str, ...]:
        """How files spell it."""
        return tuple(dict.fromkeys((self.flag, self.field_name)))

    def names(self, text: str) -> bool:
        """Whether the text is the flag's name."""
        return text == self.flag


@dataclass(frozen=True, order=True)
class Place:
    """One place in a file: what stands there, and what becomes of it."""

    file: str
    line: int
    shape: str
    action: Action
    text: str
    why: str = ""

    def __str__(self) -> str:
        tail = f": {self.why}" if self.why else ""
        return f"{self.file}:{self.line}: {self.shape}, {self.action}{tail}"
