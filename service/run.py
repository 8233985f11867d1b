"""Running one replica: what it needs is made here, handed on, and closed in reverse, whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from opentelemetry.trace import NoOpTracer

from cluster.api import ClusterApi
from engine.selfservice import Engines
from liveconfig.publisher import Publisher
from service import tracing
from service.app import create_app
from service.draining import Draining
from service.errors import NotConfigured
from service.queue import Queue
from service.services import Checkpoint, Services, pass_by
from service.settings import Settings
from service.tracing import TracedDatabase

_SCOPE = "agent-ready"
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
        working = asyncio.create_task(queue.work(services), name="queue")

        async def drain() -> None:
            draining.begun = True
            working.cancel()
            await draining.drain(services)
            await asyncio.gather(working, return_exceptions=True)

        server = Server(
            uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None, access_log=False,
                           timeout_graceful_shutdown=round(settings.drain)), drain)  # fmt: skip
        await server.serve()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


class Server(uvicorn.Server):
    """Answers that it is not ready, and all that is at work, before it stops to listen."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once."""
        if self._draining is not None:
            super().handle_exit(sig, frame)
            return
        self._draining = asyncio.get_running_loop().create_task(self._end(), name="drain")

    async def _end(self) -> None:
        await self._drain()
        self.should_exit = True


@asynccontextmanager
async def _made(
    environment: Mapping[str, str],
    settings: Settings,
    make_engines: MakeEngines,
    checkpoint: Checkpoint,
) -> AsyncIterator[tuple[Services, Queue]]:
    async with AsyncExitStack() as stack:
        provider = tracing.provider(environment, settings.replica)
        if provider is not None:
            stack.callback(provider.shutdown)
        tracer = provider.get_tracer(_SCOPE) if provider else NoOpTracer()
        url = _needed(environment, "PLATFORM_DATABASE_URL")
        database = await stack.enter_async_context(TracedDatabase(url, tracer, size=10))
        cluster = await stack.enter_async_context(ClusterApi(Path(_needed(environment, "SERVICE_KUBECONFIG"))))
        publisher = Publisher(_needed(environment, "REDIS_URL"), ca_file=environment.get("REDIS_CA_FILE"))
        stack.callback(publisher.close)
        queue = Queue(url)
        await queue.open(database)
        stack.push_async_callback(queue.close)
        engines = make_engines(environment)
        yield Services(
            settings, database, cluster, engines, publisher, queue, tracer=tracer, checkpoint=checkpoint
        ), queue  # fmt: skip


def _needed(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise NotConfigured(f"{name} is not set; run `make up`, then `. .local/env`")
    return environment[name]
