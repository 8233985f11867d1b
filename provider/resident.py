"""The provider inside the service: configured from the start, shared by all engines, stopped by none of them."""

from collections.abc import Callable
from typing import Any

import grpc
import pulumi.provider.experimental.provider as p
from google.protobuf import empty_pb2
from pulumi.provider.experimental.server import ProviderServicer

from database import organizations
from provider.handlers import Backends
from provider.serve import serve_on
from provider.tenancy import VERSION, TenancyProvider
from provider.wire import plain

Made = Callable[[str, str], None]


class ResidentProvider(TenancyProvider):
    """Rows, claims and the gate for self-service organizations.

    `made` is told the URN and kind of whatever was made. Nothing is made for an operation that is being undone.
    """

    def __init__(self, backends: Backends, made: Made) -> None:
        super().__init__(backends)
        self._database, self._made = backends.database, made

    async def configure(self, request: p.ConfigureRequest) -> p.ConfigureResponse:
        """The backends were given; an engine has nothing to add."""
        return await p.Provider.configure(self, request)

    async def create(self, request: p.CreateRequest) -> p.CreateResponse:
        kind = request.type.rsplit(":", 1)[-1]
        if kind == "NamespaceClaim" and not request.preview:
            async with self._database.statement() as connection:
                await organizations.check_wanted(connection, plain(request.properties)["operation_id"])
        response = await super().create(request)
        if not request.preview:
            self._made(request.urn, kind)
        return response


class _Attachable(ProviderServicer):
    """The SDK's servicer knows neither call that an engine makes to a provider that it did not start."""

    async def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    async def Handshake(self, request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "the tenancy provider has no Handshake")


async def serve_resident(provider: ResidentProvider, engine_address: str) -> tuple[grpc.aio.Server, int]:
    """Serve it on a free port of 127.0.0.1; return the server and the port."""
    return await serve_on(_Attachable([], VERSION, provider, engine_address=engine_address))
