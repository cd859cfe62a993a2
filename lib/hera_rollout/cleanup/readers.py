"""Who may read the flag without naming it: a name put together from parts, a prefix, or the environment as a whole."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from hera_rollout.cleanup.pruning import BY_NAME, TABLES
from hera_rollout.cleanup.sources import Source
from hera_rollout.cleanup.subject import Place, Subject

NESTED: Final = "nested_delimiter"
PARTS: Final = (
    "built from parts: the flag's name is put together while the program runs, which the codemod cannot follow"
)
PREFIX: Final = "built from parts: the prefix {} and the name {} are the flag together, which the codemod cannot follow"
WHOLE: Final = "the whole environment is read here, the flag's variable with it"
ENVIRON: Final = frozenset({"os.environ", "environ", "dict(os.environ)", "os.environ.copy()"})
FROM_MAPPING: Final = frozenset({"model_validate", "parse_obj", "from_mapping", "from_dict", "structure"})
ANYTHING: Final = None
LOOKUPS: Final = BY_NAME | {"methodcaller", "import_module", "__import__", "import_string", "locate", "resolve_name"}
Text = list[str | None]


def built_readers(sources: Sequence[Source], subject: Subject) -> list[Place]:
    """Places in these modules that may read the flag without its name standing there; tests do not count."""
    places: dict[tuple[str, int], Place] = {}
    production = [source for source in sources if not source.is_test]
    for source, node, why in _findings(production, subject):
        line = int(getattr(node, "lineno", 1))
        text = source.text.splitlines()[line - 1].strip()
        places.setdefault((source.file, line), Place(source.file, line, "reader", "by hand", text, why))
    return sorted(places.values())


def built_names(sources: Iterable[Source]) -> list[re.Pattern[str]]:
    """What the names look like that these modules put together to ask for something: `getattr(work, f"by_{kind}")`."""
    forms: list[re.Pattern[str]] = []
    for source in sources:
        constants = _constants(source.plain)
        for node in ast.walk(source.plain):
            for asked in _asked_by_name(node):
                text = _text(asked, constants)
                known = "".join(part for part in text if part is not None)
                if None in text and re.search(r"\w\w", known):
                    forms.append(re.compile("".join(".*" if part is None else re.escape(part) for part in text)))
    return forms


def _asked_by_name(node: ast.AST) -> Sequence[ast.expr]:
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LOOKUPS:
        return node.args
    table = node.value if isinstance(node, ast.Subscript) else None
    is_table = isinstance(table, ast.Call) and ast.unparse(table.func).rpartition(".")[2] in TABLES
    return [node.slice] if isinstance(node, ast.Subscript) and is_table else []


def _findings(sources: Sequence[Source], subject: Subject) -> Iterator[tuple[Source, ast.AST, str]]:
    for source in sources:
        constants = _constants(source.plain)
        for node in _built(source.plain, subject.flag, constants):
            yield source, node, PARTS
        for node in ast.walk(source.plain):
            if _reads_all(node, subject.flag):
                yield source, _placed(node), WHOLE
    yield from _prefixed(sources, subject.flag)


def _placed(node: ast.AST) -> ast.AST:
    return node.iter if isinstance(node, ast.comprehension) else node


def _constants(tree: ast.Module) -> dict[str, str]:
    """Texts that a module keeps under a name."""
    return {
        target.id: node.value.value
        for node in tree.body if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets if isinstance(target, ast.Name)
    }  # fmt: skip


def _built(node: ast.AST, flag: str, constants: Mapping[str, str]) -> Iterator[ast.AST]:
    """The outermost expressions that may come to the flag's name."""
    if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call) and _may_be(_text(node, constants), flag):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _built(child, flag, constants)


def _may_be(text: Text, flag: str) -> bool:
    """Whether a text of known and unknown parts may be the flag's name; one unknown part alone says nothing."""
    known = "".join("\0" if part is None else part for part in text).split("\0")
    telling = any("_" in part and part.strip("_") for part in known) or (None not in text and len(text) > 1)
    form = "".join(".*" if part is None else re.escape(part) for part in text)
    return telling and re.fullmatch(form, flag, re.IGNORECASE) is not None


def _text(node: ast.AST, constants: Mapping[str, str]) -> Text:
    """What is known of the text that an expression comes to."""
    match node:
        case ast.Constant(value=str(text)):
            parts: Text = [text]
        case ast.Name(id=name) if name in constants:
            parts = [constants[name]]
        case ast.FormattedValue(value=inner):
            parts = _text(inner, constants)
        case ast.JoinedStr(values=values):
            parts = [part for value in values for part in _text(value, constants)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [*_text(left, constants), *_text(right, constants)]
        case ast.BinOp(left=ast.Constant(value=str(form)), op=ast.Mod()):
            parts = _holes(form, r"%[sd]")
        case ast.Call(func=ast.Attribute() as func):
            parts = _called(node, func, constants)
        case _:
            parts = [ANYTHING]
    return parts


def _called(node: ast.Call, func: ast.Attribute, constants: Mapping[str, str]) -> Text:
    """`"_".join([…])`, `"USE_{}".format(…)`, `text.upper()`."""
    if func.attr in {"upper", "lower", "strip"}:
        return _text(func.value, constants)
    if not isinstance(func.value, ast.Constant) or not isinstance(func.value.value, str):
        return [ANYTHING]
    if func.attr == "format":
        return _holes(func.value.value, r"\{[^{}]*\}")
    if func.attr == "join" and node.args and isinstance(node.args[0], ast.List | ast.Tuple):
        parts: Text = []
        for item in node.args[0].elts:
            parts += [func.value.value, *_text(item, constants)]
        return parts[1:]
    return [ANYTHING]


def _holes(form: str, hole: str) -> Text:
    parts: Text = []
    for piece in re.split(hole, form):
        parts += [ANYTHING, piece]
    return parts[1:]


def _reads_all(node: ast.AST, flag: str) -> bool:
    """Whether every variable is read: in a loop, or handed to a settings object."""
    if isinstance(node, ast.For):
        return _is_environ(node.iter) and not _about_others(node, flag)
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return any(_is_environ(item.iter) for item in node.generators) and not _about_others(node, flag)
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func).rpartition(".")[2]
    spread = any(item.arg is None and _is_environ(item.value) for item in node.keywords)
    return (spread and name != "dict") or (name in FROM_MAPPING and any(map(_is_environ, node.args)))


def _is_environ(node: ast.expr) -> bool:
    return re.sub(r"\.(items|keys)\(\)$", "", ast.unparse(node)) in ENVIRON


def _about_others(node: ast.AST, flag: str) -> bool:
    """Whether the loop is only for variables with another prefix."""
    asked = [
        call.args[0].value
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "startswith"
        and call.args and isinstance(call.args[0], ast.Constant)
    ]  # fmt: skip
    return bool(asked) and not any(flag.startswith(str(prefix).upper()) for prefix in asked)


def _prefixed(sources: Sequence[Source], flag: str) -> Iterator[tuple[Source, ast.AST, str]]:
    """`env_prefix="USE_HERA_"` and a field `sdk`; `Dynaconf(envvar_prefix="USE")` and `settings.HERA_SDK`."""
    for source in sources:
        for node, prefix in _prefixes(source.plain):
            start = f"{prefix.upper().rstrip('_')}_" if prefix else ""
            rest = flag.removeprefix(start).lower()
            begins = prefix and flag.startswith(start) and rest != flag.lower()
            users = [*(_users(sources, rest) if begins else []),
                     *(_nested(sources, rest) if begins or not prefix else [])]  # fmt: skip
            why = PREFIX.format(prefix, rest)
            yield from ((where, user, why) for where, user in users)
            if users:
                yield source, node, why


def _nested(sources: Sequence[Source], rest: str) -> list[tuple[Source, ast.AST]]:
    """The field `sdk` of what stands in a field `hera`: together they are `hera_sdk`."""
    words = rest.split("_")
    parted = [("_".join(words[:n]).strip("_"), "_".join(words[n:]).strip("_")) for n in range(1, len(words))]
    return [
        (source, node)
        for first, last in parted
        if any(True for source in sources for _ in _fields(source.plain, first))
        for source in sources
        for node in _fields(source.plain, last)
    ]


def _prefixes(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every text that is given as somebody's prefix."""
    for node in ast.walk(tree):
        for name, value in _named_values(node):
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                if "prefix" in name.lower():
                    yield value, value.value
                elif NESTED in name.lower() and value.value:
                    yield value, ""


def _named_values(node: ast.AST) -> Iterable[tuple[str, ast.AST | None]]:
    if isinstance(node, ast.keyword | ast.arguments):
        return [(node.arg or "", node.value)] if isinstance(node, ast.keyword) else _defaults(node)
    if isinstance(node, ast.Assign):
        return [(ast.unparse(target), node.value) for target in node.targets]
    if isinstance(node, ast.AnnAssign):
        return [(ast.unparse(node.target), node.value)]
    if isinstance(node, ast.Dict):
        return [(ast.unparse(key), value) for key, value in zip(node.keys, node.values, strict=True) if key]
    if isinstance(node, ast.Call) and node.args:
        return [(ast.unparse(node.func).rpartition(".")[2], node.args[0])]
    return []


def _defaults(node: ast.arguments) -> list[tuple[str, ast.AST | None]]:
    every = [*node.posonlyargs, *node.args]
    with_default = every[len(every) - len(node.defaults) :]
    names = [item.arg for item in [*with_default, *node.kwonlyargs]]
    return list(zip(names, [*node.defaults, *node.kw_defaults], strict=True))


def _users(sources: Sequence[Source], rest: str) -> list[tuple[Source, ast.AST]]:
    """The fields of that name; where no class has one, whoever asks for it."""
    fields = [(source, field) for source in sources for field in _fields(source.plain, rest)]
    return fields or [(source, node) for source in sources for node in ast.walk(source.plain) if _asks(node, rest)]


def _fields(tree: ast.Module, name: str) -> Iterator[ast.AST]:
    for owner in ast.walk(tree):
        for node in owner.body if isinstance(owner, ast.ClassDef) else ():
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id.lower() == name for target in targets):
                yield node


def _asks(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr.lower() == name
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    options = [part.lstrip("-").replace("-", "_") for part in text.split("/")] if text.startswith("--") else [text]
    return name in [option.lower() for option in options]
