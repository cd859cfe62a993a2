"""Live progress that leaves no trace: it fills while the cell runs, and is empty once the final table stands.

In JupyterLab a Stop button stands beside it. The work runs in a thread and the cell awaits it, since ipykernel delivers
a click only while a cell awaits (a blocking loop never sees it). Without a front end there is no button; the same
progress is told as plain lines (:mod:`hera_rollout.display.telling`). Nothing that a record needs is in a widget.
"""

import asyncio
import os
import threading
from base64 import b64encode
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import ipywidgets
import pandas as pd
from IPython.display import display, update_display
from IPython.utils.capture import capture_output

from hera_rollout.display import tables
from hera_rollout.display.outputs import bundle
from hera_rollout.display.telling import Teller

T = TypeVar("T")


class Live:
    """An area of the notebook that is rewritten in place.

    It starts and ends empty: what a record needs is shown once, when it is final, by :func:`table`.

    Example:
        >>> with Live() as live:
        ...     live.line("1 of 2 pods updated")
    """

    def __init__(self) -> None:
        self._id = uuid4().hex
        self._teller = Teller()
        self.stop = threading.Event()

    def __enter__(self) -> Self:
        display(bundle("", ""), raw=True, display_id=self._id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        update_display(bundle("", ""), raw=True, display_id=self._id)

    def line(self, message: str) -> None:
        """Replace the area by one line."""
        self._teller.line(message)
        self._replace(pd.DataFrame({"in progress": [message]}))

    def frame(self, frame: pd.DataFrame) -> None:
        """Replace the area by a table."""
        self._teller.frame(frame)
        self._replace(frame)

    def picture(self, frame: pd.DataFrame, png: bytes) -> None:
        """Replace the area by a table and a picture below it."""
        self._teller.frame(frame)
        shown = f'<img alt="" style="max-width:100%" src="data:image/png;base64,{b64encode(png).decode()}">'
        html = tables.STYLE + tables.html(frame) + shown
        update_display(bundle(html, tables.text(frame)), raw=True, display_id=self._id)

    def _replace(self, frame: pd.DataFrame) -> None:
        update_display(bundle(tables.STYLE + tables.html(frame), tables.text(frame)), raw=True, display_id=self._id)


def has_front_end() -> bool:
    """Whether somebody can press a button: JupyterLab names its session, papermill and nbval have none."""
    return "JPY_SESSION_NAME" in os.environ


def stop_button(stop: threading.Event) -> ipywidgets.Button:
    """A button that ends a wait; pressed once, it says so and can not be pressed again."""
    button = ipywidgets.Button(
        description="Stop waiting", icon="stop", tooltip="Ends the wait; the check says HOLD or FAIL"
    )

    def pressed(_button: ipywidgets.Button) -> None:
        stop.set()
        button.disabled = True
        button.description = "Stopping …"

    button.on_click(pressed)
    return button


async def watched(work: Callable[[Live], T]) -> T:
    """Run work in a thread with live progress and, where somebody can press it, a Stop button.

    Args:
        work: gets the live area; it must return soon after ``live.stop`` is set.

    Returns:
        What the work returns; what it raises is raised here.
    """
    with Live() as live:
        button = stop_button(live.stop) if has_front_end() else None
        if button is not None:
            display(button)
        try:
            return await asyncio.to_thread(work, live)
        except BaseException:
            live.stop.set()  # an interrupted cell must not leave its work behind
            raise
        finally:
            if button is not None:
                button.close()


def offered(description: str, work: Callable[[Callable[[str], None]], T], show: Callable[[T], None]) -> None:
    """Show a button that does something when it is clicked, also after the notebook has run to its end.

    It does not hold the cell up, and works once at a time. A front end drops what is displayed after a click's own
    message has been dealt with; so what `show` displays is caught, and set as the state of a widget below the button.

    Args:
        description: the button's words.
        work: what a click does, in a thread; given a function that shows a line of progress.
        show: displays what the work returned. An error of either is shown as text.
    """
    button = ipywidgets.Button(description=description, icon="undo", button_style="warning",
                               layout=ipywidgets.Layout(width="auto"))  # fmt: skip
    status, below = ipywidgets.Label(), ipywidgets.Output()
    running: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive

    def tell(line: str) -> None:
        status.value = line

    async def acted() -> None:
        button.disabled = True
        try:
            result = await asyncio.to_thread(work, tell)
            with capture_output() as caught:
                show(result)
            below.outputs = tuple({"output_type": "display_data", "data": one.data, "metadata": one.metadata or {}}
                                  for one in caught.outputs)  # fmt: skip
            tell("")
        except Exception as error:  # the click has no cell that could show it
            tell(str(error))
        finally:
            button.disabled = False

    def pressed(_button: ipywidgets.Button) -> None:
        task = asyncio.get_running_loop().create_task(acted())
        running.add(task)
        task.add_done_callback(running.discard)

    button.on_click(pressed)
    display(ipywidgets.VBox([button, status, below]))
