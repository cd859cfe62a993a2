"""What a submission may contain: checked before anything is touched.

A body of the wrong shape (no code, a number for a text) is answered 422; content that cannot work is answered 400;
a task id that names no task, well formed or not, is answered 404.
"""

import re

from reference_backend.errors import BadInput, NotFound
from reference_backend.schemas import Submission

DEPENDENCIES_LIMIT = 10_000
REQUIREMENTS_LIMIT = 50_000
# Linux refuses a single argument or environment entry above 128 KiB: the pod would never start.
CODE_BYTES_LIMIT = 120_000
FORBIDDEN = (";", "&&", "||", "`", "$(")
TASK_ID = re.compile(r"task-[0-9a-f]{12}")


def check(body: Submission) -> None:
    """Refuse content that cannot work.

    Raises:
        BadInput: With what was seen and what was expected.
    """
    if body.python_code is not None:
        _check_code(body.python_code)
    _check_dependencies(body.dependencies or "")
    _check_length("requirementsFile", body.requirements_file or "", REQUIREMENTS_LIMIT)
    for name, text in (("dependencies", body.dependencies), ("requirementsFile", body.requirements_file)):
        _check_nul(name, text or "")


def check_task_id(task_id: str) -> str:
    """The id, if it can be one.

    Raises:
        NotFound: No task has such an id.
    """
    if not TASK_ID.fullmatch(task_id):
        raise NotFound(f"No task {task_id[:80]!r}: an id reads task- and twelve hexadecimal digits")
    return task_id


def _check_code(code: str) -> None:
    if not code.strip():
        raise BadInput("pythonCode is empty: send the code to run")
    size = len(code.encode("utf-8", "surrogatepass"))
    if size > CODE_BYTES_LIMIT:
        raise BadInput(f"pythonCode is {size} bytes, at most {CODE_BYTES_LIMIT} can be handed to a container")
    _check_nul("pythonCode", code)


def _check_dependencies(text: str) -> None:
    _check_length("dependencies", text, DEPENDENCIES_LIMIT)
    for sign in FORBIDDEN:
        if sign in text:
            raise BadInput(f"dependencies contain {sign!r}: give package names, separated by commas or spaces")


def _check_length(name: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise BadInput(f"{name} has {len(text)} characters, at most {limit} are allowed")


def _check_nul(name: str, text: str) -> None:
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise BadInput(f"{name} contains a NUL or half a surrogate pair: no container can be given that")
