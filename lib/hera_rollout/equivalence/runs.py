"""Two finished runs: the same nodes, ends, outputs, exit codes and logs. Times and resources are shown, not judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hera_rollout.equivalence.differences import ABSENT, HARMLESS, Difference, Op, Severity
from hera_rollout.equivalence.masking import Mask
from hera_rollout.equivalence.nodes import by_path, read

MASKED: Final = "only what must differ: names, ids, times, lines of Argo's executor"
_COMPARED: Final = ("type", "phase", "templateName")


@dataclass(frozen=True)
class Measure:
    """One figure of both runs; nothing is judged by it."""

    path: str
    what: str
    yaml: float | None
    hera: float | None


@dataclass(frozen=True)
class RunComparison:
    """All that two runs differ in, and their figures."""

    differences: tuple[Difference, ...]
    measures: tuple[Measure, ...]
    nodes: int
    logs: int

    @property
    def same(self) -> bool:
        """Whether both did the same."""
        return all(one.severity in HARMLESS for one in self.differences)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        figures = [vars(measure) for measure in self.measures]
        found = [one.as_json() for one in self.differences]
        return {"same": self.same, "nodes": self.nodes, "logs": self.logs, "differences": found, "measures": figures}


def compare_runs(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    logs_a: Mapping[str, str] | None = None,
    logs_b: Mapping[str, str] | None = None,
) -> RunComparison:
    """Compare two finished workflows, the YAML path's first; logs by the node's display name.

    Raises:
        Refused: One has not ended, or its nodes are kept elsewhere.
    """
    masks = Mask(a), Mask(b)
    ours, theirs = by_path(read(a), masks[0]), by_path(read(b), masks[1])
    found = [
        *_fields("status", a.get("status") or {}, b.get("status") or {}, ("phase",)),
        *_texts("status.message", _message(a), _message(b), masks),
        *_nodes(ours, theirs, masks),
        *_logs(logs_a or {}, logs_b or {}, masks),
    ]
    figures = [*_measures("workflow", a.get("status") or {}, b.get("status") or {})]
    for path in (path for path in ours if path in theirs):
        figures += _measures(path, ours[path], theirs[path])
    return RunComparison(tuple(found), tuple(figures), len(ours.keys() | theirs.keys()), len(logs_a or {}))


def _message(document: Mapping[str, Any]) -> Any:
    return (document.get("status") or {}).get("message") or ABSENT


def _nodes(ours: Mapping[str, Any], theirs: Mapping[str, Any], masks: tuple[Mask, Mask]) -> Iterator[Difference]:
    for path in [*ours, *(path for path in theirs if path not in ours)]:
        where = f"nodes[{path}]"
        one, other = ours.get(path), theirs.get(path)
        if one is None or other is None:
            phases = [ABSENT if node is None else node.get("phase") for node in (one, other)]
            yield Difference(where, _op(*phases), phases[0], phases[1], "only one side ran it", "behavioural")
            continue
        yield from _fields(where, one, other, _COMPARED)
        yield from _texts(f"{where}.message", one.get("message") or ABSENT, other.get("message") or ABSENT, masks)
        yield from _outputs(where, one.get("outputs") or {}, other.get("outputs") or {}, masks)


def _fields(
    where: str, one: Mapping[str, Any], other: Mapping[str, Any], names: tuple[str, ...]
) -> Iterator[Difference]:
    for name in names:
        ours, theirs = one.get(name, ABSENT), other.get(name, ABSENT)
        if ours != theirs:
            yield Difference(f"{where}.{name}", _op(ours, theirs), ours, theirs, "ran otherwise", "behavioural")


def _outputs(
    where: str, one: Mapping[str, Any], other: Mapping[str, Any], masks: tuple[Mask, Mask]
) -> Iterator[Difference]:
    yield from _fields(f"{where}.outputs", one, other, ("exitCode",))
    sides = [_values(outputs) for outputs in (one, other)]
    for name in [*sides[0], *(name for name in sides[1] if name not in sides[0])]:
        pair = [side.get(name, ABSENT) for side in sides]
        yield from _texts(f"{where}.outputs.{name}", pair[0], pair[1], masks, judged="behavioural")


def _values(outputs: Mapping[str, Any]) -> dict[str, Any]:
    found = {f"parameters[{one.get('name')}]": one.get("value", ABSENT) for one in outputs.get("parameters") or ()}
    if "result" in outputs:
        found["result"] = outputs["result"]
    # Where an artifact is kept names the run; that it is there is what counts.
    return found | {f"artifacts[{one.get('name')}]": "there" for one in outputs.get("artifacts") or ()}


def _logs(ours: Mapping[str, str], theirs: Mapping[str, str], masks: tuple[Mask, Mask]) -> Iterator[Difference]:
    one, other = (
        {mask(name): text for name, text in side.items()} for mask, side in zip(masks, (ours, theirs), strict=True)
    )
    for name in [*one, *(name for name in other if name not in one)]:
        yield from _texts(f"logs[{name}]", one.get(name, ABSENT), other.get(name, ABSENT), masks, judged="behavioural")


def _texts(
    where: str, one: Any, other: Any, masks: tuple[Mask, Mask], *, judged: Severity = "cosmetic"
) -> Iterator[Difference]:
    if one == other:
        return
    if isinstance(one, str) and isinstance(other, str) and masks[0](one) == masks[1](other):
        yield Difference(where, "changed", one, other, MASKED, "none")
    else:
        why = "says something else" if judged == "cosmetic" else "put out something else"
        yield Difference(where, _op(one, other), one, other, why, judged)


def _op(one: Any, other: Any) -> Op:
    return "only-hera" if one is ABSENT else "only-yaml" if other is ABSENT else "changed"


def _measures(path: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Measure]:
    yield Measure(path, "seconds", _seconds(one), _seconds(other))
    resources = [side.get("resourcesDuration") or {} for side in (one, other)]
    for name in sorted(resources[0].keys() | resources[1].keys()):
        yield Measure(path, f"resourcesDuration {name} (indicative)", resources[0].get(name), resources[1].get(name))


def _seconds(part: Mapping[str, Any]) -> float | None:
    try:
        began, ended = (datetime.fromisoformat(str(part.get(key))) for key in ("startedAt", "finishedAt"))
    except ValueError:
        return None
    return (ended - began).total_seconds()
