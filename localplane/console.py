"""What the person at the terminal sees: one line a step, with the time; colours only on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TextIO

GREEN, YELLOW, RED, DIM = "32", "33", "31", "2"


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Coloured on a terminal, as it is elsewhere and under NO_COLOR."""
    if not stream.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\033[{colour}m{text}\033[0m"


class Console:
    """Prints the steps of one command in the order they end; safe to use from several threads."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._began = time.monotonic()
        self._guard = threading.Lock()
        self._total = self._done = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._began

    def expect(self, steps: int) -> None:
        """Say how many steps there will be; counting begins anew."""
        with self._guard:
            self._total, self._done = steps, 0

    def step(self, text: str) -> None:
        """One more of the expected steps is done."""
        with self._guard:
            self._done += 1
            count = f"[{self._done:>2}/{self._total}]"
            self._print(f"{paint(count, GREEN, self._stream)} {self.elapsed:6.1f}s  {text}")

    def note(self, text: str) -> None:
        """Something worth knowing between the steps."""
        with self._guard:
            self._print(f"{paint('   ...', YELLOW, self._stream)}  {self.elapsed:6.1f}s  {text}")

    def line(self, text: str = "") -> None:
        """A plain line."""
        with self._guard:
            self._print(text)

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
