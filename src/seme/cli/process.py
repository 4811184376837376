"""The process that a long run is in: its memory, and Ctrl-C."""

from __future__ import annotations

import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


def peak_memory() -> int:
    """The most memory this process has held, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Notes Ctrl-C instead of raising, so that a run ends between two chunks; gives what tells whether it came."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came:  # asked twice: at once
            raise KeyboardInterrupt
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)
