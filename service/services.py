"""Everything that the service works with, handed in from one place, so that a test hands in its own."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry.trace import NoOpTracer, Tracer

from cluster.api import ClusterApi
from database.configs import ConfigVersion
from database.operations import Holder
from database.pool import Database
from engine.selfservice import Engines
from liveconfig.acl import PodUsers
from liveconfig.publisher import Publisher
from service.hints import Hints
from service.identity import Identity
from service.metrics import Metrics
from service.settings import Settings
from service.work import Work

log = logging.getLogger("service")
Checkpoint = Callable[[str], Awaitable[None]]


class Jobs(Protocol):
    """The queue that replicas share."""

    async def resume(self, operation_id: str) -> None:
        """Have some replica go on with the operation, soon."""


async def pass_by(point: str) -> None:
    """Nothing happens between two steps."""


@dataclass(frozen=True)
class Services:
    """The collaborators. `checkpoint` is told of each side effect, `before <step>` and `after <step>`.

    `database` is the platform's, which sees every organization; `application` sees the one that a transaction names.
    """

    settings: Settings
    database: Database
    application: Database
    cluster: ClusterApi
    engines: Engines
    publisher: Publisher
    users: PodUsers
    jobs: Jobs
    identity: Identity
    metrics: Metrics = field(default_factory=Metrics)
    work: Work = field(default_factory=Work)
    hints: Hints = field(default_factory=Hints)
    tracer: Tracer = field(default_factory=NoOpTracer)
    checkpoint: Checkpoint = pass_by

    @property
    def holder(self) -> Holder:
        """This replica, as it takes leases."""
        return Holder(self.settings.replica, self.settings.lease)

    def announce(self, changes: Sequence[ConfigVersion]) -> None:
        """Tell readers of what was committed; nobody waits for it."""
        if self.hints.add(changes):
            self.work.start(self.hints.send(self.database, self.publisher), "hints")

    @asynccontextmanager
    async def step(self, name: str, operation_id: str = "") -> AsyncIterator[None]:
        """One side effect of a saga: a span, between two checkpoints."""
        await self.checkpoint(f"before {name}")
        with self.tracer.start_as_current_span(f"saga {name}", attributes={"operation.id": operation_id}):
            yield
        await self.checkpoint(f"after {name}")
