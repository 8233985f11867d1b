"""Asking a server whether it is ready, in its own protocol: HTTP, perhaps with a client certificate, TLS, and Redis."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from localplane.errors import NotReady

#: Seconds one question may take; a process that was stopped (SIGSTOP) accepts and never answers.
PATIENCE = 3.0


def https_ok(port: int, path: str, context: ssl.SSLContext) -> None:
    """A GET on the loopback port answers 200, or NotReady says what it answered."""
    _ok(http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context), port, path)


def http_ok(port: int, path: str) -> None:
    """The same without TLS."""
    _ok(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE), port, path)


def _ok(connection: http.client.HTTPConnection, port: int, path: str) -> None:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(2_000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as problem:
        raise NotReady(f"GET {path} on port {port}: {problem or type(problem).__name__}") from problem
    finally:
        connection.close()
    if answer.status != 200:
        raise NotReady(f"GET {path} on port {port}: {answer.status} {' '.join(body.split())[:300]}")


def trust(authority: Path, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """A client's context that trusts one authority only, with a certificate of its own if it is given."""
    context = ssl.create_default_context(cafile=str(authority))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def tls_ok(port: int, context: ssl.SSLContext) -> None:
    """Whoever listens on the loopback port answers a handshake, or NotReady says how it failed."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
            context.wrap_socket(plain, server_hostname="127.0.0.1").close()
    except OSError as problem:
        raise NotReady(f"TLS on port {port}: {problem or type(problem).__name__}") from problem


def redis_ping(host: str, port: int, context: ssl.SSLContext | None, user: str | None, password: str | None) -> None:
    """PING as this user answers PONG, or NotReady says what it answered."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as plain:
            if context is None:
                return _ping(plain, user, password)
            with context.wrap_socket(plain, server_hostname=host) as encrypted:
                return _ping(encrypted, user, password)
    except OSError as problem:
        raise NotReady(f"Redis on {host}:{port}: {problem}") from problem


def _ping(connection: socket.socket, user: str | None, password: str | None) -> None:
    if password:
        _ask(connection, ["AUTH", user or "default", password], "+OK")
    _ask(connection, ["PING"], "+PONG")


def _ask(connection: socket.socket, words: Sequence[str], expected: str) -> None:
    encoded = [word.encode() for word in words]
    connection.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in encoded))
    with connection.makefile("rb") as answers:
        answer = answers.readline().decode(errors="replace").strip()
    if answer != expected:
        raise NotReady(f"Redis answered {words[0]} with {answer!r}")
