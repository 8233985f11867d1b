"""Self-service organizations, each on a stack of its own: deployed by an engine that waits already started.

What the service needs of the engine room. Nothing here knows HTTP, operations or leases.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from engine.review_events import Preview
from tenants.model import Organization

Way = Literal["parked", "ordinary"]


@dataclass(frozen=True)
class Deployed:
    """An organization whose gate is open and whose row is committed; `saved` ends when its stack's state is written."""

    stack: str
    way: Way
    saved: "asyncio.Task[None]"


@dataclass(frozen=True)
class PoolStatus:
    """Engines that wait, that are being started, and that are at work; and how many are meant to wait."""

    parked: int
    starting: int
    busy: int
    size: int


class Engines(Protocol):
    """The engine room as the service sees it. Everything raises EngineError with a text that says why."""

    async def start(self) -> None:
        """Begin to park engines; returns at once."""

    async def close(self) -> None:
        """Let what is at work end, throw the parked engines away, and leave nothing behind."""

    def status(self) -> PoolStatus:
        """How full the pool is."""

    async def deploy(
        self, organization: Organization, operation_id: str, *, stack: str | None, on_step: Callable[[str], None]
    ) -> Deployed:
        """Deploy it; return when its gate has committed it, before the stack's state is saved.

        `stack` is the one of an earlier attempt. `on_step` is told what has been made, from this event loop.
        """

    async def converge(
        self, organization: Organization, operation_id: str, stack: str, *, refresh: bool = False
    ) -> None:
        """Bring the stack to the organization as it is now; return when its state is saved.

        With `refresh` the rows and the cluster are read first, so that what was changed by hand is repaired too.
        """

    async def destroy(self, organization: Organization, operation_id: str, stack: str) -> None:
        """Remove everything that the stack holds, then the stack."""

    async def preview(
        self, organization: Organization, operation_id: str | None, stack: str | None, *, refresh: bool = False
    ) -> Preview:
        """What deploying or converging would change, policies included; changes nothing and takes no lock.

        With `refresh` that is what differs from the rows and the cluster as they are, not as the state remembers them.
        """

    async def forget(self, stack: str) -> None:
        """Drop a stack with its state; what it described is gone or was undone. Gone already is fine."""
