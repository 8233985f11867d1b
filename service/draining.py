"""The end of a replica, in order: not ready, no new sagas, those at work come to their end, then the engines."""

from collections.abc import Awaitable, Callable

from service.problems import Problem
from service.services import Services, log


class Draining:
    """Whether this replica is about to end."""

    def __init__(self) -> None:
        self.begun = False
        self._stop_jobs: Callable[[], Awaitable[None]] | None = None

    def stops(self, jobs: Callable[[], Awaitable[None]]) -> None:
        """Say how jobs of the queue are no longer taken."""
        self._stop_jobs = jobs

    async def begin(self) -> None:
        """Take nothing new; return when the jobs that run have ended."""
        self.begun = True
        if self._stop_jobs is not None:
            await self._stop_jobs()

    def check(self) -> None:
        """Raise a Problem (503) if nothing new may begin."""
        if self.begun:
            raise Problem(
                503, "draining", "This replica is about to end", "send it again; another replica takes it",
                headers={"Retry-After": "1"},
            )  # fmt: skip

    async def drain(self, services: Services) -> None:
        """Begin nothing new and wait for what is at work; whatever does not end in time is recovered by others."""
        await self.begin()
        if not await services.work.drain(services.settings.drain):
            log.warning("not everything ended within %.0f s; other replicas go on with it", services.settings.drain)
