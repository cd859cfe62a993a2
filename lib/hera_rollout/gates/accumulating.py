"""Evidence that adds up: frozen statistics of one code revision, and never of two."""

from typing import Protocol, Self, TypeVar

from hera_rollout.errors import Conflicting, Refused


class Accumulated(Protocol):
    """What every gate's statistics can do: say which code they are about, and add up."""

    @property
    def code_revision(self) -> str:
        """Image digest and Hera version of the service that the evidence is about."""

    def __add__(self, other: Self) -> Self:
        """The evidence of both; refused if they are about different code."""


Statistics = TypeVar("Statistics", bound=Accumulated)


def same_revision(left: Accumulated, right: Accumulated) -> str:
    """The one code revision of both, or an error that names the two."""
    if left.code_revision != right.code_revision:
        raise Conflicting(
            f"Evidence about {left.code_revision!r} cannot be added to evidence about {right.code_revision!r}.",
            expected="evidence about one code revision.",
            why="A new image or a new Hera may behave differently: what the old one showed says nothing of it.",
            todo="Start anew: begin this phase's evidence again for the new code revision.",
        )
    return left.code_revision


def carried(earlier: Statistics | None, new: Statistics) -> tuple[Statistics, bool]:
    """Go on with earlier evidence, or start anew if the code changed; the second value says that it started anew."""
    if earlier is None:
        return new, False
    if earlier.code_revision != new.code_revision:
        return new, True
    return earlier + new, False


def counted(**values: int) -> None:
    """Refuse counts that cannot be: below zero or not whole. Name each as ``what=count``."""
    for name, value in values.items():
        if value < 0 or int(value) != value:
            raise Refused(f"{name} is {value!r}.", expected="a whole number, zero or above.")
