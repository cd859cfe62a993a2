"""Names that a command is given: refused before anything is done if nothing can be called so."""

import re

from hera_rollout.errors import Refused
from hera_rollout.target import DNS_LABEL


def refuse_phase(phase: str) -> None:
    """Refuse what is no notebook's full name."""
    if not re.fullmatch(r"\d\d_[a-z_]+", phase):
        raise Refused(f"There is no phase called {phase!r}.", expected="a notebook's full name, such as 03_canary.")


def refuse_rollout(rollout: str) -> None:
    """Refuse what can be no rollout's id."""
    if not re.fullmatch(DNS_LABEL, rollout):
        raise Refused(f"No rollout can be called {rollout!r}.", expected="its id, such as backend-2026-11.")
