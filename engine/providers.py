"""Provider processes that all engines of this process share.

Each provider's executable is started once. A proxy stands in front of it that passes bytes on; engines attach to that
(`PULUMI_DEBUG_PROVIDERS`). It answers itself what belongs to one engine's life (Cancel, Attach, Handshake), lets the
provider be configured once, and refuses whoever would configure it otherwise.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from engine.errors import NotConfigured
from engine.stack import SWIFT

SHARED = ("kubernetes", "postgresql", "random")
_SERVICE = "/pulumirpc.ResourceProvider/"
_EMPTY: bytes = empty_pb2.Empty().SerializeToString()
_OF_ONE_STACK = ("urn", "name", "type", "id")  # fields of a configuration that differ from stack to stack
_Call = Callable[[bytes, Any], Awaitable[bytes]]


def tied(command: Sequence[str], signal: str) -> list[str]:
    """The command, told `signal` by the kernel when the thread that starts it ends: nothing outlives the service."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NotConfigured("setpriv is missing; install the package util-linux")
    return [setpriv, "--pdeathsig", signal, "--", *command]


class SharedProvider(grpc.GenericRpcHandler):  # type: ignore[misc]
    """One provider process behind its proxy."""

    def __init__(self, package: str, executable: Path) -> None:
        self.package, self._executable = package, executable
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._channel: Any = None
        self._server: Any = None
        self._handshake: bytes | None = None
        self._configured: dict[str, bytes] = {}
        self._configuring = asyncio.Lock()
        self._own: dict[str, _Call] = {
            "Cancel": self._nothing, "Attach": self._nothing,
            "Handshake": self._shake, "Configure": self._configure,
        }  # fmt: skip

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def memory(self) -> int:
        """Bytes that its process holds; 0 if it does not run."""
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) if self._process else 0
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def start(self, engine_address: str, log: Path) -> None:
        """Start the process and its proxy; what it says goes to `log`."""
        with log.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *tied([str(self._executable), engine_address], "KILL"),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=out,
                env={**SWIFT, **os.environ},
            )  # fmt: skip
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        port = int(await self._process.stdout.readline())
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=_GRPC_CHANNEL_OPTIONS)
        await self._attach(engine_address)
        self._server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
        self._server.add_generic_rpc_handlers((self,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()

    async def close(self) -> None:
        """End the process and the proxy; never started is fine."""
        if self._server is not None:
            await self._server.stop(0)
        if self._channel is not None:
            await self._channel.close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _attach(self, engine_address: str) -> None:
        """What an engine says first to a provider that it started, as far as the provider knows it."""
        stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        hello = provider_pb2.ProviderHandshakeRequest(
            engine_address=engine_address, configure_with_urn=True, supports_views=True,
            supports_refresh_before_update=True, invoke_with_preview=True,
        )  # fmt: skip
        answer = await _unless_unknown(stub.Handshake(hello))
        self._handshake = answer.SerializeToString() if answer is not None else None
        await _unless_unknown(stub.Attach(plugin_pb2.PluginAttach(address=engine_address)))

    def service(self, details: Any) -> Any:
        """How a method is handled; every method of the provider's is one call and one answer."""
        name = details.method.removeprefix(_SERVICE)
        return grpc.unary_unary_rpc_method_handler(self._own.get(name) or self._forwarding(name))

    def _forwarding(self, name: str) -> _Call:
        call = self._channel.unary_unary(_SERVICE + name)

        async def forward(request: bytes, context: Any) -> bytes:
            try:
                answer: bytes = await call(request)
            except grpc.aio.AioRpcError as error:
                # The trailing metadata tell what was made although the call failed.
                await context.abort(error.code(), error.details() or "", error.trailing_metadata() or ())
            return answer

        return forward

    async def _nothing(self, request: bytes, context: Any) -> bytes:
        return _EMPTY

    async def _shake(self, request: bytes, context: Any) -> bytes:
        if self._handshake is None:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{self.package} has no Handshake")
        assert self._handshake is not None  # noqa: S101 - abort raises
        return self._handshake

    async def _configure(self, request: bytes, context: Any) -> bytes:
        asked = provider_pb2.ConfigureRequest.FromString(request)
        for field in _OF_ONE_STACK:
            asked.ClearField(field)
        digest = hashlib.sha256(asked.SerializeToString(deterministic=True)).hexdigest()
        async with self._configuring:
            if self._configured and digest not in self._configured:
                await context.abort(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"the provider {self.package} is shared and configured otherwise",
                )
            if digest not in self._configured:
                self._configured[digest] = await self._forwarding("Configure")(request, context)
            return self._configured[digest]


class _Log(engine_pb2_grpc.EngineServicer):
    """Where shared providers log to: they outlive every engine. What they say is in their own log files."""

    async def Log(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    async def GetRootResource(self, request: Any, context: Any) -> Any:
        return engine_pb2.GetRootResourceResponse()

    async def SetRootResource(self, request: Any, context: Any) -> Any:
        return engine_pb2.SetRootResourceResponse()


class Providers:
    """The stock providers, started once, and ours, served by `serve_tenancy` (address of the log → server, port)."""

    def __init__(self, folder: Path, serve_tenancy: Callable[[str], Awaitable[tuple[Any, int]]]) -> None:
        self._folder, self._serve_tenancy = folder, serve_tenancy
        self._shared = [SharedProvider(package, _executable(package)) for package in SHARED]
        self._servers: list[Any] = []
        self._tenancy_port = 0

    async def start(self) -> None:
        """Start all of them."""
        log = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
        engine_pb2_grpc.add_EngineServicer_to_server(_Log(), log)
        address = f"127.0.0.1:{log.add_insecure_port('127.0.0.1:0')}"
        await log.start()
        tenancy, self._tenancy_port = await self._serve_tenancy(address)
        self._servers = [log, tenancy]
        try:
            await asyncio.gather(*(p.start(address, self._folder / f"provider-{p.package}.log") for p in self._shared))
        except BaseException:
            await self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether all processes run."""
        return all(provider.alive for provider in self._shared)

    @property
    def memory(self) -> int:
        """Bytes that the largest process holds."""
        return max(provider.memory for provider in self._shared)

    @property
    def attached(self) -> str:
        """The value of PULUMI_DEBUG_PROVIDERS."""
        return ",".join([f"tenancy:{self._tenancy_port}", *(f"{p.package}:{p.port}" for p in self._shared)])

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*(provider.close() for provider in self._shared))
        await asyncio.gather(*(server.stop(0) for server in self._servers))


async def _unless_unknown(call: Any) -> Any:
    """The answer, or None if the provider does not know the method."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            raise
        return None


def _executable(package: str) -> Path:
    """The newest of the package's providers that Pulumi has."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    found = sorted((home / "plugins").glob(f"resource-{package}-v*/pulumi-resource-{package}"))
    if not found:
        raise NotConfigured(f"{home}/plugins holds no provider {package}; run `make up`, then `. .local/env`")
    return found[-1]
