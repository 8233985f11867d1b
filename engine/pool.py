"""The pool of parked engines: updates that were started before there was work for them, and wait for it warm.

A pool belongs to one generation of providers. It is refilled behind; an engine that died, is too old or was never taken
is thrown away without having registered anything.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from engine.errors import EngineError
from engine.parked import Engine

log = logging.getLogger("engine.pool")
Work = TypeVar("Work")
_LONGEST_PARKING = 60.0  # seconds until an engine must be warm
_LOOK = 0.02  # seconds between looks at whether there is room for one more
_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between attempts to park, growing while they fail


@dataclass
class Parked(Generic[Work]):
    """An engine and what it waits for: `work`, or None to go home. `warm` is set when it can take it."""

    engine: Engine | None = None
    began: float = field(default_factory=time.monotonic)
    warm: asyncio.Event = field(default_factory=asyncio.Event)
    work: "asyncio.Future[Work | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def usable(self) -> bool:
        """Whether it is warm and runs."""
        return self.warm.is_set() and self.engine is not None and self.engine.running


class Pool(Generic[Work]):
    """Keeps `size` engines parked. `start` starts one, `discard` drops the stack of one that was not used.

    `oldest` is the age in seconds at which a parked engine is replaced; `at_once` how many are started at a time.
    `crowded` is told how many wait; while it says so none is started: a sign-up at work comes before one that may come.
    """

    def __init__(
        self,
        start: Callable[[Parked[Work]], Awaitable[Engine]],
        discard: Callable[[str], Awaitable[None]],
        *,
        size: int,
        oldest: float,
        at_once: int = 1,
        crowded: Callable[[int], bool] = lambda waiting: False,
    ) -> None:
        self._crowded = crowded
        self._start, self._discard = start, discard
        self.size, self._oldest = size, oldest
        self._parked: list[Parked[Work]] = []
        self._starting = 0
        self._limit = asyncio.Semaphore(at_once)
        self._wanting = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to park; returns at once."""
        self._keeper = asyncio.create_task(self._keep())
        self._wanting.set()

    @property
    def parked(self) -> int:
        """Engines that can be taken now."""
        return sum(parked.usable for parked in self._parked)

    @property
    def starting(self) -> int:
        """Engines that are on their way."""
        return self._starting

    def take(self) -> Parked[Work] | None:
        """The engine that has waited longest, or None if none waits. Whoever takes it gives it work."""
        while self._parked:
            parked = self._parked.pop(0)
            self._wanting.set()
            if parked.usable:
                return parked
            self._in_background(self._throw_away(parked))
        return None

    async def park(self) -> Parked[Work]:
        """Start one and wait until it is warm; raise EngineError if that fails. Cancelled, it leaves nothing behind."""
        parked: Parked[Work] = Parked()
        try:
            async with self._limit:
                while self._crowded(self.parked):  # noqa: ASYNC110 - a look is cheap, and nobody waits for it
                    await asyncio.sleep(_LOOK)
                parked.engine = await self._start(parked)
                await self._warm(parked, parked.engine)
        except BaseException:
            await self._throw_away(parked)
            raise
        return parked

    async def _warm(self, parked: Parked[Work], engine: Engine) -> None:
        """Wait until it can take work, or has ended."""
        ended, warm = asyncio.create_task(engine.wait()), asyncio.create_task(parked.warm.wait())
        try:
            await asyncio.wait([ended, warm], timeout=_LONGEST_PARKING, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await ended
            if not parked.usable:
                raise EngineError("an engine was not ready for work when it should have been")
        finally:
            for task in (ended, warm):
                task.cancel()
            await asyncio.gather(ended, warm, return_exceptions=True)

    async def close(self) -> None:
        """Throw the parked engines away."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        parked, self._parked = self._parked, []
        await asyncio.gather(*(self._throw_away(one) for one in parked), *self._tasks, return_exceptions=True)

    async def _keep(self) -> None:
        """Refill whenever somebody took one, and look at what waits every few seconds."""
        pause = _PAUSE
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5.0):  # wait_for may swallow a cancellation that comes with the event
                    await self._wanting.wait()
            self._wanting.clear()
            self._drop_unusable()
            try:
                await self._fill()
                pause = _PAUSE
            except Exception as error:  # noqa: BLE001 - a full disk, a database that is away: the keeper must outlive it
                log.warning("no engine could be parked, next try in %.0f s: %s", pause, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                self._wanting.set()

    async def _fill(self) -> None:
        missing = self.size - len(self._parked)
        if missing <= 0:
            return
        self._starting = missing
        tasks = [asyncio.create_task(self._park_one()) for _ in range(missing)]
        try:
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._starting = 0
        for task in tasks:
            task.result()

    async def _park_one(self) -> None:
        try:
            self._parked.append(await self.park())
        finally:
            self._starting = max(self._starting - 1, 0)

    def _drop_unusable(self) -> None:
        youngest = time.monotonic() - self._oldest
        for parked in [one for one in self._parked if not one.usable or one.began < youngest]:
            self._parked.remove(parked)
            self._in_background(self._throw_away(parked))

    async def _throw_away(self, parked: Parked[Work]) -> None:
        """Let it go home: with nothing to register its update ends by itself."""
        engine = parked.engine
        if engine is None:
            return
        if not parked.work.done():
            parked.work.set_result(None)
        if not parked.warm.is_set():
            engine.interrupt()
        with contextlib.suppress(EngineError):
            await engine.wait()
        await self._discard(engine.stack)

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
