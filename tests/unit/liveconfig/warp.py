"""An event loop whose time jumps to the next thing that waits: minutes of pauses pass at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class WarpLoop(asyncio.SelectorEventLoop):
    """Time goes on only when nothing else is to be done."""

    _now = 1000.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=WarpLoop) as runner:
        runner.run(work)
