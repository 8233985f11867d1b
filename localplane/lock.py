"""One change at a time in one checkout."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path, purpose: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the checkout's lock; when another command has it, say so and wait for it.

    The kernel frees the lock when its holder ends, however it ends; the file only says who it was.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(handle, 200, 0).decode(errors="replace").strip()
            say(f"waiting: {other or 'another command'} is at work in this checkout (Ctrl-C to give up)")
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"`{purpose}` (pid {os.getpid()})\n".encode(), 0)
        yield
    finally:
        os.close(handle)
