"""Python files as trees."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import libcst as cst

from hera_rollout.cleanup.names import imported_names, module_name
from hera_rollout.errors import Refused


@dataclass(frozen=True, eq=False)
class Source:
    """One Python file, parsed; the tree that keeps the layout only when somebody asks for it."""

    file: str
    text: str
    module: str
    plain: ast.Module
    imports: dict[str, str]

    @cached_property
    def tree(self) -> cst.Module:
        """The tree that keeps comments and layout.

        Raises:
            Refused: LibCST cannot read it.
        """
        try:
            return cst.parse_module(self.text)
        except cst.ParserSyntaxError as error:
            raise _broken(self.file, error.raw_line, error.message) from None

    @property
    def is_test(self) -> bool:
        """Whether it is part of the tests."""
        return is_test(self.file)


def is_test(file: str) -> bool:
    """Whether a Python file belongs to the tests, by its path."""
    path = PurePosixPath(file)
    named = path.name.startswith("test_") or path.stem.endswith("_test") or path.name == "conftest.py"
    return named or "tests" in path.parts[:-1]


def parse(file: str, text: str) -> Source:
    """Parse one file.

    Raises:
        Refused: it is not valid Python.
    """
    try:
        tree = ast.parse(text, file)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise _broken(file, getattr(error, "lineno", 0) or 0, getattr(error, "msg", str(error))) from None
    module = module_name(file)
    return Source(
        file, text, module, tree, imported_names(tree, module, package=PurePosixPath(file).stem == "__init__")
    )


def _broken(file: str, line: int, message: str) -> Refused:
    message = " ".join(message.split())
    return Refused(f"{file}:{line}: not valid Python ({message}); nothing was changed.", todo="Mend the file first.")
