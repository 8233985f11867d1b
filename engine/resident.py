"""The engine room inside the service: parked engines, shared providers, and updates of self-service organizations.

Everything runs in the service's one event loop. Providers and the engines that use them are one generation: when the
credentials, the cluster or the database behind them change, a new one takes over and the old one ends when it is idle.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pulumi

from components.connections import connect
from components.hooks import publish_config_changes
from components.organization import Organization as OrganizationComponent
from components.organization import OrganizationProps
from components.postgres import TenantDatabase
from components.settings import Settings
from database import leases
from database.leases import StackLease
from database.organizations import hold, stacks_in_use
from engine.errors import EngineError, Failed
from engine.parked import Engine, Workspaces
from engine.pool import Parked, Pool
from engine.providers import Providers
from engine.review_events import Preview, read_preview
from engine.runtime import Runtime
from engine.selfservice import Deployed, PoolStatus, Way
from engine.stack import PROJECT, executable
from liveconfig.publisher import Publisher
from provider.handlers import Backends
from provider.resident import ResidentProvider, serve_resident
from tenants.model import Organization
from tenants.plan import plan

log = logging.getLogger("engine")
_LEASE = 30.0  # seconds
_STEPS = {
    "OrganizationRow": "row claimed", "NamespaceClaim": "namespace made", "DatabaseLogin": "login bound",
    "ConfigDefaults": "settings written", "IsolationGate": "gate opened",
}  # fmt: skip


@dataclass(frozen=True)
class ResidentSettings:
    """How many engines wait, how long, and how many updates run at once; `root` is the checkout.

    `backend` is where the stacks' state is, a URL; None puts it beside the workspaces in `.local/self-service/`.
    """

    root: Path
    deployment: Settings
    size: int = 4
    oldest: float = 600.0
    at_once: int = 4
    backend: str | None = None

    @property
    def folder(self) -> Path:
        """The workspaces of all stacks."""
        return self.root / ".local" / "self-service"


@dataclass(frozen=True)
class Work:
    """What an engine is to register; `unprotect` lets a destroy take all of it."""

    organization: Organization
    operation_id: str | None
    unprotect: bool = False


@dataclass
class _Generation:
    """Providers, and the pool of engines that are attached to them."""

    providers: Providers
    pool: Pool[Work]
    identity: str
    busy: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class ResidentEngines:
    """`engine.selfservice.Engines`. `backends` are what the tenancy provider works on, as the platform's identity."""

    def __init__(self, settings: ResidentSettings, backends: Backends) -> None:
        self._settings, self._backends = settings, backends
        self._runtime = Runtime()
        self._workspaces = Workspaces(settings.folder, settings.backend or f"file://{settings.folder}", "")
        self._publisher = Publisher(settings.deployment.redis_url, ca_file=settings.deployment.redis_ca_file)
        self._generation: _Generation | None = None
        self._gates: dict[str, asyncio.Future[None]] = {}
        self._told: dict[str, Callable[[str], None]] = {}
        self._limit = asyncio.Semaphore(settings.at_once)
        self._keeper: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._holder = f"{socket.gethostname()}/{secrets.token_hex(4)}"

    # ------------------------------------------------------------------ life

    async def start(self) -> None:
        """Remove what earlier services left, start the providers, and begin to park engines."""
        self._settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._workspaces = Workspaces(
            self._settings.folder, self._workspaces.backend, await asyncio.to_thread(_salt, self._settings.folder)
        )
        await self._forget_leftovers()
        await self._runtime.start()
        self._generation = await self._begin(await self._identity())
        self._keeper = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Let what is at work end, throw the parked engines away, and leave nothing behind."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._generation is not None:
            await self._end(self._generation)
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._runtime.close()
        self._publisher.close()

    def status(self) -> PoolStatus:
        """How full the pool is."""
        now = self._generation
        if now is None:
            return PoolStatus(0, 0, 0, self._settings.size)
        return PoolStatus(now.pool.parked, now.pool.starting, now.busy, self._settings.size)

    # ------------------------------------------------------------------ updates

    async def deploy(
        self, organization: Organization, operation_id: str, *, stack: str | None, on_step: Callable[[str], None]
    ) -> Deployed:
        """Hand the organization to a parked engine, or to one that is started for it; return at its gate."""
        stays = contextlib.AsyncExitStack()
        generation = await stays.enter_async_context(self._at_work())
        try:
            parked, way = await self._engine_for(generation, stack)
            assert parked.engine is not None  # noqa: S101 - it was started
            engine = parked.engine
            lease = await stays.enter_async_context(self._leased(engine))
            gate = asyncio.get_running_loop().create_future()
            self._gates[engine.stack], self._told[engine.stack] = gate, on_step
            stays.callback(self._forget_gate, engine.stack)
            await self._hold(operation_id, lease.stack)
            parked.work.set_result(Work(organization, operation_id))
            ended = asyncio.create_task(engine.wait())
            await asyncio.wait([gate, ended], return_when=asyncio.FIRST_COMPLETED)
            if not gate.done():
                await ended
                raise Failed("the engine ended without opening the gate")
        except BaseException:
            await stays.aclose()
            raise
        return Deployed(engine.stack, way, asyncio.create_task(_finish(ended, stays)))

    async def converge(self, organization: Organization, operation_id: str, stack: str) -> None:
        """Bring the stack to the organization as it is now; return when its state is saved."""
        await self._update("up", Work(organization, operation_id), stack)

    async def destroy(self, organization: Organization, operation_id: str, stack: str) -> None:
        """Remove everything that the stack holds, then the stack."""
        await self._update("destroy", Work(organization, operation_id, unprotect=True), stack, "--run-program")
        await self.forget(stack)

    async def preview(self, organization: Organization, operation_id: str | None, stack: str | None) -> Preview:
        """What deploying or converging would change, policies included; changes nothing and takes no lock."""
        async with self._at_work() as generation:
            name = stack or _fresh()
            parked: Parked[Work] = Parked()
            parked.work.set_result(Work(organization, operation_id))
            engine = self._engine(name, parked)
            policies = ("--policy-pack", str(self._settings.root / "policies"))
            try:
                await engine.start("preview", generation.providers.attached, *policies)
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
        if not self._workspaces.in_folders:
            await asyncio.to_thread(self._remove_remote, stack)
        await asyncio.to_thread(self._workspaces.forget, stack)

    # ------------------------------------------------------------------ how

    async def _update(self, command: str, work: Work, stack: str, *more: str) -> None:
        async with self._at_work() as generation:
            parked: Parked[Work] = Parked()
            parked.work.set_result(work)
            engine = self._engine(stack, parked)
            async with self._leased(engine):
                await engine.start(command, generation.providers.attached, *more)
                await engine.wait()

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[_Generation]:
        """A place among the updates that run at once, and the generation that stays alive meanwhile."""
        async with self._limit:
            generation = self._generation
            if generation is None:
                raise Failed("the engine room is not started yet, or closed; try again in a moment")
            generation.busy += 1
            try:
                yield generation
            finally:
                generation.busy -= 1
                if generation.busy == 0:
                    generation.idle.set()

    async def _engine_for(self, generation: _Generation, stack: str | None) -> tuple[Parked[Work], Way]:
        """One that waits, unless there is none, or the work belongs to a stack that exists."""
        waiting = None if stack else generation.pool.take()
        if waiting is not None:
            return waiting, "parked"
        parked: Parked[Work] = Parked()
        parked.engine = self._engine(stack or _fresh(), parked)
        await parked.engine.start("up", generation.providers.attached)
        return parked, "ordinary"

    def _engine(self, stack: str, parked: Parked[Work]) -> Engine:
        self._forget_dead_lock(stack)
        return Engine(self._runtime, self._workspaces, stack, lambda: self._program(parked))

    async def _program(self, parked: Parked[Work]) -> None:
        """What an engine runs: connect, wait for work, register it; the component is the catalog's."""
        settings = self._settings.deployment
        providers = connect(settings)
        hooks = publish_config_changes(settings, self._publisher)
        database = TenantDatabase.at(settings, providers["tenancy"])
        await asyncio.gather(*(provider.id.future() for provider in providers.values()))
        parked.warm.set()
        work = await parked.work
        if work is None:
            return
        props = OrganizationProps(
            plan(work.organization), settings.managed_by, hooks, database, work.unprotect, work.operation_id
        )
        OrganizationComponent(work.organization.slug, props, pulumi.ResourceOptions(providers=dict(providers)))

    @asynccontextmanager
    async def _leased(self, engine: Engine) -> AsyncIterator[StackLease]:
        """The stack's lease, prolonged meanwhile; an engine whose lease is lost is interrupted."""
        lease = await leases.take(self._backends.database, engine.stack, self._holder, seconds=_LEASE)
        keeper = asyncio.create_task(self._keep(lease, engine))
        try:
            yield lease
        finally:
            keeper.cancel()
            await leases.release(self._backends.database, lease)

    async def _keep(self, lease: StackLease, engine: Engine) -> None:
        while True:
            await asyncio.sleep(_LEASE / 3)
            try:
                held = await leases.prolong(self._backends.database, lease, seconds=_LEASE)
            except Exception as error:  # noqa: BLE001 - the database may be away for a moment
                log.warning("the lease on %s could not be prolonged: %s", lease.stack, error)
                continue
            if not held:
                log.error("the lease on %s was lost; its engine is stopped", lease.stack)
                engine.interrupt()
                return

    async def _hold(self, operation_id: str, stack: str) -> None:
        async with self._backends.database.transaction() as connection:
            await hold(connection, operation_id, stack)

    def _made(self, urn: str, kind: str) -> None:
        """The tenancy provider has made something: tell who waits for it."""
        stack = urn.removeprefix("urn:pulumi:").split("::")[0]
        if (tell := self._told.get(stack)) and kind in _STEPS:
            tell(_STEPS[kind])
        gate = self._gates.get(stack)
        if kind == "IsolationGate" and gate is not None and not gate.done():
            gate.set_result(None)

    def _forget_gate(self, stack: str) -> None:
        self._gates.pop(stack, None)
        self._told.pop(stack, None)

    # ------------------------------------------------------------------ generations

    async def _begin(self, identity: str) -> _Generation:
        provider = ResidentProvider(self._backends, self._made)
        providers = Providers(self._settings.folder, lambda address: serve_resident(provider, address))
        await providers.start()

        async def start(parked: Parked[Work]) -> Engine:
            engine = self._engine(_fresh(), parked)
            await engine.start("up", providers.attached)
            return engine

        pool: Pool[Work] = Pool(start, self.forget, size=self._settings.size, oldest=self._settings.oldest, at_once=2)
        pool.open()
        return _Generation(providers, pool, identity)

    async def _end(self, generation: _Generation) -> None:
        await generation.pool.close()
        while generation.busy:
            generation.idle.clear()
            await generation.idle.wait()
        await generation.providers.close()

    async def _watch(self) -> None:
        """Begin a new generation when what the present one was made for has changed, or its providers have died."""
        while True:
            await asyncio.sleep(5.0)
            try:
                await self._renew_if_needed()
            except Exception as error:  # noqa: BLE001 - the cluster or the database may be away; look again later
                log.warning("the engine room could not be looked at: %s", error)

    async def _renew_if_needed(self) -> None:
        now, identity = self._generation, await self._identity()
        if now is None or (now.identity == identity and now.providers.alive):
            return
        log.info("credentials, cluster, database or providers have changed: a new generation of engines takes over")
        self._generation = await self._begin(identity)
        task = asyncio.create_task(self._end(now))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _identity(self) -> str:
        """What engines are parked for: credentials, and which cluster and database these lead to."""
        kubeconfig = await asyncio.to_thread(Path(self._settings.deployment.kubeconfig).read_text)
        system = await self._backends.cluster.get("/api/v1/namespaces/kube-system")
        cluster = (system or {}).get("metadata", {}).get("uid", "")
        return "\0".join([kubeconfig, cluster, self._settings.deployment.database_url])

    # ------------------------------------------------------------------ leftovers

    async def _forget_leftovers(self) -> None:
        """Stacks that a killed service had parked: no organization is on them, and no living process holds them."""
        async with self._backends.database.transaction() as connection:
            used = await stacks_in_use(connection)
        for workspace in self._settings.folder.glob("slot-*"):
            if workspace.name not in used and not self._held_by_a_process(workspace.name):
                await self.forget(workspace.name)

    def _held_by_a_process(self, stack: str) -> bool:
        return any(_lives(lock) for lock in self._locks(stack))

    def _forget_dead_lock(self, stack: str) -> None:
        """A killed engine's lock: its process, on this machine, is gone."""
        for lock in self._locks(stack):
            if not _lives(lock):
                lock.unlink(missing_ok=True)

    def _locks(self, stack: str) -> list[Path]:
        if not self._workspaces.in_folders:
            return []
        return list((self._workspaces.checkpoint(stack).parents[2] / "locks").glob(f"**/{stack}/*.json"))

    def _remove_remote(self, stack: str) -> None:
        subprocess.run(
            [executable(), "stack", "rm", stack, "--yes", "--force", "--non-interactive"],
            cwd=self._settings.folder / stack, capture_output=True, check=False,
            env={**os.environ, "PULUMI_BACKEND_URL": self._workspaces.state_of(stack)},
        )  # fmt: skip


async def _finish(ended: "asyncio.Task[None]", stays: contextlib.AsyncExitStack) -> None:
    """Wait until the engine has saved its state; then give the lease and the place back."""
    try:
        await ended
    finally:
        await stays.aclose()


def _fresh() -> str:
    """An opaque name: a stack is made before anybody knows for whom."""
    return f"slot-{secrets.token_hex(8)}"


def _lives(lock: Path) -> bool:
    """Whether the process that a lock names runs on this machine, or the lock is another machine's."""
    try:
        held = json.loads(lock.read_text())
    except (OSError, ValueError):
        return False
    if held.get("hostname") != socket.gethostname():
        return True
    try:
        return b"pulumi" in Path(f"/proc/{int(held['pid'])}/cmdline").read_bytes()
    except (OSError, KeyError, ValueError):
        return False


def _salt(folder: Path) -> str:
    """The salt of all self-service stacks, made once by Pulumi itself."""
    kept = folder / "salt"
    if kept.exists():
        return kept.read_text().strip()
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        done = subprocess.run(
            [executable(), "stack", "init", "salt", "--non-interactive"], cwd=scratch, capture_output=True, text=True,
            check=False, env={**os.environ, "PULUMI_BACKEND_URL": f"file://{scratch}"},
        )  # fmt: skip
        if done.returncode:
            raise EngineError(f"`pulumi stack init` failed:\n{done.stderr.strip()}")
        made = (Path(scratch) / "Pulumi.salt.yaml").read_text()
    salt = next(line.split(":", 1)[1].strip() for line in made.splitlines() if line.startswith("encryptionsalt:"))
    kept.touch(mode=0o600)
    kept.write_text(salt)
    return salt
