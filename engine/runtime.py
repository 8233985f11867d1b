"""The language runtime of every engine that this process starts: programs as coroutines of one event loop.

This is the protocol by which Pulumi's Automation API runs inline programs (`pulumi up --client=… --exec-kind
auto.inline`), spoken for many engines at once by one server, which tells them apart by the stack. The SDK's settings
are context variables, so each program gets a context of its own. What the SDK's own server
(`pulumi.automation._server`) does in a loop and a thread an engine is done here without either.
"""

import asyncio
import contextvars
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime import resource, set_all_config, settings
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    events_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
    resource_pb2_grpc,
    source_pb2,
)
from pulumi.runtime.stack import Stack, _wait_for_shutdown, wait_for_rpcs

Program = Callable[[], Awaitable[None]]
Sink = Callable[[Mapping[str, Any]], None]
_THREADS = 256  # each registration blocks one until its resource is made


class Runtime(language_pb2_grpc.LanguageRuntimeServicer, events_pb2_grpc.EventsServicer):
    """Runs the program that is expected on a stack, and gives the engine's events to whoever asked for them."""

    def __init__(self) -> None:
        self._programs: dict[str, Program] = {}
        self._sinks: dict[str, Sink] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._server: Any = None
        self.address = ""

    async def start(self) -> None:
        """Serve on a free port of 127.0.0.1."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "pulumi-rpc"))
        # Where in the source a resource was registered: nobody is shown it, and each costs half a millisecond.
        resource._get_stack_trace = source_pb2.StackTrace
        self._server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
        language_pb2_grpc.add_LanguageRuntimeServicer_to_server(self, self._server)
        events_pb2_grpc.add_EventsServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()

    async def close(self) -> None:
        """Stop serving; engines that still run fail, and their programs have ended."""
        if self._server is not None:
            await self._server.stop(0)
        await asyncio.gather(*self._running, return_exceptions=True)

    def expect(self, stack: str, program: Program, sink: Sink) -> None:
        """Run `program` for the next engine of `stack`, and tell `sink` its events."""
        self._programs[stack], self._sinks[stack] = program, sink

    def forget(self, stack: str) -> None:
        """The engine of `stack` has ended."""
        self._programs.pop(stack, None)
        self._sinks.pop(stack, None)

    async def Handshake(self, request: Any, context: Any) -> Any:
        return language_pb2.LanguageHandshakeResponse()

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo()

    async def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    async def About(self, request: Any, context: Any) -> Any:
        return language_pb2.AboutResponse()

    async def Run(self, request: Any, context: Any) -> Any:
        program = self._programs.get(request.stack)
        if program is None:
            return language_pb2.RunResponse(error=f"no program is expected on stack {request.stack}")
        # An empty context: nothing of another program, or of this server, is seen in it.
        running = asyncio.get_running_loop().create_task(_run(request, program), context=contextvars.Context())
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await running

    async def StreamEvents(self, requests: AsyncIterator[Any], context: Any) -> Any:
        sink: Sink | None = None
        async for request in requests:
            event = json.loads(request.event)
            sink = sink or self._sinks.get(_stack_of(event))
            if sink:
                sink(event)
        return empty_pb2.Empty()


class _QuietEngine:
    """The engine without the SDK's debug messages, about a hundred a sign-up: each blocks the loop for a call."""

    def __init__(self, channel: Any) -> None:
        self._stub = engine_pb2_grpc.EngineStub(channel)

    def Log(self, request: Any) -> Any:
        return empty_pb2.Empty() if request.severity == engine_pb2.DEBUG else self._stub.Log(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stub, name)


async def _run(request: Any, program: Program) -> Any:
    monitor = grpc.insecure_channel(request.monitor_address, options=_GRPC_CHANNEL_OPTIONS)
    engine = grpc.insecure_channel(request.args[0], options=_GRPC_CHANNEL_OPTIONS)
    stub = resource_pb2_grpc.ResourceMonitorStub(monitor)
    settings.ROOT.set(None)
    settings.configure(
        settings.Settings(
            project=request.project, stack=request.stack, parallel=request.parallel, dry_run=request.dryRun,
            organization=request.organization or "organization", monitor=stub, engine=_QuietEngine(engine),
        )
    )  # fmt: skip
    set_all_config(dict(request.config), list(request.configSecretKeys))
    settings.SETTINGS.callbacks = callbacks = _own_callbacks(stub)
    try:
        await callbacks.serve()  # type: ignore[no-untyped-call]
        await settings._load_monitor_feature_support()  # type: ignore[no-untyped-call]
        Stack(lambda: None)  # with an awaitable it would pump a nested loop, and no other program could go on
        await program()
        await wait_for_rpcs()
        await _wait_for_shutdown()
    except Exception as error:  # noqa: BLE001 - whatever a program raises is its engine's to tell
        return language_pb2.RunResponse(error=f"{type(error).__name__}: {error}")
    finally:
        await _settle()
        await callbacks._server.stop(grace=0)
        monitor.close()
        engine.close()
    return language_pb2.RunResponse()


def _own_callbacks(monitor: Any) -> _CallbackServicer:
    """The server of this program's hooks. The SDK ends all that its list names when any program ends: not this one."""
    callbacks = _CallbackServicer(monitor)
    _CallbackServicer._servicers.remove(callbacks)
    return callbacks


async def _settle() -> None:
    """Wait for what a failed program left under way."""
    left = [*settings.SETTINGS.rpc_manager.rpcs, *settings.SETTINGS.outputs]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _stack_of(event: Mapping[str, Any]) -> str:
    """The stack that an event's resource is in; "" if it is of no resource."""
    metadata = (event.get("resourcePreEvent") or event.get("resOutputsEvent") or {}).get("metadata") or {}
    return str(metadata.get("urn", "")).removeprefix("urn:pulumi:").split("::")[0]
