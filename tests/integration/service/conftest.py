"""The API on a real PostgreSQL, with engines and a cluster in memory: as many replicas as a test wants."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from psycopg.rows import dict_row

from cluster.api import NAMESPACES, ClusterApi
from database.pool import Database
from service.app import create_app
from service.identity import making
from service.metrics import Metrics
from service.services import Services
from service.settings import Settings
from tenants import names
from tenants.model import Organization
from tenants.plan import plan
from tests.integration.prepared import Prepared
from tests.unit.cluster.fakes import FakeCluster
from tests.unit.liveconfig.fake_users import FakePodUsers
from tests.unit.service.fakes import FakeEngines, FakeJobs
from tests.unit.service.identity.fakes import settings as identity_settings
from tests.unit.service.test_sweeper import FakePublisher

TOKEN = "the-operators-token-of-these-tests"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
_NUMBERS = itertools.count(1)


def new_slug(start: str = "co") -> str:
    """A slug that no other test has used."""
    return f"{start}-{next(_NUMBERS)}-{uuid.uuid4().hex[:6]}"


@dataclass
class Replica:
    """One instance of the API."""

    services: Services
    app: FastAPI
    client: httpx2.AsyncClient

    @property
    def engines(self) -> FakeEngines:
        assert isinstance(self.services.engines, FakeEngines)
        return self.services.engines

    @property
    def cluster(self) -> FakeCluster:
        assert isinstance(self.services.cluster, FakeCluster)
        return self.services.cluster

    async def sign_up(self, slug: str, *, key: str | None = None, **more: Any) -> httpx2.Response:
        body = {"name": more.pop("name", slug), "slug": slug, "owner_email": "ada@acme.example", **more}
        return await self.client.post("/v1/organizations", json=body, headers={"Idempotency-Key": key or slug})

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path, headers=OPERATOR)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def settled(self) -> None:
        """Wait until nothing is at work."""
        while len(self.services.work):
            await self.services.work.drain(30)


@dataclass
class Stage:
    """Where a test plays. `replicas` share database and cluster; settings may be changed first. `mail`: a folder."""

    prepared: Prepared
    settings: Settings = field(
        default_factory=lambda: Settings(
            TOKEN, lease=2.0, retry_pause=0.0, wait_limit=5.0, sign_ups_per_minute=6000, sign_up_burst=1000
        )
    )
    connect: Callable[[], ClusterApi] = FakeCluster
    mail: Path | None = None

    @asynccontextmanager
    async def replicas(self, count: int = 1, *, jobs: bool = True, **settings: Any) -> AsyncIterator[list[Replica]]:
        async with AsyncExitStack() as stack:
            cluster = await stack.enter_async_context(self.connect())
            made = [await self._replica(stack, cluster, jobs, settings) for _ in range(count)]
            for replica in made:
                replica.engines.stacks = made[0].engines.stacks  # the state backend is one for all
            yield made
            await asyncio.gather(*(replica.settled() for replica in made))

    async def _replica(
        self, stack: AsyncExitStack, cluster: ClusterApi, jobs: bool, settings: dict[str, Any]
    ) -> Replica:
        database = await stack.enter_async_context(Database(self.prepared.platform, size=4))
        chosen = replace(self.settings, replica=uuid.uuid4().hex, **settings)
        queue = FakeJobs()
        engines = FakeEngines(database, cluster)
        application = await stack.enter_async_context(Database(self.prepared.application, size=4))
        publisher, metrics, told = FakePublisher(), Metrics(), identity_settings(self.mail)
        identity = making.made(told, database, publisher, metrics)
        await stack.enter_async_context(making.running(identity, told, database))
        services = Services(
            chosen, database, application, cluster, engines, publisher, FakePodUsers(), queue, identity, metrics=metrics
        )
        queue.services = services if jobs else None
        app = create_app(services)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app)
        client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://api.test"))
        return Replica(services, app, client)

    def play(self, act: Callable[[Replica], Awaitable[None]], **settings: Any) -> None:
        """Run the act on one replica."""

        async def run() -> None:
            async with self.replicas(**settings) as (replica,):
                await act(replica)

        asyncio.run(run())

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.prepared.platform, row_factory=dict_row) as connection:
            return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]

    def write(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.prepared.platform) as connection:
            connection.execute(statement, values)  # type: ignore[arg-type]

    def organizations(self, slug: str) -> list[dict[str, Any]]:
        return self.rows("select * from tenancy.organizations where slug = %s order by id", slug)

    def operations(self, slug: str) -> list[dict[str, Any]]:
        return self.rows("select * from tenancy.operations where slug = %s order by created_at", slug)


@pytest.fixture
def stage(prepared: Prepared, tmp_path: Path) -> Stage:
    return Stage(prepared, mail=tmp_path / "mail")


LABELS = {names.BASELINE_LABEL: "true"}
ANNOTATIONS = {"pulumi.com/patchForce": "true"}


def organization(slug: str) -> Organization:
    member = {"email": "ada@acme.example", "role": "owner"}
    return Organization.model_validate({"name": slug, "slug": slug, "members": [member]})


async def equip(cluster: ClusterApi, slug: str) -> None:
    """The namespace's quota and limits as the component applies them."""
    planned, path = plan(organization(slug)), f"{NAMESPACES}/org-{slug}"
    for kind, collection, name, spec in (
        ("ResourceQuota", "resourcequotas", names.QUOTA, {"hard": planned.quota}),
        ("LimitRange", "limitranges", names.LIMITS, {"limits": [{"type": "Container", "max": planned.limits.maximum}]}),
    ):
        metadata = {"name": name, "labels": LABELS, "annotations": ANNOTATIONS}
        body = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
        await cluster.apply(f"{path}/{collection}/{name}", body, manager=names.FIELD_MANAGER)


@pytest.fixture
def real(prepared: Prepared, stage: Stage) -> Stage:
    """The stage with the platform's real API server."""
    return Stage(prepared, stage.settings, lambda: ClusterApi(prepared.kubeconfig))


async def signed_up(replica: Replica, slug: str) -> None:
    answer = await replica.sign_up(slug)
    assert answer.status_code == 201, answer.text
    await replica.settled()
    await equip(replica.services.cluster, slug)


async def live(replica: Replica, slug: str) -> Any:
    return await replica.services.cluster.get(f"{NAMESPACES}/org-{slug}/resourcequotas/{names.QUOTA}")
