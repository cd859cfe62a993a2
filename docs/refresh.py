"""Make the parts of docs/REFERENCE.md that follow from the code anew; the rest of it is written by hand.

A made part stands between `<!-- made: NAME -->` and `<!-- end -->`. tests/test_reference.py is red while one is old.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
import nbformat

from hera_rollout import errors
from hera_rollout.cli import main as program
from hera_rollout.parameters import MODELS, allowed
from hera_rollout.phase.criteria import PLANS
from hera_rollout.records import sources
from hera_rollout.records.evidence import code_cells
from hera_rollout.records.outcomes import EXIT_CODES
from hera_rollout.target import Target
from reference_backend.faults import KNOWN

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "REFERENCE.md"
SHIPPED = ROOT / "lib" / "hera_rollout" / "records" / sources.SHIPPED_FILE
_PART = re.compile(r"(<!-- made: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ASSIGNED = re.compile(r"^(\w+): [^=]+ = (.+?)  # (.+)$", re.MULTILINE)


def parameters() -> Iterator[str]:
    """One table a notebook: the names of its model, the cell's own defaults and comments."""
    for notebook, model in MODELS.items():
        cells = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
        cell = next(one.source for one in cells if "parameters" in one.metadata.get("tags", []))
        told = {name: (default, comment) for name, default, comment in _ASSIGNED.findall(cell)}
        rows = [(f"`{name}`", f"`{told[name][0]}`", allowed(model, name), told[name][1]) for name in model.model_fields]
        yield f"### `{notebook}`\n\n{_table(('parameter', 'default', 'allowed', 'meaning'), rows)}"


def options() -> Iterator[str]:
    """One table a command of `hera-rollout`, with what it says of itself."""
    for words, command in _commands(("hera-rollout",), program):
        rows = [_option(one) for one in command.params if one.name != "version"]
        table = f"\n\n{_table(('option', 'default', 'meaning'), rows)}" if rows else ""
        yield f"### `{' '.join(words)}`\n\n{_prose(command.help)}{table}"


def faults() -> Iterator[str]:
    """The reference backend's own faults, and those that are missing objects instead."""
    components = sorted(path.name for path in (ROOT / "deploy" / "components").iterdir())
    rows = [(f"`{name}`", "ConfigMap `backend-faults`", said) for name, said in KNOWN.items()]
    rows += [(f"`{name}`", f"`kubectl apply -k deploy/components/{name}`", _first_comment(name)) for name in components]
    yield _table(("fault", "switched on by", "what happens"), rows)


def error_classes() -> Iterator[str]:
    """Every error of the kit, with the exit code of a run that ends with it."""
    rows = [(f"`{one.__name__}`", _base(one), _code(one), _prose(one.__doc__)) for one in _errors(errors.RolloutError)]
    yield _table(("error", "is a", "ends a run with", "meaning"), rows)


def exit_codes() -> Iterator[str]:
    """What `hera-rollout run` exits with."""
    yield _table(("exit code", "verdict"), [(str(code), verdict.value) for verdict, code in EXIT_CODES.items()])


def target_fields() -> Iterator[str]:
    """Every field of a target's file."""
    yield _table(("field", "default"), _fields(Target, ""))


PARTS: dict[str, Callable[[], Iterable[str]]] = {
    "parameters": parameters,
    "options": options,
    "faults": faults,
    "errors": error_classes,
    "exit codes": exit_codes,
    "target": target_fields,
}


def made(text: str) -> str:
    """The text with each made part as the code has it now."""
    return _PART.sub(lambda found: found[1] + "\n".join(f"{one}\n" for one in PARTS[found[2]]()) + found[3], text)


def shipped() -> str:
    """What records compare a run's source with: the digests of each notebook's cells, and its plan's checks."""
    parts = {
        name: sources.described(
            code_cells(nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)),
            sorted({check for criterion in plan.criteria for check in criterion.checks}),
        )
        for name, plan in sorted(PLANS.items())
    }
    return json.dumps(parts, indent=1) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|") if text.startswith("`") else text.replace("|", "\\|").replace("<", "&lt;")


def _prose(text: str | None) -> str:
    return re.sub(r"``", "`", " ".join(inspect.cleandoc(text or "").split()))


def _commands(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, one in sorted(command.commands.items()):
            yield from _commands((*words, name), one)
    else:
        yield words, command


def _option(one: click.Parameter) -> tuple[str, str, str]:
    if isinstance(one, click.Argument):
        return f"`{(one.name or '').upper()}`", "needed" if one.required else "", ""
    assert isinstance(one, click.Option)  # noqa: S101 click knows only these two
    names = ", ".join(f"`{name}`" for name in one.opts)
    record = one.to_info_dict()
    choices = record["type"].get("choices")
    default = "needed" if one.required else _default(record)
    return names, default, f"{one.help or ''}{' One of ' + ', '.join(map(repr, choices)) + '.' if choices else ''}"


def _default(record: dict[str, object]) -> str:
    value = record["default"]
    plain = isinstance(value, str | int | float | Path) and not isinstance(value, bool)
    return f"`{value}`" if plain and str(value) else ""


def _first_comment(component: str) -> str:
    text = (ROOT / "deploy" / "components" / component / "kustomization.yaml").read_text(encoding="utf-8")
    words = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    return words.removeprefix(f"Fault {component}: ")


def _errors(kind: type[errors.RolloutError]) -> Iterator[type[errors.RolloutError]]:
    yield kind
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield from _errors(one)


def _base(kind: type[errors.RolloutError]) -> str:
    base = kind.__mro__[1]
    return "" if base is Exception else f"`{base.__name__}`"


def _code(kind: type[errors.RolloutError]) -> str:
    from hera_rollout.records.outcomes import _of_error

    verdict = _of_error(kind.__name__)
    return f"{EXIT_CODES[verdict]} {verdict.value}"


def _fields(model: type[object], prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]
        if hasattr(field.annotation, "model_fields"):
            yield from _fields(field.annotation, f"{prefix}{name}.")
        else:
            default = "needed" if field.is_required() else f"`{field.get_default(call_default_factory=True)!r}`"
            yield f"`{prefix}{name}`", default


if __name__ == "__main__":
    SHIPPED.write_text(shipped(), encoding="utf-8")
    REFERENCE.write_text(made(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
