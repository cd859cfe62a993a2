"""Papermill writes the notebook again and again while it runs: each time, redacted first."""

import json
from pathlib import Path
from typing import Final

from papermill.iorw import LocalHandler, papermill_io

from hera_rollout.redaction import REDACTOR

SCHEME: Final = "redacted://"


class RedactingHandler(LocalHandler):  # type: ignore[misc]
    """Papermill's local files, with every string of the notebook redacted before it is written."""

    def write(self, buf: str, path: str) -> None:
        """Write the notebook's JSON to the path after the scheme."""
        super().write(redacted(buf), path.removeprefix(SCHEME))

    def read(self, path: str) -> str:
        """Read as any local file."""
        return str(super().read(path.removeprefix(SCHEME)))


def redacted(notebook: str) -> str:
    """A notebook's JSON with every string in it redacted; one that is no JSON is redacted as text."""
    try:
        return json.dumps(REDACTOR.data(json.loads(notebook)), indent=1, ensure_ascii=False) + "\n"
    except json.JSONDecodeError:
        return REDACTOR.text(notebook)


def address(path: Path) -> str:
    """The address under which papermill writes this path redacted."""
    return f"{SCHEME}{path}"


papermill_io.register(SCHEME, RedactingHandler())
