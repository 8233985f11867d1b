"""Where the engines come from: the one place that a checkout without them has to change."""

import asyncio
from collections.abc import Callable

from engine.errors import EngineError
from engine.review_events import Preview
from engine.selfservice import Deployed, Engines, PoolStatus
from tenants.model import Organization

_MISSING = "this checkout has no engines for self-service yet"


class NoEngines(Engines):
    """Deploys nothing: every sign-up fails, and is undone."""

    async def start(self) -> None:
        """Nothing is parked."""

    async def close(self) -> None:
        """Nothing runs."""

    def status(self) -> PoolStatus:
        return PoolStatus(0, 0, 0, 0)

    async def deploy(
        self, organization: Organization, operation_id: str, *, stack: str | None, on_step: Callable[[str], None]
    ) -> Deployed:
        raise EngineError(_MISSING)

    async def converge(self, organization: Organization, operation_id: str, stack: str) -> None:
        raise EngineError(_MISSING)

    async def destroy(self, organization: Organization, operation_id: str, stack: str) -> None:
        raise EngineError(_MISSING)

    async def preview(self, organization: Organization, operation_id: str | None, stack: str | None) -> Preview:
        raise EngineError(_MISSING)

    async def forget(self, stack: str) -> None:
        await asyncio.sleep(0)


def make_engines() -> Engines:
    """The engines of this checkout."""
    return NoEngines()
