"""Serving the provider over gRPC: Pulumi's own servicer, with our errors told as plain sentences."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import redis
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from cluster.errors import ClusterError
from database.errors import DatabaseError
from provider.handlers import ProviderError
from provider.tenancy import VERSION, TenancyProvider

_TOLD = (ClusterError, DatabaseError, ProviderError, redis.RedisError)


class _PlainErrors(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Turns our errors into a status whose text is the error's own, instead of a traceback."""

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        async def call(request: Any, context: Any) -> Any:
            try:
                return await handler.unary_unary(request, context)
            except _TOLD as error:
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)


async def start(engine_address: str) -> tuple[Any, int]:
    """Serve a provider that its engine configures; return the server and the port."""
    return await serve_on(ProviderServicer([], VERSION, TenancyProvider(), engine_address=engine_address))


async def serve_on(servicer: ProviderServicer) -> tuple[Any, int]:
    """Start serving on a free port of 127.0.0.1; return the server and the port."""
    server = grpc.aio.server(interceptors=[_PlainErrors()], options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def serve(engine_address: str) -> None:
    """Serve until ended or left by the engine; the first line printed is the port, as Pulumi expects it."""
    engine = os.getppid()
    server, port = await start(engine_address)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == engine:  # a killed engine ends none of its plugins
        await server.wait_for_termination(timeout=1.0)


def main(arguments: list[str]) -> int:
    """Run as a Pulumi plugin; the engine passes its address as the last argument."""
    if not arguments or arguments[-1].startswith("-"):
        print(
            "usage: pulumi-resource-tenancy ENGINE_ADDRESS (it is started by Pulumi, see Pulumi.yaml)",
            file=sys.stderr,
        )
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments[-1]))
    return 0
