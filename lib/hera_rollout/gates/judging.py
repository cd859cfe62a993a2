"""From a record's plain evidence back to a gate's verdict: the rules of the statistical gates.

The evidence of such a check is ``{"gate": ..., "seen": ..., "per_second": ...}``: the gate's settings, its sufficient
statistics, and the present rate. Nothing else goes into the verdict, so a record can be judged again from itself.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from hera_rollout.errors import Refused
from hera_rollout.gates.assessments import Assessment
from hera_rollout.gates.checks import Verdict
from hera_rollout.gates.counts import Errors, NoIncrease
from hera_rollout.gates.pairs import NotMore, Windows
from hera_rollout.gates.sampling import SampleRatio, Shares
from hera_rollout.gates.slower import Durations, NotSlower
from hera_rollout.gates.success import Outcomes, SuccessRate

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Gate = SuccessRate | NotSlower | NotMore | NoIncrease | SampleRatio
Seen = Outcomes | Durations | Windows | Errors | Shares
Kind = TypeVar("Kind", bound="DataclassInstance")

KINDS: Final[dict[str, tuple[type[Any], type[Any]]]] = {
    "success_rate": (SuccessRate, Outcomes),
    "not_slower": (NotSlower, Durations),
    "not_more": (NotMore, Windows),
    "no_increase": (NoIncrease, Errors),
    "sample_ratio": (SampleRatio, Shares),
}
"""A gate and its statistics by the name of their rule."""


def rule_of(gate: Gate) -> str:
    """The name of the rule that judges this gate."""
    return next(name for name, (kind, _) in KINDS.items() if isinstance(gate, kind))


def evidence_of(gate: Gate, seen: Seen, per_second: float = 0.0) -> dict[str, Any]:
    """Everything a verdict follows from, as plain JSON data."""
    return {"gate": plain(gate), "seen": plain(seen), "per_second": float(per_second)}


def plain(value: Any) -> dict[str, Any]:
    """A gate or its statistics as plain JSON data: dicts, lists, numbers and strings."""
    found = _plain(asdict(value))
    return dict(found)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def statistics(kind: str, data: Mapping[str, Any]) -> Any:
    """A gate's statistics out of a state or a record, by the name of the gate's rule."""
    return read(KINDS[kind][1], data)


def settings(kind: str, data: Mapping[str, Any]) -> Any:
    """A gate out of a record, by the name of its rule."""
    return read(KINDS[kind][0], data)


def read(kind: type[Kind], data: Mapping[str, Any]) -> Kind:
    """A gate, its statistics or a watermark out of plain data; what does not fit is refused by name."""
    unknown = set(data) - {field.name for field in fields(kind)}
    try:
        found: Kind = TypeAdapter(kind).validate_python(dict(data))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    else:
        if not unknown:
            return found
        faults = [f"{name}: there is no such field" for name in sorted(unknown)]
    raise Refused(
        f"This is no {kind.__name__}: {'; '.join(faults)}.", todo="Use the record or state as it was written."
    )


def assess(kind: str, evidence: Mapping[str, Any]) -> Assessment:
    """Judge again from a check's evidence, by the name of its rule."""
    gate, seen = settings(kind, evidence["gate"]), statistics(kind, evidence["seen"])
    found: Assessment = gate.assess(seen, evidence["per_second"])
    return found


def success_rate(evidence: Mapping[str, Any]) -> Verdict:
    """PASS or FAIL once failures are shown to be below or above the limit, however often one looked; else HOLD.

    Evidence may have ``service``: what the service counted (``created``, ``workflows`` seen, ``unaccounted``). Then
    PASS also needs every one of them to have been seen: HOLD where some were not, or where the count is not known.
    """
    verdict, service = _counted(assess("success_rate", evidence).verdict, evidence), evidence.get("service")
    whole = service is None or service["unaccounted"] == 0
    return verdict if whole or verdict is not Verdict.PASS else Verdict.HOLD


def _counted(verdict: Verdict, evidence: Mapping[str, Any]) -> Verdict:
    """HOLD in place of PASS where evidence has ``service`` and its counter lacks workflows (``uncounted``)."""
    lacking = (evidence.get("service") or {}).get("uncounted")
    return Verdict.HOLD if lacking and verdict is Verdict.PASS else verdict


def not_slower(evidence: Mapping[str, Any]) -> Verdict:
    """PASS once Hera is shown to be at most so much slower than YAML, FAIL once it is shown to be more; else HOLD."""
    return _counted(assess("not_slower", evidence).verdict, evidence)


def not_more(evidence: Mapping[str, Any]) -> Verdict:
    """The same for resources, from pairs of neighbouring windows with the flag on and off."""
    return assess("not_more", evidence).verdict


def no_increase(evidence: Mapping[str, Any]) -> Verdict:
    """PASS once Hera is shown to have no more errors than the margin allows, FAIL once it has more; else HOLD."""
    return _counted(assess("no_increase", evidence).verdict, evidence)


def sample_ratio(evidence: Mapping[str, Any]) -> Verdict:
    """FAIL once the share of task keys on Hera cannot be the planned one, PASS once it is near; else HOLD."""
    return assess("sample_ratio", evidence).verdict
