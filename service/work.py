"""Tasks that a request started and that outlive it, in this process; each is waited for before the process ends."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("service")


class Work:
    """Running tasks. Safe in one event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run it apart from whoever asks; what it raises is logged."""
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def __len__(self) -> int:
        return len(self._tasks)

    async def drain(self, seconds: float) -> bool:
        """Wait for all of them, then cancel what still runs; whether nothing had to be cancelled."""
        if not self._tasks:
            return True
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return not late

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s ended with an error; recovery takes it from here", task.get_name(), exc_info=error)
