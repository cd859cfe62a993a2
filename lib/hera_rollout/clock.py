"""The clock of waits that have a deadline, in one place: on a test's own clock waiting takes no time."""

import threading
import time


def monotonic() -> float:
    """Seconds since some moment; only differences mean anything."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait, whatever happens."""
    time.sleep(seconds)


def wait(stop: threading.Event, seconds: float) -> bool:
    """Wait so long, or until it is stopped; whether it was."""
    return stop.wait(seconds)
