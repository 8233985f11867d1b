"""Who a client is: a secret in the header or the form (RFC 6749, 2.3.1), or none for a public client."""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus

from fastapi import Request

from database import clients
from database.clients import Client
from database.pool import Database
from service.identity.opaque import digest
from service.oidc.errors import OAuthError
from service.oidc.parameters import Parameters

_BASIC = {"WWW-Authenticate": 'Basic realm="agent-ready"'}
_NOBODYS = digest("")  # no client's secret is empty


async def authenticated(database: Database, request: Request, given: Parameters) -> Client:
    """The client that asks; raise an OAuthError, 401, unless it shows what it has to."""
    client_id, secret, headers = _shown(request, given)
    client = await clients.find(database, client_id) if client_id else None
    expected = (client.secret_hash if client else None) or _NOBODYS
    is_right = hmac.compare_digest(digest(secret or ""), expected)
    if client is None or (secret is not None if client.is_public else not is_right):
        raise OAuthError(
            "invalid_client", "this client is unknown, or its secret is missing or wrong; "
            "a public client sends its client_id alone", 401, headers,
        )  # fmt: skip
    return client


async def with_secret(database: Database, request: Request, given: Parameters) -> Client:
    """The same, but for clients that have a secret only."""
    client = await authenticated(database, request, given)
    if client.is_public:
        raise OAuthError("invalid_client", "only clients with a secret may ask this", 401, _BASIC)
    return client


def _shown(request: Request, given: Parameters) -> tuple[str | None, str | None, dict[str, str]]:
    """Id and secret, and the headers of a refusal."""
    header = request.headers.get("authorization")
    if header is None:
        return given.get("client_id"), given.get("client_secret"), _BASIC
    client_id, secret = _basic(header)  # a public client may come with an empty secret, as Go's does
    if "client_secret" in given or given.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_request", "the client is named twice; use the Authorization header or the form")
    return client_id, secret or None, _BASIC


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
    except (ValueError, binascii.Error) as error:
        raise OAuthError("invalid_client", "the Authorization header is not Basic", 401, _BASIC) from error
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or "\x00" in client_id + secret:
        raise OAuthError("invalid_client", "the Authorization header holds no client id and secret", 401, _BASIC)
    return client_id, secret
