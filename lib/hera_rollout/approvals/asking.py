"""Two buttons and a reason, awaited: ipykernel delivers a click only while a cell awaits.

A click may arrive in another thread than the cell's (JupyterLab sends it on a subshell), so the answer is handed to the
cell's own loop. Without a front end nobody can click, and nothing is waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Final

import ipywidgets
from IPython.display import display
from pydantic import ValidationError

from hera_rollout.approvals.documents import Approval, Wanted, faults
from hera_rollout.display import has_front_end

LOOK_SECONDS: Final = 2.0
"""So often an approval that comes by file is looked for while the buttons stand there."""
SETTLE_SECONDS: Final = 0.5
"""So long after a click the fields are read."""
_FIELDS: Final = {"approver": "your name", "reason": "a reason"}
Look = Callable[[], Approval | None]


class Form:
    """The question, as widgets.

    Attributes:
        name, reason: fields to fill in.
        approve, decline: the buttons.
        answer: what was clicked, once somebody did.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Approval] = self._loop.create_future()
        layout, style = ipywidgets.Layout(width="95%"), {"description_width": "6em"}
        # A second person must say who they are: the operator's name is no answer there.
        known = "" if wanted.second_person else wanted.operator
        # Not each letter: a front end holds changes back while the kernel is busy, and it is, for it waits for this.
        text = partial(ipywidgets.Text, continuous_update=False, layout=layout, style=style)
        self.name = text(value=known, description="Your name")
        self.reason = text(description="Reason", placeholder="what you looked at, and why it may go on")
        self.approve = ipywidgets.Button(description="Approve", icon="check", button_style="success")
        self.decline = ipywidgets.Button(description="Decline", icon="times", button_style="danger")
        self.told = ipywidgets.HTML()
        self.approve.on_click(lambda _button: self._clicked(declined=False))
        self.decline.on_click(lambda _button: self._clicked(declined=True))
        question = ipywidgets.HTML(f"<b>Approve {escape(wanted.subject)}?</b>")
        buttons = ipywidgets.HBox([self.approve, self.decline])
        self.box = ipywidgets.VBox([question, self.name, self.reason, buttons, self.told])

    def _clicked(self, *, declined: bool) -> None:
        """Read the fields a moment later: what was typed last may arrive after the click."""
        read = partial(self._read, declined=declined)
        self._loop.call_soon_threadsafe(self._loop.call_later, SETTLE_SECONDS, read)

    def _read(self, *, declined: bool) -> None:
        """Take the answer, or say what is missing in it and leave the buttons there."""
        wanted = self._wanted
        try:
            given = Approval(
                approver=self.name.value, reason=self.reason.value, rollout=wanted.rollout, phase=wanted.phase,
                rung=wanted.rung, what=wanted.what, at=datetime.now(UTC), code_revision=wanted.code_revision,
                declined=declined,
            )  # fmt: skip
        except ValidationError as error:
            self.told.value = escape(f"Not yet. {'; '.join(faults(error, _FIELDS))}")
            return
        self.approve.disabled = self.decline.disabled = True
        if not self.answer.done():
            self.answer.set_result(given)


async def asked(wanted: Wanted, *, look: Look = lambda: None, seconds: float | None = None) -> Approval | None:
    """Ask whoever sits at the notebook; the loop goes on meanwhile.

    Args:
        wanted: what is asked for.
        look: answers an approval that came another way, such as by file; called every LOOK_SECONDS.
        seconds: how long the buttons stand there; until somebody answers, if none are given.

    Returns:
        What was clicked or came by `look`; None if nobody answered, and at once where there is no front end.
    """
    if not has_front_end():
        return None
    form = Form(wanted)
    display(form.box)
    try:
        return await _answer(form.answer, look, seconds)
    finally:
        form.box.close()


async def _answer(answer: asyncio.Future[Approval], look: Look, seconds: float | None) -> Approval | None:
    ends = None if seconds is None else time.monotonic() + seconds
    while True:
        left = LOOK_SECONDS if ends is None else min(LOOK_SECONDS, ends - time.monotonic())
        await asyncio.wait({answer}, timeout=max(0.0, left))
        if answer.done():
            return answer.result()
        if (found := look()) is not None:
            return found
        if ends is not None and time.monotonic() >= ends:
            return None
