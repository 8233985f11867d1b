"""The clients that every platform has, written at each start: what the environment says of them may have changed."""

import hashlib

from database import clients
from database.pool import Database
from service.identity.claims import CLI, KUBERNETES
from service.issuer_settings import IssuerSettings

CONSOLE = "console"
_ACTOR = "platform"
# Any port and exactly this path; kubelogin says localhost, and no path.
_HOSTS, _PATHS = ("127.0.0.1", "[::1]", "localhost"), ("", "/", "/callback")
_LOOPBACK = tuple(f"http://{host}{path}" for host in _HOSTS for path in _PATHS)
_PUBLIC = {CLI: "agent-ready, the command line", KUBERNETES: "kubectl"}


async def register(database: Database, settings: IssuerSettings) -> None:
    """Write them; several replicas may do so at once. Raise DatabaseError."""
    async with database.transaction(actor=_ACTOR, reason="what every platform has") as connection:
        for client_id, name in _PUBLIC.items():
            await clients.put(
                connection, client_id, name=name, secret_hash=None, redirect_uris=_LOOPBACK, org_id=None,
                created_by=_ACTOR,
            )  # fmt: skip
        if settings.console_client_secret and settings.console_url:
            hashed = hashlib.sha256(settings.console_client_secret.encode()).hexdigest()
            await clients.put(
                connection, CONSOLE, name="the console", secret_hash=hashed, org_id=None, created_by=_ACTOR,
                redirect_uris=[f"{settings.console_url}/oauth2/callback", f"{settings.console_url}/"],
            )  # fmt: skip
