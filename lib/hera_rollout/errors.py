"""What the kit raises. The type says what to do next, the text says what was seen.

    RolloutError
    ├── Refused            bad input, a missing right, unreachable at the start: nothing was touched
    │   ├── Missing        what was asked for is not there
    │   ├── Conflicting    it is there already, or it changed meanwhile
    │   └── Full           there is no room for it in the rollout's state
    ├── Retryable          went wrong for now: the same call may be made again after `.after` seconds
    ├── Ambiguous          `.name` was maybe created: look it up before anything else
    ├── DeadlineExceeded   waited `.seconds`, and what was waited for did not come
    │   └── NotDoneByHand  nobody made the change in time: nothing is known to be wrong
    └── VerdictError
        ├── PhaseFailed    a check says FAIL
        └── PhaseOnHold    no check says FAIL, but there is not enough evidence to go on

What a caller writes::

    try:
        backend = Backend.connect(target)
    except RolloutError as error:
        print(error)  # what was seen, what was expected, why it matters, what to do
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from hera_rollout.redaction import REDACTOR


class _Parts(TypedDict, total=False):
    expected: str
    why: str
    todo: str
    evidence: object | None


class RolloutError(Exception):
    """Base of all errors an operator may meet.

    Args:
        seen: What was measured or answered, in one or two sentences.
        expected: What should have been there instead.
        why: Why it matters for the rollout.
        todo: The next thing to do or to open.
        evidence: Any data the text rests on; kept for the record, never printed.
    """

    status: int | None = None
    """Of the HTTP answer that the error is about; None where there was no answer."""

    def __init__(
        self, seen: str, *, expected: str = "", why: str = "", todo: str = "", evidence: object | None = None
    ) -> None:
        # What a client says of a failed request may quote its headers, and with them the token.
        self.seen, self.expected, self.why, self.todo = map(REDACTOR.text, (seen, expected, why, todo))
        super().__init__(self.seen)
        self.evidence = evidence

    def __str__(self) -> str:
        labelled = (("Expected", self.expected), ("Why it matters", self.why), ("What to do", self.todo))
        return "\n".join([self.seen, *(f"{label}: {text}" for label, text in labelled if text)])

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: in a notebook an operator reads the text, never a stack trace."""
        return [f"{type(self).__name__}: {self}"]


class Refused(RolloutError):  # noqa: N818  (here and below: the name says what to do next)
    """Bad input, a missing right, or something unreachable at the start: nothing was touched."""


class Missing(Refused):
    """What was asked for is not there."""


class Conflicting(Refused):
    """It is there already, or it changed meanwhile."""


class Full(Refused):
    """There is no room for it in the rollout's state."""


class Retryable(RolloutError):  # noqa: N818
    """The same call may be made again after `.after` seconds."""

    def __init__(self, seen: str, *, after: float = 1.0, **parts: Unpack[_Parts]) -> None:
        super().__init__(seen, **parts)
        self.after = after


class Ambiguous(RolloutError):  # noqa: N818
    """An answer was lost: `.name` was maybe created. Look it up before anything else; never fall back."""

    def __init__(self, seen: str, *, name: str = "", **parts: Unpack[_Parts]) -> None:
        super().__init__(seen, **parts)
        self.name = name


class DeadlineExceeded(RolloutError):  # noqa: N818
    """Waited `.seconds` and what was waited for did not come, or can no longer come."""

    def __init__(self, seen: str, *, seconds: float = 0.0, **parts: Unpack[_Parts]) -> None:
        super().__init__(seen, **parts)
        self.seconds = seconds


class NotDoneByHand(DeadlineExceeded):
    """Nobody made the change in time. Nothing is known to be wrong: HOLD, not FAIL."""


class VerdictError(RolloutError):
    """A phase that may not be concluded with PASS."""


class PhaseFailed(VerdictError):  # noqa: N818
    """At least one check says FAIL."""


class PhaseOnHold(VerdictError):  # noqa: N818
    """No check says FAIL, but at least one has not enough evidence yet."""


def in_words(error: Exception) -> str:
    """What was seen, of any error in one line; one that is not the kit's has no words but its type and its text."""
    return error.seen if isinstance(error, RolloutError) else f"{type(error).__name__}: {error}"
