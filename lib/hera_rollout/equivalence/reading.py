"""Reading manifests as the API's own reader does: YAML as Go reads it, which is not quite as Python reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from hera_rollout.errors import Refused

_BOOLEANS: Final = {
    **dict.fromkeys(("y", "yes", "true", "on"), True),
    **dict.fromkeys(("n", "no", "false", "off"), False),
}
_MOST_NODES: Final = 1_000_000
_MERGE: Final = "tag:yaml.org,2002:merge"
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_Base):  # type: ignore[misc]
    """Go's rules: y and n are booleans, dates stay text, no numbers to the base of 60, no key twice."""

    yaml_implicit_resolvers: Final[dict[str, list[tuple[str, Any]]]] = {}


def _resolver(tag: str, pattern: str, first: str) -> None:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_WORDS: Final = [form for word in _BOOLEANS for form in (word, word.capitalize(), word.upper())]
_resolver("bool", rf"^(?:{'|'.join(_WORDS)})$", "yYnNtTfFoO")
_resolver("int", r"^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)$", "-+0123456789")
_resolver("float", r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+0123456789.")
_resolver("null", r"^(?:~|null|Null|NULL|)$", "~nN")
Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])
_resolver("merge", r"^<<$", "<")


def _bool(loader: Any, node: Any) -> bool:
    return _BOOLEANS[loader.construct_scalar(node).lower()]


def _int(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    octal = re.fullmatch(r"0([0-7]+)", digits)
    return sign * (int(octal[1], 8) if octal else int(digits, 0))


def _float(loader: Any, node: Any) -> float:
    return float(loader.construct_scalar(node).replace("_", ""))


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    own = [key.value for key, _ in node.value if key.tag != _MERGE and isinstance(key.value, str)]
    if len(own) != len(set(own)):
        twice = next(key for key in own if own.count(key) > 1)
        raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is there twice", node.start_mark)
    loader.flatten_mapping(node)
    made: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        made[key if isinstance(key, str) else json.dumps(key)] = loader.construct_object(value_node, deep=True)
    return made


Loader.add_constructor("tag:yaml.org,2002:bool", _bool)
Loader.add_constructor("tag:yaml.org,2002:int", _int)
Loader.add_constructor("tag:yaml.org,2002:float", _float)
Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def documents(text: str, where: str) -> list[Any]:
    """All documents of a YAML or JSON text; empty ones left out.

    Raises:
        Refused: It cannot be read.
    """
    try:
        found = [one for one in _documents(text) if one is not None]
        if "&" in text and sum(_size(one, {}) for one in found) > _MOST_NODES:
            raise ValueError(f"its aliases unfold to more than {_MOST_NODES:,} values")
        return found
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise Refused(f"{where} cannot be read: {said}.", expected="YAML or JSON as kubectl would take it.") from None


def _size(value: Any, known: dict[int, int]) -> int:
    """How many values there are once aliases are unfolded."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = _MOST_NODES + 1  # stands if the value holds itself
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(one, known) for one in inner)
    return known[id(value)]


def _documents(text: str) -> Iterator[Any]:
    if text.lstrip()[:1] == "{":
        try:
            yield json.loads(text)
        except ValueError:
            pass
        else:
            return
    yield from yaml.load_all(text, Loader=Loader)
