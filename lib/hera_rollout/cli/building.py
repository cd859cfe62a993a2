"""Documents from a team's own code: `module:function`, imported in a child process that has a time limit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from hera_rollout import equivalence
from hera_rollout.answers import plain
from hera_rollout.errors import DeadlineExceeded, Refused

_BUILDER: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
# The document goes through a file: what the code prints is its own business.
_CHILD: Final = """\
import functools, importlib, json, sys
module, _, name = sys.argv[1].partition(":")
made = functools.reduce(getattr, name.split("."), importlib.import_module(module))
made = made() if callable(made) and not hasattr(made, "to_dict") else made
def plain(one):
    return one if isinstance(one, (dict, str)) else one.to_dict()
made = [plain(one) for one in (made if isinstance(made, (list, tuple)) else [made])]
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump(made, file)
"""


def is_builder(text: str) -> bool:
    """Whether this has the form `module:function`."""
    return _BUILDER.fullmatch(text) is not None


def build(builder: str, seconds: float) -> list[Any]:
    """What the function makes: a document, YAML text, a Hera object, or a list of these.

    Raises:
        Refused: It cannot be imported, or does not make one.
        DeadlineExceeded: It took too long.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "made.json"
        command = [sys.executable, "-c", _CHILD, builder, str(answer)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise DeadlineExceeded(
                f"{builder} made nothing in {seconds:g} seconds.",
                seconds=seconds,
                todo="Give it more: --build-seconds.",
            ) from None
        if done.returncode or not answer.is_file():
            last = (done.stderr.strip().splitlines() or ["it ended without an answer"])[-1]
            raise Refused(
                f"{builder} makes no document: {plain(last)}",
                expected="a function without arguments that returns a document, YAML text or a Hera workflow.",
                todo="Run this in the folder its module is imported from.",
            )
        made = json.loads(answer.read_text("utf-8"))
    texts = (equivalence.documents(one, builder) if isinstance(one, str) else [one] for one in made)
    return [document for found in texts for document in found]
