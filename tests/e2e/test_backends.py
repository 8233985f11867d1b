"""Self-service stacks whose state is in PostgreSQL, and in an S3-compatible bucket: a whole life, kills, leftovers."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from database.errors import LeaseTaken
from database.leases import release, take
from database.pool import Database
from engine.errors import EngineError
from engine.states import VARIABLE, States, states_of
from engine.workspaces import Workspaces, checkpoint
from tests.e2e.bucket import Bucket, bucket
from tests.e2e.checkout import Checkout
from tests.e2e.test_resident import Room, engines_of, model, within

OLD = 3600  # seconds


class Backend(ABC):
    """Where the state is, seen from outside: without Pulumi and without our own rooms."""

    name: str
    environment: dict[str, str]
    secret: str

    @abstractmethod
    def kept(self) -> list[str]:
        """Everything that is kept of any stack."""

    @abstractmethod
    def grow_old(self, stack: str) -> None:
        """Let a stack's state have been as it is for OLD seconds."""


class Postgres(Backend):
    """The platform's PostgreSQL, in the database of its own."""

    name = "pg"

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self.environment = {VARIABLE: checkout.environment["STATE_DATABASE_URL"]}
        self.secret = urlsplit(self.environment[VARIABLE]).password or ""

    def kept(self) -> list[str]:
        tables = [row[0] for row in self._ask("select tablename from pg_tables where tablename like 'pulumi_state_%'")]
        return [row[0] for table in tables for row in self._ask(f"select key from {table} where key like '%/slot-%'")]

    def grow_old(self, stack: str) -> None:
        table = f"pulumi_state_{stack.removeprefix('slot-')[:2]}"
        self._ask(f"update {table} set updated_at = now() - interval '{OLD} seconds' where key like '%/{stack}.json'")

    def _ask(self, statement: str) -> list[list[str]]:
        return self._checkout.sql(statement, "STATE_DATABASE_URL")


class S3(Backend):
    """A bucket of an S3-compatible server."""

    name = "s3"

    def __init__(self, served: Bucket) -> None:
        self._folder = served.folder
        self.environment = {VARIABLE: served.url, **served.credentials}
        self.secret = served.credentials["AWS_SECRET_ACCESS_KEY"]

    def kept(self) -> list[str]:
        return [str(path) for path in self._folder.rglob("*") if path.is_file()]

    def grow_old(self, stack: str) -> None:
        (path,) = [path for path in self._folder.rglob(f"{stack}.json") if path.is_file()]
        os.utime(path, (time.time() - OLD, time.time() - OLD))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with bucket(tmp_path_factory.mktemp("bucket")) as made:
        yield made


@pytest.fixture(params=["postgres", "s3"])
def backend(request: pytest.FixtureRequest, deployed: Checkout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    made: Backend = Postgres(deployed) if request.param == "postgres" else S3(request.getfixturevalue("served"))
    for name, value in made.environment.items():
        monkeypatch.setitem(deployed.environment, name, value)
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    assert made.kept() == [], "what is used no more leaves nothing in the backend"


@pytest.fixture
def run(deployed: Checkout, backend: Backend) -> Callable[[Callable[[Room], Awaitable[None]]], None]:
    return lambda scenario: asyncio.run(asyncio.wait_for(within(deployed, scenario), 180))


def folder_of(checkout: Checkout) -> Path:
    return checkout.folder / ".local" / "self-service"


def quota_of(checkout: Checkout, slug: str) -> str:
    (quota,) = checkout.objects("resourcequotas", "-n", f"org-{slug}")
    limit: str = quota["spec"]["hard"]["limits.cpu"]
    return limit


def said(checkout: Checkout) -> str:
    """What the engines were started with, and everything that they and the providers have said."""
    started = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in engines_of(checkout.folder)]
    return "".join(part.decode(errors="replace") for part in [*started, *(p.read_bytes() for p in logs(checkout))])


def logs(checkout: Checkout) -> list[Path]:
    return [path for path in folder_of(checkout).rglob("*") if path.name == "log" or path.suffix == ".log"]


async def locks(states: States, stack: str) -> list[str]:
    return await states.names(stack, f"locks/organization/agent-ready-k8s/{stack}")


def kill_engine(checkout: Checkout, stack: str) -> None:
    """kill -9 the engine that is at work on the stack."""
    for pid in engines_of(checkout.folder):
        if Path(f"/proc/{pid}/cwd").readlink().name == stack:
            os.kill(pid, signal.SIGKILL)


def test_it_is_made_changed_by_another_machine_and_removed(
    deployed: Checkout, backend: Backend, run: Callable[[Callable[[Room], Awaitable[None]]], None]
) -> None:
    slug, made = f"{backend.name}-life", list[str]()

    async def sign_up(room: Room) -> None:
        await room.parked(2)
        assert len(backend.kept()) >= 2, "parked engines' stacks are in the backend"
        operation, stack, steps = await room.made(slug)
        assert steps[-1] == "gate opened"
        assert backend.secret not in said(deployed)
        made.extend([operation, stack])

    async def change(room: Room) -> None:
        operation, stack = made
        changed = model(slug, quota={"cpu": 3})
        seen = await room.engines.preview(changed, operation, stack)
        assert f"{slug}-quota" in {step.name for step in seen.steps if step.verb == "change"}
        await room.engines.converge(changed, operation, stack)
        assert quota_of(deployed, slug) == "3"
        again = await room.engines.preview(changed, operation, stack)
        assert {step.name for step in again.steps if step.verb != "same"} == set(), "the state knows all of it"
        await room.engines.destroy(changed, operation, stack)

    run(sign_up)
    assert any(made[1] in name for name in backend.kept()) and not list(folder_of(deployed).rglob("*.json"))
    shutil.rmtree(folder_of(deployed))  # another machine knows the backend, the database and the passphrase only
    run(change)
    assert deployed.kubectl("get", "namespace", f"org-{slug}").code != 0
    assert deployed.sql(f"select status from tenancy.organizations where slug = '{slug}'") == [["DELETED"]]


def test_a_killed_engine_is_followed_by_whoever_has_the_lease(
    deployed: Checkout, backend: Backend, run: Callable[[Callable[[Room], Awaitable[None]]], None]
) -> None:
    slug = f"{backend.name}-killed"

    def stack_now() -> str:
        return deployed.sql(f"select stack from tenancy.organizations where slug = '{slug}'")[0][0]

    def kill(step: str) -> None:
        if step == "namespace made":
            kill_engine(deployed, stack_now())

    async def scenario(room: Room) -> None:
        states = states_of(deployed.environment, folder_of(deployed))
        operation = await room.reserve(slug)
        with pytest.raises(EngineError):
            await room.engines.deploy(model(slug), operation, stack=None, on_step=kill)
        stack = stack_now()
        await as_if_elsewhere(states, stack)
        lease = await take(room.database, stack, "another replica", seconds=30)
        with pytest.raises(LeaseTaken):
            await room.engines.deploy(model(slug), operation, stack=stack, on_step=lambda _: None)
        assert await locks(states, stack), "without the lease a lock is left alone"
        await release(room.database, lease)
        done = await room.engines.deploy(model(slug), operation, stack=stack, on_step=lambda _: None)
        await done.saved

        changed = model(slug, quota={"cpu": 2})
        converging = asyncio.create_task(room.engines.converge(changed, operation, stack))
        while not await locks(states, stack):  # noqa: ASYNC110 - another process's work
            await asyncio.sleep(0.01)
        kill_engine(deployed, stack)
        with pytest.raises(EngineError):
            await converging
        assert await locks(states, stack), "a killed engine leaves its lock"
        await room.engines.converge(changed, operation, stack)
        assert quota_of(deployed, slug) == "2" and not await locks(states, stack)
        await room.engines.destroy(changed, operation, stack)
        await states.close()

    run(scenario)


async def as_if_elsewhere(states: States, stack: str) -> None:
    """Make the lock that a killed engine has left that of an engine on another machine."""
    (lock,) = await locks(states, stack)
    content = json.loads(await states.read(stack, lock) or "")
    await states.write(stack, lock, json.dumps({**content, "hostname": "elsewhere"}))


def test_unused_stacks_of_machines_that_are_gone_are_removed_and_young_ones_stay(
    deployed: Checkout, backend: Backend, run: Callable[[Callable[[Room], Awaitable[None]]], None]
) -> None:
    old, young, leased = (f"slot-0a{secrets.token_hex(7)}" for _ in range(3))

    async def leave() -> None:
        workspaces = Workspaces(folder_of(deployed), states_of(deployed.environment, folder_of(deployed)), "v1:salt")
        for stack in (old, young, leased):
            await workspaces.make(stack)
            shutil.rmtree(workspaces.folder / stack)
        await workspaces.states.close()

    async def scenario(room: Room) -> None:
        states = states_of(deployed.environment, folder_of(deployed))
        assert (await states.ages()).keys() >= {young, leased} and old not in await states.ages()
        assert await states.read(young, checkpoint(young)) is not None
        for stack in (young, leased):
            await states.forget(stack)
        await states.close()

    async def leased_elsewhere() -> None:
        async with Database(deployed.environment["PLATFORM_DATABASE_URL"]) as database:
            await take(database, leased, "another replica", seconds=60)

    asyncio.run(leave())
    for stack in (old, leased):
        backend.grow_old(stack)
    asyncio.run(leased_elsewhere())
    run(scenario)


def test_the_catalog_adopts_it_from_there(
    deployed: Checkout, backend: Backend, run: Callable[[Callable[[Room], Awaitable[None]]], None]
) -> None:
    slug = f"{backend.name}-adopted"

    async def scenario(room: Room) -> None:
        await room.made(slug)

    run(scenario)
    shutil.rmtree(folder_of(deployed))
    deployed.edit(slug, **model(slug).model_dump(mode="json", exclude_defaults=True))
    try:
        deployed.python("-m", "engine", "adopt", slug).ok()
        deployed.python("-m", "engine", "up").ok()
        assert set(deployed.last_changes()) == {"same"}
        row = deployed.sql(f"select managed_by, stack is null from tenancy.organizations where slug = '{slug}'")
        assert row == [["catalog:agent-ready-k8s/dev", "t"]]
    finally:
        deployed.edit(slug, protected=False)
        deployed.python("-m", "engine", "up").ok()
        (deployed.catalog / f"{slug}.yaml").unlink()
        deployed.python("-m", "engine", "up").ok()


def test_the_states_role_sees_no_tenant_and_no_tenant_sees_the_state(deployed: Checkout) -> None:
    at = deployed.environment["STATE_DATABASE_URL"]
    deployed.environment["STATE_IN_TENANCY"] = at.replace("/agent_ready_state?", "/agent_ready?")
    deployed.environment["APP_IN_STATE"] = deployed.environment["DATABASE_URL"].replace(
        "/agent_ready?", "/agent_ready_state?"
    )
    with pytest.raises(AssertionError, match="permission denied for schema tenancy"):
        deployed.sql("select slug from tenancy.organizations", "STATE_IN_TENANCY")
    with pytest.raises(AssertionError, match="permission denied for database"):
        deployed.sql("select 1", "APP_IN_STATE")
