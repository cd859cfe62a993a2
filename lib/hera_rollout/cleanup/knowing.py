"""What a team knows beyond its code, from a TOML file of its own: facts, and what may go on naming the flag."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hera_rollout.errors import Refused

EXPECTED = '[facts] with "expression" = true or false, [allowed] with "pattern of files" = "reason"'


@dataclass(frozen=True)
class Known:
    """What the codemod is told.

    Attributes:
        facts: Expressions whose outcome the team vouches for.
        allowed: Patterns of files that may go on naming the flag, each with its reason.
    """

    facts: Mapping[str, bool] = field(default_factory=dict)
    allowed: Mapping[str, str] = field(default_factory=dict)


def known(path: Path) -> Known:
    """Read it.

    Raises:
        Refused: it is not there, or says something else; nothing was changed.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refused(path, f"cannot be read: {error}") from None
    if unknown := sorted(set(said) - {"facts", "allowed"}):
        raise _refused(path, f"has {', '.join(unknown)}")
    return Known(_table(path, said, "facts", bool), _table(path, said, "allowed", str))


def _table(path: Path, said: Mapping[str, Any], name: str, kind: type) -> dict[str, Any]:
    table = said.get(name, {})
    if not isinstance(table, dict):
        raise _refused(path, f"has no table [{name}] but {table!r}")
    for key, value in table.items():
        if not isinstance(value, kind) or value == "":
            raise _refused(path, f"says {value!r} of {key!r} in [{name}]")
    return table


def _refused(path: Path, seen: str) -> Refused:
    return Refused(f"{path} {seen}.", expected=EXPECTED, todo="Correct the file; nothing was changed.")
