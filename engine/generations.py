"""Generations: providers, and the pool of engines that are attached to them, for as long as both can be trusted.

When what a generation was made for changes (credentials, the cluster or the database that these lead to), or one of its
providers dies or has grown too large, a new one takes over; the old one ends when nothing of it is at work any more.
The kubernetes provider keeps a watch on every namespace's events for as long as it runs.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from engine.errors import Failed
from engine.pool import Pool
from engine.providers import Providers

log = logging.getLogger("engine")
Work = TypeVar("Work")
_LOOKS = 5.0  # seconds between looks at what the present generation was made for


@dataclass
class Generation(Generic[Work]):
    """Providers and the pool on them; `identity` is what they were made for, `busy` how many updates use them."""

    providers: Providers
    pool: Pool[Work]
    identity: str
    busy: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def end(self) -> None:
        """Throw the parked engines away, wait for what is at work, end the providers."""
        await self.pool.close()
        while self.busy:
            self.idle.clear()
            await self.idle.wait()
        await self.providers.close()


class Generations(Generic[Work]):
    """The present generation, and those that are ending. `at_once` updates run at the same time; others queue.

    `largest` is how many bytes a provider may grow to.
    """

    def __init__(
        self,
        begin: Callable[[str], Awaitable[Generation[Work]]],
        identity: Callable[[], Awaitable[str]],
        *,
        at_once: int,
        largest: int,
    ) -> None:
        self._begin, self._identity, self._largest = begin, identity, largest
        self._limit = asyncio.Semaphore(at_once)
        self._ending: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self.now: Generation[Work] | None = None

    def crowded(self) -> bool:
        """Whether as many updates are at work as may be."""
        return self._limit.locked()

    async def start(self) -> None:
        """Begin the first one."""
        self.now = await self._begin(await self._identity())
        self._watch = asyncio.create_task(self._look())

    async def close(self) -> None:
        """End all of them; what is at work ends first."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        now, self.now = self.now, None
        if now is not None:
            await now.end()
        await asyncio.gather(*self._ending, return_exceptions=True)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Generation[Work]]:
        """A place among the updates that run at once, and the generation, which stays meanwhile."""
        async with self._limit, self.looking() as generation:
            yield generation

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Generation[Work]]:
        """The generation, which stays meanwhile, for what takes no place of a sign-up."""
        generation = self.now
        if generation is None:
            raise Failed("the engine room is not started yet, or closed; try again in a moment")
        generation.busy += 1
        try:
            yield generation
        finally:
            generation.busy -= 1
            generation.idle.set()

    async def renew_if_needed(self) -> None:
        """Begin a new generation if the present one cannot be trusted any more."""
        now, identity = self.now, await self._identity()
        if now is None:
            return
        small = now.providers.memory <= self._largest
        if now.identity == identity and now.providers.alive and small:
            return
        log.warning(
            "new engines take over: %s",
            "credentials, cluster, database or providers have changed" if small else "a provider has grown too large",
        )
        self.now = await self._begin(identity)
        task = asyncio.create_task(now.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOKS)
            try:
                await self.renew_if_needed()
            except Exception as error:  # noqa: BLE001 - the cluster or the database may be away; look again later
                log.warning("the engine room could not be looked at: %s", error)
