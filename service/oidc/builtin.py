"""The clients that every platform has, written again and again: what the environment says of them may have changed."""

from collections.abc import Iterator

from database import clients, codes
from database.clients import Registered
from database.pool import Database
from service.identity.claims import API, CLI, KUBERNETES
from service.identity.opaque import digest
from service.issuer_settings import IssuerSettings
from service.oidc import browser

CONSOLE = "console"
#: Ids that nobody registers: of these clients, of audiences, and of the issuer's own sessions.
RESERVED = frozenset({API, CLI, KUBERNETES, CONSOLE, browser.CLIENT})
_ACTOR = "platform"
# Any port and exactly this path; kubelogin says localhost, and no path.
_HOSTS, _PATHS = ("127.0.0.1", "[::1]", "localhost"), ("", "/", "/callback")
_LOOPBACK = tuple(f"http://{host}{path}" for host in _HOSTS for path in _PATHS)
_PUBLIC = {CLI: "agent-ready, the command line", KUBERNETES: "kubectl"}


async def tend(database: Database, settings: IssuerSettings) -> None:
    """Write them, and forget codes that ended long ago. Any replica may, also several at once; raise DatabaseError."""
    async with database.transaction(actor=_ACTOR, reason="what every platform has") as connection:
        for registered in _all(settings):
            await clients.put(connection, registered, created_by=_ACTOR)
        await codes.purge(connection)


def _all(settings: IssuerSettings) -> Iterator[Registered]:
    for client_id, name in _PUBLIC.items():
        yield Registered(client_id, name, _LOOPBACK, None)
    if settings.console_client_secret and settings.console_url:
        addresses = [f"{settings.console_url}/oauth2/callback", f"{settings.console_url}/"]
        yield Registered(CONSOLE, "the console", addresses, None, digest(settings.console_client_secret))
