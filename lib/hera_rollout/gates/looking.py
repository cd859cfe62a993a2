"""One look at a statistical gate, as a check: its verdict, and in words what is there and what is needed."""

from typing import Final

from hera_rollout.gates import rules
from hera_rollout.gates.assessments import Assessment, amount
from hera_rollout.gates.checks import Check, Verdict
from hera_rollout.gates.judging import Gate, Seen, assess, evidence_of, rule_of

NOUNS: Final = {
    "success_rate": "failed",
    "not_slower": "in time",
    "not_more": "in use",
    "no_increase": "times YAML's error rate",
    "sample_ratio": "on Hera",
}
_COUNTS: Final = ("success_rate", "no_increase")
REMEDIES: Final = {
    "success_rate": "See that the flag is off, then open the failed workflows' logs.",
    "not_slower": "See that the flag is off, then look at limits and throttling, and at node and API health.",
    "not_more": "See that the flag is off, then look at what each submission leaves behind in the service.",
    "no_increase": "See that the flag is off, then open the service's error log since the flip.",
    "sample_ratio": "Stop: the figures compare unlike tasks. See which pods report another percentage or revision.",
}


def look(*, name: str, gate: Gate, seen: Seen, per_second: float = 0.0, **words: str) -> Check:
    """Judge what was seen and make a check of it.

    Args:
        name: the check's name.
        gate: the gate with its settings.
        seen: its statistics so far, all looks together.
        per_second: how many units of evidence arrive per second now; 0 if none do.
        words: the check's other texts, in place of those made here: ``why``, ``todo``, ``limit_source``, ``criterion``.
    """
    rule, evidence = rule_of(gate), evidence_of(gate, seen, per_second)
    found = assess(rule, evidence)
    made = {"seen": sentence(rule, found), "expected": expectation(rule, found), "todo": next_step(rule, found)}
    return rules.judge(name=name, rule=rules.RULES[rule], evidence=evidence, **(made | words))


def sentence(rule: str, found: Assessment) -> str:
    """What was seen, how sure that is, and what it would take."""
    if found.waiting and found.verdict is Verdict.HOLD:
        return f"not judged before there are {found.waiting}; {found.forecast}"
    if found.estimate is None and rule == "no_increase":
        measured = f"{amount(found.have, found.unit)}, no errors of both paths to compare"
    elif found.estimate is None:
        measured = f"{amount(found.have, found.unit)}, nothing to measure yet"
    else:
        measured = (
            f"{figure(rule, found.estimate)} {NOUNS[rule]} over {amount(found.have, found.unit)}{_between(rule, found)}"
        )
    # Counts of failures are judged as if one said nothing about the next; a node that dies fails many at once.
    assumed = ", if failures come one at a time" if rule in _COUNTS else ""
    return f"{measured}; {found.evidence}{assumed}; {found.forecast}"


def _between(rule: str, found: Assessment) -> str:
    if found.low is None or found.high is None:
        return ""
    kind = "asymptotic confidence sequence" if found.asymptotic else "confidence sequence"
    return f" ({kind} {figure(rule, found.low)} to {figure(rule, found.high)})"


def figure(rule: str, value: float) -> str:
    """A gate's figure as a person reads it."""
    texts = {"success_rate": f"{value:.2%}", "no_increase": f"{value:.2f}", "sample_ratio": f"{value:.1%}"}
    return texts.get(rule, f"{value:+.1%}")


def expectation(rule: str, found: Assessment) -> str:
    """What the figure is held against."""
    texts: dict[str, str] = {
        "success_rate": f"at most {found.limit:.2%} of workflows failed",
        "not_slower": f"at most {found.limit:+.0%} against YAML (geometric mean)",
        "not_more": f"at most {found.limit:+.0%} against neighbouring windows with the flag off",
        "no_increase": f"at most {found.limit:.2f} times YAML's error rate, or below the floor",
        "sample_ratio": f"{found.limit:.0%} of task keys on Hera, as planned",
    }
    return texts[rule]


def next_step(rule: str, found: Assessment) -> str:
    """What to do about it; the caller may know better."""
    if found.verdict is Verdict.HOLD:
        return f"Wait and look again as often as you like: {found.forecast}."
    return REMEDIES[rule] if found.verdict is Verdict.FAIL else ""
