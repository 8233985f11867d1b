"""How a pod reaches its configuration, read once from the environment. The Secret `live-configuration` holds most."""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liveconfig.addresses import Address
from liveconfig.errors import NotConfigured
from liveconfig.pace import Pace

log = logging.getLogger("liveconfig")

#: Every variable and what it is for; docs/liveconfig.md lists the same.
VARIABLES = {
    "LIVECONFIG_ORG": "the organization's number",
    "LIVECONFIG_RELAY": "host:port of the relay; without it the pod follows Redis and PostgreSQL by itself",
    "LIVECONFIG_USER": "the organization's user, for the relay or Redis",
    "LIVECONFIG_PASSWORD": "its password",
    "LIVECONFIG_PASSWORD_FILE": "a file that holds it, read at each connection: a rotation needs no restart",
    "LIVECONFIG_CA_FILE": "the CA that signed the relay and Redis; without it the system's",
    "LIVECONFIG_REDIS_URL": "rediss:// URL, without a relay",
    "LIVECONFIG_DATABASE_URL": "PostgreSQL as the organization's login, without a relay",
    "LIVECONFIG_BOOTSTRAP": "JSON file of values to start with, by service/key",
    "LIVECONFIG_CACHE": "file in which the last good state is kept over restarts",
    "LIVECONFIG_RECONCILE_SECONDS": "between two full comparisons without a relay, at random, 300-600",
}


@dataclass(frozen=True)
class Settings:
    """All of them. Nothing but the organization is needed to start from a bootstrap file, offline."""

    organization: int
    relay: Address | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    password_file: Path | None = None
    ca_file: Path | None = None
    redis_url: str = field(default="", repr=False)
    database_url: str = field(default="", repr=False)
    bootstrap: Path | None = None
    cache: Path | None = None
    pace: Pace = field(default_factory=Pace)

    @staticmethod
    def of(environment: Mapping[str, str]) -> "Settings":
        """Read them; raise NotConfigured, which names the variable."""
        given = {name: environment.get(name, "") for name in VARIABLES}
        organization = given["LIVECONFIG_ORG"]
        if not (organization.isdecimal() and 0 < int(organization) < 2**63):
            raise NotConfigured(f"LIVECONFIG_ORG={organization!r} is no organization's number")
        relay = given["LIVECONFIG_RELAY"]
        return Settings(
            organization=int(organization),
            relay=Address.of(relay, "LIVECONFIG_RELAY") if relay else None,
            user=given["LIVECONFIG_USER"],
            password=given["LIVECONFIG_PASSWORD"],
            password_file=_path(given["LIVECONFIG_PASSWORD_FILE"]),
            ca_file=_path(given["LIVECONFIG_CA_FILE"]),
            redis_url=given["LIVECONFIG_REDIS_URL"],
            database_url=given["LIVECONFIG_DATABASE_URL"],
            bootstrap=_path(given["LIVECONFIG_BOOTSTRAP"]),
            cache=_path(given["LIVECONFIG_CACHE"]),
            pace=Pace.reconciling(given["LIVECONFIG_RECONCILE_SECONDS"]),
        )

    def credentials(self) -> tuple[str, str]:
        """User and password as they are now. A file that cannot be read leaves the password of the environment."""
        if self.password_file is not None:
            try:
                return self.user, self.password_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                log.warning("LIVECONFIG_PASSWORD_FILE cannot be read: %s", error)
        return self.user, self.password

    def trust(self) -> ssl.SSLContext:
        """How the relay is verified; raise NotConfigured if the CA cannot be read."""
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise NotConfigured(f"LIVECONFIG_CA_FILE={str(self.ca_file)!r} cannot be read: {error}") from error


def _path(given: str) -> Path | None:
    return Path(given) if given else None
