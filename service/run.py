"""Running one replica: what it needs is made here, handed on, and closed in reverse, whatever happens."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from opentelemetry.trace import NoOpTracer

from cluster.api import ClusterApi
from database import configs, migrations
from database.pool import Database
from engine.selfservice import Engines
from liveconfig.acl import PodUsers
from liveconfig.publisher import Publisher
from service import tracing
from service.app import create_app
from service.draining import Draining
from service.errors import NotConfigured, NotStarted
from service.identity import making
from service.identity.settings import IdentitySettings
from service.listening import listening
from service.metrics import Metrics
from service.oidc import builtin
from service.queue import Queue
from service.services import Checkpoint, Services, log, pass_by
from service.settings import Settings
from service.tracing import TracedDatabase

_SCOPE = "agent-ready"
_LIVE, _ISSUER = 9, 10  # the migrations from which on there is live configuration, and the issuer
MakeEngines = Callable[[Mapping[str, str]], Engines]


async def serve(
    environment: Mapping[str, str],
    make_engines: MakeEngines,
    checkpoint: Checkpoint = pass_by,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain. `checkpoint` is for tests that end the process between two steps."""
    settings, draining = Settings.of(environment), Draining()
    async with _made(environment, settings, make_engines, checkpoint) as (services, queue):
        app = create_app(services, draining)
        server = Server(settings, app, lambda: queue.work(services), lambda: draining.drain(services))
        draining.stops(server.stop_jobs)
        async with listening(app, settings.issuer, services.identity.issuer_url):
            await server.serve()
        await server.stop_jobs()
        if not server.started:
            raise NotStarted("the API did not start; the log above says why")


class Server(uvicorn.Server):
    """Takes jobs once it listens; answers that it is not ready, and all that is at work, before it stops to."""

    def __init__(
        self, settings: Settings, app: FastAPI, jobs: Callable[[], Coroutine[Any, Any, None]],
        drain: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        graceful = round(settings.drain)
        super().__init__(
            uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None, access_log=False,
                           forwarded_allow_ips=settings.proxies, timeout_graceful_shutdown=graceful)
        )  # fmt: skip
        self._jobs, self._drain = jobs, drain
        self._working: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, with the engines started; only then are jobs of others taken."""
        await super().startup(sockets=sockets)
        if self.started:
            _keep_what_is_loaded()
            self._working = asyncio.create_task(self._jobs(), name="queue")

    async def stop_jobs(self) -> None:
        """Take no more jobs, and wait for those that run."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once."""
        if self._draining is not None:
            super().handle_exit(sig, frame)
            return
        self._draining = asyncio.get_running_loop().create_task(self._end(), name="drain")

    async def _end(self) -> None:
        await self._drain()
        self.should_exit = True


def _keep_what_is_loaded() -> None:
    """Collect garbage seldom, and never look for it among what was loaded: it took a fifth of a sign-up's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@asynccontextmanager
async def _made(
    environment: Mapping[str, str],
    settings: Settings,
    make_engines: MakeEngines,
    checkpoint: Checkpoint,
) -> AsyncIterator[tuple[Services, Queue]]:
    identity_settings = IdentitySettings.of(environment)
    async with AsyncExitStack() as stack:
        provider = tracing.provider(environment, settings.replica)
        if provider is not None:
            stack.callback(provider.shutdown)
        tracer = provider.get_tracer(_SCOPE) if provider else NoOpTracer()
        url = _needed(environment, "PLATFORM_DATABASE_URL")
        database = await stack.enter_async_context(TracedDatabase(url, tracer, size=10))
        application = await stack.enter_async_context(
            TracedDatabase(_needed(environment, "DATABASE_URL"), tracer, size=10)
        )
        cluster = await stack.enter_async_context(ClusterApi(Path(_needed(environment, "SERVICE_KUBECONFIG"))))
        publisher = Publisher(_needed(environment, "REDIS_URL"), ca_file=environment.get("REDIS_CA_FILE"))
        stack.callback(publisher.close)
        users = PodUsers(_needed(environment, "REDIS_OPERATOR_URL"), ca_file=environment.get("REDIS_CA_FILE"))
        stack.push_async_callback(users.close)
        queue = Queue(url)
        await queue.open(database)
        stack.push_async_callback(queue.close)
        engines, metrics = make_engines(environment), Metrics()
        reader = await stack.enter_async_context(Database(url, size=1))
        identity = making.made(identity_settings, database, publisher, metrics, reader=reader)
        await stack.enter_async_context(making.running(identity, identity_settings, database))
        if await migrations.current_version(database) >= _ISSUER:
            await builtin.tend(database, settings.issuer)
        log.info("live configuration is in epoch %d", await _epoch(database))
        yield Services(
            settings, database, application, cluster, engines, publisher, users, queue, identity,
            metrics=metrics, tracer=tracer, checkpoint=checkpoint,
        ), queue  # fmt: skip


async def _epoch(database: Database) -> int:
    """Which history of settings this is: the first look after a restore begins another. 0 without any schema."""
    return await configs.epoch(database) if await migrations.current_version(database) >= _LIVE else 0


def _needed(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise NotConfigured(f"{name} is not set; run `make up`, then `. .local/env`")
    return environment[name]
