"""What has to come to its end although somebody presses Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the first Ctrl-C back until the end; a second one interrupts at once. Only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = False

    def keep(_signal: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, keep)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
