"""What tests do to a flag: skip by it, set it, patch it."""

from collections.abc import Sequence
from typing import Literal

import libcst as cst

from hera_rollout.cleanup.names import dotted
from hera_rollout.cleanup.reading import Reader
from hera_rollout.cleanup.simplifying import Simplified, tested
from hera_rollout.cleanup.values import MISSING, literal, text_equals

Side = Literal["same", "other", "unknown"]
SETTERS = frozenset({"setenv", "setdefault", "putenv"})
SKIPS = frozenset({"skipif", "skipIf", "skipUnless"})
PARTS = 2


def skip_condition(call: cst.BaseExpression, reader: Reader) -> tuple[Simplified, int] | None:
    """Whether a skip mark strikes now, and which argument says so; None if it is no skip mark."""
    if not isinstance(call, cst.Call) or not call.args:
        return None
    name = dotted(call.func).rpartition(".")[2]
    if name not in SKIPS:
        return None
    index = next((i for i, arg in enumerate(call.args) if arg.keyword and arg.keyword.value == "condition"), 0)
    if index == 0 and call.args[0].keyword and call.args[0].keyword.value != "condition":
        return None
    found = tested(call.args[index].value, reader)
    if isinstance(found, bool):
        return found != (name == "skipUnless"), index
    return found, index


def side_of(value: cst.BaseExpression, flag: bool) -> Side:
    """Whether the flag is set to the value it is left at."""
    given = literal(value)
    if given is MISSING:
        return "unknown"
    answer = given == flag if isinstance(given, bool) else text_equals(given, flag)
    return "unknown" if answer is None else ("same" if answer else "other")


class Setting:
    """Recognises what sets the flag."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.flag = reader.subject.value

    def call(self, node: cst.BaseExpression) -> Side | None:
        """A call that sets the flag; None if it does not."""
        if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute | cst.Name):
            return None
        name = dotted(node.func).rpartition(".")[2] or getattr(getattr(node.func, "attr", None), "value", "")
        args = [arg.value for arg in node.args if not arg.keyword and not arg.star]
        if name in SETTERS and len(args) >= PARTS and self.reader.is_flag_name(args[0]):
            return side_of(args[1], self.flag)
        if name in {"delenv", "unsetenv", "pop"} and args and self.reader.is_flag_name(args[0]):
            return "unknown"
        return self._attribute(name, args)

    def _attribute(self, name: str, args: Sequence[cst.BaseExpression]) -> Side | None:
        """`setattr("config.USE_HERA", True)`, `patch.object(config, "USE_HERA", True)`."""
        if name not in {"setattr", "patch", "object"} or not args:
            return None
        where = literal(args[0])
        if isinstance(where, str) and self._is_symbol(where) and len(args) >= PARTS:
            return side_of(args[1], self.flag)
        if len(args) > PARTS and isinstance(literal(args[1]), str):
            owner = self.reader.resolved(args[0])
            attribute = str(literal(args[1]))
            if self._is_symbol(f"{owner}.{attribute}") or attribute in self.reader.facts.attributes:
                return side_of(args[2], self.flag)
        return None

    def _is_symbol(self, name: str) -> bool:
        return name in self.reader.facts.constants

    def patched_environment(self, node: cst.BaseExpression) -> tuple[cst.Call | None, Side] | None:
        """`patch.dict(os.environ, {FLAG: "true"})`: the call without the flag (None: nothing left), and the side."""
        if not isinstance(node, cst.Call) or not dotted(node.func).endswith("patch.dict") or len(node.args) < PARTS:
            return None
        given = node.args[1].value
        if not isinstance(given, cst.Dict):
            return None
        flags = [
            item for item in given.elements if isinstance(item, cst.DictElement) and self.reader.is_flag_name(item.key)
        ]
        if not flags:
            return None
        side = side_of(flags[0].value, self.flag)
        rest = [item for item in given.elements if item not in flags]
        if not rest:
            return None, side
        last = rest[-1].with_changes(comma=given.elements[-1].comma)
        argument = node.args[1].with_changes(value=given.with_changes(elements=[*rest[:-1], last]))
        return node.with_changes(args=[node.args[0], argument, *node.args[PARTS:]]), side
