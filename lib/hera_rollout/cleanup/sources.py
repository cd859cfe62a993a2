"""Python files as trees."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import libcst as cst

from hera_rollout.cleanup.names import Imports, module_name
from hera_rollout.errors import Refused


@dataclass(frozen=True)
class Source:
    """One Python file, parsed."""

    file: str
    text: str
    tree: cst.Module
    module: str
    imports: dict[str, str]

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
        tree = cst.parse_module(text)
        compile(text, file, "exec", dont_inherit=True, flags=0x400)  # AST only: what LibCST lets pass, Python may not
    except cst.ParserSyntaxError as error:
        raise _broken(file, error.raw_line, error.message) from None
    except (SyntaxError, ValueError) as error:
        raise _broken(file, getattr(error, "lineno", 0) or 0, getattr(error, "msg", str(error))) from None
    module = module_name(file)
    imports = Imports(module, package=PurePosixPath(file).stem == "__init__")
    tree.visit(imports)
    return Source(file, text, tree, module, imports.names)


def _broken(file: str, line: int, message: str) -> Refused:
    message = " ".join(message.split())
    return Refused(f"{file}:{line}: not valid Python ({message}); nothing was changed.", todo="Mend the file first.")
