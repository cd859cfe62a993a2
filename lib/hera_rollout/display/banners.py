"""Banners: the one line that must be read even when nothing else is."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from hera_rollout.display.outputs import show
from hera_rollout.display.palette import COLORS
from hera_rollout.gates import Verdict

FACTS_STYLE: Final = """<style>
.hr-facts td{text-align:left!important;vertical-align:top!important;padding:1px 14px 1px 0!important;
overflow-wrap:anywhere}.hr-facts td.hr-fact{font-weight:600;white-space:nowrap}
</style>"""


def banner(
    verdict: Verdict, title: str, lines: list[str], *, kind: str, evidence: Mapping[str, Any], large: bool = False
) -> None:
    """Show a verdict with its sign, its word and a few lines below it; large for the verdict of a whole phase."""
    size = "22px" if large else "15px"
    items = "".join(f"<div>{escape(line)}</div>" for line in lines)
    markup = (
        f'<div style="border-left:8px solid {COLORS[verdict.value]};padding:4px 14px;margin:8px 0">'
        f'<div style="font-size:{size};font-weight:700;color:{COLORS[verdict.value]}">'
        f"{escape(verdict.label)} · {escape(title)}</div>{items}</div>"
    )
    show(markup, "\n".join([f"{verdict.label} · {title}", *lines]), kind=kind, evidence=evidence)


def header(title: str, facts: Mapping[str, str], *, kind: str, evidence: Mapping[str, Any]) -> None:
    """Show a heading and a list of facts below it."""
    items = "".join(
        f'<tr><td class="hr-fact">{escape(name)}</td><td>{escape(value)}</td></tr>' for name, value in facts.items()
    )
    head = f'<div style="font-size:16px;font-weight:700">{escape(title)}</div>'
    markup = f'{FACTS_STYLE}{head}<table class="hr-facts">{items}</table>'
    width = max((len(name) for name in facts), default=0)
    plain = "\n".join([title, *(f"{name:<{width}}  {value}" for name, value in facts.items())])
    show(markup, plain, kind=kind, evidence=evidence)


def note(message: str, *, kind: str = "note", evidence: Mapping[str, Any] | None = None) -> None:
    """Show one plain sentence."""
    show(f"<div>{escape(message)}</div>", message, kind=kind, evidence={"message": message, **(evidence or {})})
