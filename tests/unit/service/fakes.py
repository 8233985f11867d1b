"""Engines in memory, jobs that run at once, and the services around them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster import namespaces
from cluster.api import NAMESPACES, ClusterApi
from database import members, organizations
from database.errors import LeaseTaken
from database.pool import Database
from engine.errors import EngineError
from engine.review_events import Preview
from engine.selfservice import Deployed, Engines, PoolStatus
from service import recovery
from service.services import Jobs, Services
from tenants import names
from tenants.model import Organization
from tenants.plan import TenantPlan, plan

_GATE = """
update tenancy.operations set state = 'COMMITTED', ended_at = now()
where id = %(id)s and state = 'PENDING' and not undoing returning id
"""


@dataclass
class FakeEngines(Engines):
    """Claims the namespace and commits the row with its members, as the real component does.

    `fails` says before what it fails.
    """

    database: Database
    cluster: ClusterApi
    fails: dict[str, int] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    hold_converge: asyncio.Event | None = None
    taken: int = 0
    converged: list[str] = field(default_factory=list)
    stacks: set[str] = field(default_factory=set)
    described: dict[str, Organization] = field(default_factory=dict)
    preview_of: Callable[[Organization], Preview] = lambda organization: Preview("fake")

    async def start(self) -> None:
        self.calls.append(("start", ""))

    async def close(self) -> None:
        self.calls.append(("close", ""))

    def status(self) -> PoolStatus:
        return PoolStatus(parked=2, starting=0, busy=0, size=2)

    async def deploy(
        self, organization: Organization, operation_id: str, *, stack: str | None, on_step: Callable[[str], None]
    ) -> Deployed:
        self.calls.append(("deploy", organization.slug))
        stack = stack or f"s-{operation_id[:8]}"
        self.stacks.add(stack)
        async with self.database.transaction() as connection:
            await organizations.hold(connection, operation_id, stack)
        if self.taken:
            self.taken -= 1
            raise LeaseTaken("somebody is at work on the stack")
        self._fail("namespace")
        planned = plan(organization)
        try:
            await namespaces.claim(self.cluster, planned.namespace, operation_id, planned.labels)
        except Exception as error:
            raise EngineError(str(error)) from error
        on_step(f"namespace {planned.namespace}")
        if self.hold:
            await self.hold.wait()
        self._fail("commit")
        await self._commit(operation_id, planned)
        self._fail("answer")
        return Deployed(stack, "parked", asyncio.create_task(self._save()))

    async def _save(self) -> None:
        self._fail("save")

    async def _commit(self, operation_id: str, planned: TenantPlan) -> None:
        async with self.database.transaction() as connection:
            if await (await connection.execute(_GATE, {"id": operation_id})).fetchone() is None:
                state = await connection.execute(
                    "select state from tenancy.operations where id = %(id)s", {"id": operation_id}
                )
                if ((await state.fetchone()) or {}).get("state") != "COMMITTED":
                    raise EngineError("the operation is being undone")
            row = await connection.execute(
                "select id from tenancy.organizations where operation_id = %(id)s", {"id": operation_id}
            )
            found = await row.fetchone()
            assert found is not None
            await members.sync(connection, found["id"], planned.members)
            await organizations.commit(connection, found["id"])

    async def converge(
        self, organization: Organization, operation_id: str, stack: str, *, refresh: bool = False
    ) -> None:
        self.calls.append(("repair" if refresh else "converge", organization.slug))
        if self.hold_converge:
            await self.hold_converge.wait()
        self.converged.append(plan(organization).sizes["cpu"])
        self._fail("converge")
        self.described[stack] = organization

    async def destroy(self, organization: Organization, operation_id: str, stack: str) -> None:
        self.calls.append(("destroy", organization.slug))
        self._fail("destroy")
        name = names.namespace(organization.slug)
        found = await self.cluster.get(f"{NAMESPACES}/{name}")
        if found:
            await namespaces.delete(self.cluster, name, found["metadata"]["uid"])
        self.stacks.discard(stack)

    async def preview(
        self, organization: Organization, operation_id: str | None, stack: str | None, *, refresh: bool = False
    ) -> Preview:
        self.calls.append(("preview", organization.slug))
        return self.preview_of(organization)

    async def forget(self, stack: str) -> None:
        self.calls.append(("forget", stack))
        self.stacks.discard(stack)

    def made(self, call: str) -> int:
        """How often something was called."""
        return sum(kind == call for kind, _ in self.calls)

    def _fail(self, before: str) -> None:
        if self.fails.get(before, 0):
            self.fails[before] -= 1
            raise EngineError(f"failed before {before}")


class FakeJobs(Jobs):
    """Runs each job right away in this process; `queued` lists them. With `services` unset they only wait."""

    def __init__(self) -> None:
        self.queued: list[str] = []
        self.services: Services | None = None

    async def resume(self, operation_id: str) -> None:
        self.queued.append(operation_id)
        if self.services is not None:
            self.services.work.start(self._resume(self.services, operation_id), f"job {operation_id}")

    async def _resume(self, services: Services, operation_id: str) -> None:
        await recovery.resume(services, operation_id)
