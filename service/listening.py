"""The issuer's own port: the same application over TLS, in the same loop, for as long as the API listens."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from service.errors import NotStarted
from service.issuer_settings import IssuerSettings
from service.services import log

_TLS = 443
_DRAIN = 2  # seconds for what is being answered when the API has stopped, and for callers that keep a connection


class _Quiet(uvicorn.Server):
    """Leaves signals to the server beside it, which says when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None of them."""
        yield


@asynccontextmanager
async def listening(app: FastAPI, settings: IssuerSettings, issuer_url: str) -> AsyncIterator[None]:
    """Listen on `issuer_url`'s port within the block, if there is a certificate; raise NotStarted if that fails.

    Of several replicas on one machine the first listens there, and the others go on without.
    """
    listener = _socket(issuer_url) if settings.tls_cert is not None else None
    if listener is None:
        yield
        return
    with listener:
        server = _server(app, settings)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="issuer")
        log.info("the issuer listens at %s", issuer_url)
        try:
            yield
        finally:
            server.should_exit = True
            await serving


def _server(app: FastAPI, settings: IssuerSettings) -> uvicorn.Server:
    # Nobody stands between us and the caller: what X-Forwarded-* say is not believed.
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", proxy_headers=False,
        ssl_certfile=settings.tls_cert, ssl_keyfile=settings.tls_key, timeout_graceful_shutdown=_DRAIN,
    )  # fmt: skip
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise NotStarted(f"ISSUER_TLS_CERT and ISSUER_TLS_KEY are no certificate with its key: {error}") from error
    return _Quiet(config)


def _socket(issuer_url: str) -> socket.socket | None:
    """Bound to the issuer's address; None if somebody else is."""
    address = urlsplit(issuer_url)
    host, port = address.hostname or "", address.port or _TLS
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            log.warning(
                "%s:%d is taken, by another replica if all is well: this one is not the issuer there", host, port
            )
            return None
        raise NotStarted(f"the issuer cannot listen at {host}:{port} (ISSUER_URL): {error}") from error
