"""The engine room inside the service: updates of self-service organizations, by engines that wait already started.

Everything runs in the service's one event loop: the programs of all engines, and the provider that they share.
"""

import asyncio
import contextlib
import json
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import pulumi

from cluster.api import ClusterApi
from components.connections import connect, load_ahead
from components.hooks import connected_publisher, publish_config_changes
from components.live_configuration import Channel
from components.organization import Organization as OrganizationComponent
from components.organization import OrganizationProps
from components.postgres import TenantDatabase
from components.settings import Settings
from database import leases
from database.errors import LeaseTaken
from database.organizations import hold, identity_of, is_committed, stacks_in_use
from database.pool import Database
from engine.errors import EngineError, Failed, NotConfigured
from engine.generations import Generation, Generations
from engine.leasing import LASTS, leased
from engine.parked import Engine
from engine.pool import Parked, Pool
from engine.providers import Providers
from engine.review_events import Preview, read_preview
from engine.runtime import Runtime
from engine.selfservice import Deployed, PoolStatus, Way
from engine.stack import WHOLE
from engine.states import States, states_of
from engine.workspaces import Workspaces, shared_salt, workspaces_of
from liveconfig.acl import PodUsers
from provider.handlers import Backends
from provider.resident import ResidentProvider, serve_resident
from tenants.model import Organization
from tenants.plan import plan

log = logging.getLogger("engine")
_MIB = 2**20
_FORGOTTEN = 600.0  # seconds beyond the age of the oldest parked engine; no unused stack is kept as long
_STEPS = {
    "OrganizationRow": "row claimed", "NamespaceClaim": "namespace made", "DatabaseLogin": "login bound",
    "RedisUser": "Redis user made", "ConfigDefaults": "settings written", "IsolationGate": "gate opened",
}  # fmt: skip


@dataclass(frozen=True)
class ResidentSettings:
    """How many engines wait, how long, and how many updates run at once; `root` is the checkout.

    `largest` is what a shared provider may grow to, `states` keeps the stacks' state.
    """

    root: Path
    deployment: Settings
    states: States
    size: int = 4
    oldest: float = 600.0  # seconds
    at_once: int = 4
    largest: int = 600  # MiB

    @property
    def folder(self) -> Path:
        """The workspaces of all stacks."""
        return workspaces_of(self.root)


@dataclass(frozen=True)
class Work:
    """What an engine is to register; `unprotect` lets a destroy take all of it."""

    organization: Organization
    operation_id: str | None
    unprotect: bool = False


class ResidentEngines:
    """`engine.selfservice.Engines`. `backends`, what the tenancy provider works on as the platform, close with it."""

    def __init__(self, settings: ResidentSettings, backends: Backends) -> None:
        self._settings, self._backends = settings, backends
        self._runtime = Runtime()
        self._workspaces = Workspaces(settings.folder, settings.states, "")  # until the salt is read
        self._publisher = connected_publisher(settings.deployment)
        self._generations: Generations[Work] = Generations(
            self._begin, self._identity, at_once=settings.at_once, largest=settings.largest * _MIB
        )
        self._previews = asyncio.Semaphore(2)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # while somebody has one
        self._gates: dict[str, asyncio.Future[None]] = {}
        self._told: dict[str, Callable[[str], None]] = {}
        self._hurrying = 0  # sign-ups that wait for their gate
        self._holder = f"{socket.gethostname()}/{secrets.token_hex(4)}"

    async def start(self) -> None:
        """Remove what earlier services left, start the providers, begin to park engines; failing, leave nothing."""
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise

    async def _start(self) -> None:
        folder = self._settings.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        salt = await asyncio.to_thread(shared_salt, folder)
        self._workspaces = Workspaces(folder, self._settings.states, salt)
        await self._forget_leftovers()
        await asyncio.to_thread(load_ahead)
        await self._runtime.start()
        await self._generations.start()

    async def close(self) -> None:
        """Let what is at work end, throw the parked engines away, and leave nothing behind."""
        await self._generations.close()
        await self._runtime.close()
        self._publisher.close()
        await self._backends.database.close()
        await self._backends.cluster.close()
        if self._backends.users is not None:
            await self._backends.users.close()
        await self._settings.states.close()

    def status(self) -> PoolStatus:
        """How full the pool is."""
        now = self._generations.now
        if now is None:
            return PoolStatus(0, 0, 0, self._settings.size)
        return PoolStatus(now.pool.parked, now.pool.starting, now.busy, self._settings.size)

    async def deploy(
        self, organization: Organization, operation_id: str, *, stack: str | None, on_step: Callable[[str], None]
    ) -> Deployed:
        """Hand the organization to a parked engine, or to one that is started for it; return at its gate."""
        stays = contextlib.AsyncExitStack()
        generation = await stays.enter_async_context(self._generations.at_work())
        waiting = None if stack else generation.pool.take()
        parked: Parked[Work] = waiting or Parked()
        engine, held = parked.engine or self._engine(stack or _fresh(), parked), stack is not None
        self._hurrying += 1
        try:
            await stays.enter_async_context(self._turn(engine.stack))
            await stays.enter_async_context(self._leased(engine))
            stays.push_async_callback(self._stop, engine, parked)  # before the lease is given back, whatever happens
            if waiting is None:
                await engine.start("up", generation.providers.attached)
            gate = self._expect_gate(engine.stack, on_step, stays)
            await self._hold(operation_id, engine.stack)
            held = True
            parked.work.set_result(Work(organization, operation_id))
            ended = asyncio.create_task(engine.wait())
            await asyncio.wait([gate, ended], return_when=asyncio.FIRST_COMPLETED)
            if not gate.done():
                await ended
                await self._check_committed(operation_id)  # an earlier attempt has opened the gate already
        except BaseException:
            await stays.aclose()
            if not held:
                await self.forget(engine.stack)
            raise
        finally:
            self._hurrying -= 1
        way: Way = "parked" if waiting else "ordinary"
        return Deployed(engine.stack, way, asyncio.create_task(_finish(ended, stays)))

    async def _check_committed(self, operation_id: str) -> None:
        async with self._backends.database.statement() as connection:
            if not await is_committed(connection, operation_id):
                raise Failed("the engine ended without opening the gate")

    def _expect_gate(
        self, stack: str, on_step: Callable[[str], None], stays: contextlib.AsyncExitStack
    ) -> "asyncio.Future[None]":
        """What is done when the stack's gate has opened; until `stays` ends, `on_step` is told what was made."""
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gates[stack], self._told[stack] = gate, on_step
        stays.callback(self._forget_gate, stack)
        return gate

    async def _stop(self, engine: Engine, parked: Parked[Work]) -> None:
        """Have an engine end that nobody waits for any more; one that has ended is left alone."""
        if not engine.running:
            return
        if not parked.work.done():
            parked.work.set_result(None)
        engine.interrupt()
        with contextlib.suppress(EngineError):
            await engine.wait()

    async def converge(
        self, organization: Organization, operation_id: str, stack: str, *, refresh: bool = False
    ) -> None:
        """Bring the stack to the organization as it is now; return when its state is saved."""
        await self._update("up", Work(organization, operation_id), stack, *(["--refresh"] if refresh else []))

    async def destroy(self, organization: Organization, operation_id: str, stack: str) -> None:
        """Remove everything that the stack holds, then the stack."""
        await self._update("destroy", Work(organization, operation_id, unprotect=True), stack, "--run-program")
        await self.forget(stack)

    async def preview(
        self, organization: Organization, operation_id: str | None, stack: str | None, *, refresh: bool = False
    ) -> Preview:
        """What deploying or converging would change, policies included; changes nothing and takes no lock."""
        async with self._previews, self._generations.looking() as generation:
            name = stack or _fresh()
            parked: Parked[Work] = Parked()
            parked.work.set_result(Work(organization, operation_id))
            engine = self._engine(name, parked)
            more = ["--policy-pack", str(self._settings.root / "policies"), *(["--refresh"] if refresh else [])]
            try:
                async with self._turn(name), self._ended(engine, parked):
                    await engine.start("preview", generation.providers.attached, *more)
                    code, said = 0, ""
                    try:
                        await engine.wait()
                    except EngineError as error:
                        code, said = 1, str(error)
                return read_preview(name, map(json.dumps, engine.events)).ended(code, said)
            finally:
                if stack is None:
                    await self.forget(name)

    async def forget(self, stack: str) -> None:
        """Drop a stack with its state; gone already is fine."""
        await leases.forget(self._backends.database, stack)
        await self._workspaces.forget(stack)

    async def _update(self, command: str, work: Work, stack: str, *more: str) -> None:
        async with self._generations.at_work() as generation:
            parked: Parked[Work] = Parked()
            parked.work.set_result(work)
            engine = self._engine(stack, parked)
            async with self._turn(stack), self._leased(engine), self._ended(engine, parked):
                await engine.start(command, generation.providers.attached, *more)
                await engine.wait()

    @asynccontextmanager
    async def _turn(self, stack: str) -> AsyncIterator[None]:
        """One engine a stack at a time in this process: the runtime knows programs by their stack."""
        turn = self._turns.get(stack) or asyncio.Lock()
        self._turns[stack] = turn
        async with turn:
            yield

    @asynccontextmanager
    async def _ended(self, engine: Engine, parked: Parked[Work]) -> AsyncIterator[None]:
        """Leave only when the engine has ended: cancelled work must not go on without lease and place."""
        try:
            yield
        finally:
            await self._stop(engine, parked)

    def _engine(self, stack: str, parked: Parked[Work]) -> Engine:
        return Engine(self._runtime, self._workspaces, stack, lambda: self._program(parked))

    async def _program(self, parked: Parked[Work]) -> None:
        """What an engine runs: connect, wait for work, register it; the component is the catalog's."""
        settings = self._settings.deployment
        providers = connect(settings)
        hooks = publish_config_changes(settings, self._publisher)
        database, channel = TenantDatabase.at(settings, providers["tenancy"]), Channel.at(settings)
        await asyncio.gather(*(provider.id.future() for provider in providers.values()))
        parked.warm.set()
        work = await parked.work
        if work is None:
            return
        props = OrganizationProps(
            plan(work.organization), settings.managed_by, hooks, database, channel, work.unprotect, work.operation_id
        )
        OrganizationComponent(work.organization.slug, props, pulumi.ResourceOptions(providers=dict(providers)))

    @asynccontextmanager
    async def _leased(self, engine: Engine) -> AsyncIterator[None]:
        """The stack's lease, and no lock of an engine that was killed."""
        async with leased(self._backends.database, engine.stack, self._holder, engine):
            if not engine.running:  # one that was parked has its own lock there already
                await self._workspaces.release_locks(engine.stack)
            yield

    async def _hold(self, operation_id: str, stack: str) -> None:
        async with self._backends.database.statement() as connection:
            await hold(connection, operation_id, stack)

    def _made(self, urn: str, kind: str) -> None:
        """The tenancy provider has made something: tell who waits for it."""
        stack = urn.removeprefix("urn:pulumi:").split("::")[0]
        if (tell := self._told.get(stack)) and kind in _STEPS:
            tell(_STEPS[kind])
        gate = self._gates.get(stack)
        if kind == "IsolationGate" and gate is not None and not gate.done():
            gate.set_result(None)

    def _crowded(self, waiting: int) -> bool:
        """Starting an engine takes most of a core: not while a sign-up waits for its gate, unless the pool is empty."""
        return self._generations.crowded() or (self._hurrying > 0 and waiting > 0)

    def _forget_gate(self, stack: str) -> None:
        self._gates.pop(stack, None)
        self._told.pop(stack, None)

    async def _begin(self, identity: str) -> Generation[Work]:
        provider = ResidentProvider(self._backends, self._made)
        providers = Providers(self._settings.folder, lambda address: serve_resident(provider, address))
        await providers.start()

        async def start(parked: Parked[Work]) -> Engine:
            engine = self._engine(_fresh(), parked)
            try:
                await engine.start("up", providers.attached)
            except BaseException:
                await self.forget(engine.stack)
                raise
            return engine

        pool: Pool[Work] = Pool(
            start, self.forget, size=self._settings.size, oldest=self._settings.oldest, at_once=2,
            crowded=self._crowded,
        )  # fmt: skip
        pool.open()
        return Generation(providers, pool, identity)

    async def _identity(self) -> str:
        """What engines are parked for: credentials, and which cluster and database these lead to."""
        kubeconfig = await asyncio.to_thread(Path(self._settings.deployment.kubeconfig).read_text)
        system = await self._backends.cluster.get("/api/v1/namespaces/kube-system")
        cluster = (system or {}).get("metadata", {}).get("uid", "")
        async with self._backends.database.transaction() as connection:
            schema = await identity_of(connection)
        deployment = self._settings.deployment
        return "\0".join([kubeconfig, cluster, deployment.database_url, schema, deployment.redis_operator_url])

    async def _forget_leftovers(self) -> None:
        """Stacks that killed services had parked: no organization is on them, and nobody holds them."""
        async with self._backends.database.transaction() as connection:
            used = await stacks_in_use(connection)
        here = {workspace.name for workspace in self._settings.folder.glob("slot-*")} - used
        for stack in here:
            if not await self._workspaces.held(stack):
                await self.forget(stack)
        kept = await self._settings.states.ages()
        if missing := used - kept.keys():
            log.warning("the state of %d organizations is not where it is looked for; has it moved?", len(missing))
        for stack, age in kept.items():
            if stack not in used | here and age > self._settings.oldest + _FORGOTTEN:
                await self._forget_elsewhere(stack)

    async def _forget_elsewhere(self, stack: str) -> None:
        """Forget a stack of another machine's, unless somebody there is at work on it."""
        with contextlib.suppress(LeaseTaken):
            await leases.take(self._backends.database, stack, self._holder, seconds=LASTS)
            await self.forget(stack)


def resident_engines(root: Path, environment: Mapping[str, str]) -> ResidentEngines:
    """The engine room of this checkout's service, with what `.local/env` sets; raise NotConfigured.

    ENGINES_PARKED, ENGINES_AT_ONCE, ENGINES_OLDEST (seconds) and ENGINES_MEMORY (MiB) size it;
    SELF_SERVICE_BACKEND_URL says where its state is, beside the workspaces if it is not set.
    """
    needed = (
        "PULUMI_KUBECONFIG", "PLATFORM_DATABASE_URL", "REDIS_URL", "REDIS_OPERATOR_URL", "PULUMI_BACKEND_URL",
    )  # fmt: skip
    if missing := [name for name in needed if not environment.get(name)]:
        raise NotConfigured(f"{', '.join(missing)} not set; run `make up`, then `. .local/env`")
    deployment = Settings(
        kubeconfig=environment["PULUMI_KUBECONFIG"], database_url=environment["PLATFORM_DATABASE_URL"],
        redis_url=environment["REDIS_URL"], redis_operator_url=environment["REDIS_OPERATOR_URL"],
        redis_ca_file=environment.get("REDIS_CA_FILE"), relay=environment.get("RELAY_ADDRESS"), on_destroy="keep",
        managed_by="api", shard=WHOLE, unprotect=False, holding=None,
    )  # fmt: skip
    settings = ResidentSettings(
        root, deployment, states_of(environment, workspaces_of(root)),
        size=_count(environment, "ENGINES_PARKED", 4, least=0),
        oldest=_count(environment, "ENGINES_OLDEST", 600),
        at_once=_count(environment, "ENGINES_AT_ONCE", 4),
        largest=_count(environment, "ENGINES_MEMORY", 600, least=200),
    )  # fmt: skip
    backends = Backends(
        ClusterApi(Path(deployment.kubeconfig)),
        Database(deployment.database_url, size=16, ready=4),
        PodUsers(deployment.redis_operator_url, ca_file=deployment.redis_ca_file),
    )
    return ResidentEngines(settings, backends)


def _count(environment: Mapping[str, str], name: str, default: int, *, least: int = 1) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise NotConfigured(f"{name} is {text!r}; write a whole number from {least}")
    return int(text)


async def _finish(ended: "asyncio.Task[None]", stays: contextlib.AsyncExitStack) -> None:
    """Wait until the engine has saved its state; then give the lease and the place back."""
    try:
        await ended
    finally:
        await stays.aclose()


def _fresh() -> str:
    """An opaque name: a stack is made before anybody knows for whom."""
    return f"slot-{secrets.token_hex(8)}"
