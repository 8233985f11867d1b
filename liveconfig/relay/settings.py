"""The relay's settings, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from liveconfig.addresses import Address
from liveconfig.errors import NotConfigured
from liveconfig.pace import Pace

HELP = """\
settings, all in the environment:
  RELAY_DATABASE_URL        PostgreSQL as a member of agent_ready_relay (needed)
  REDIS_URL                 rediss:// as a user that may subscribe to config:* (needed)
  REDIS_CA_FILE             the CA that signed Redis
  RELAY_TLS_CERT            certificate chain, PEM (needed); read again when the file changes
  RELAY_TLS_KEY             its key, PEM (needed)
  RELAY_LISTEN              where pods connect, 127.0.0.1:7443
  RELAY_METRICS             where Prometheus and probes ask, 127.0.0.1:7444; empty: nowhere
  RELAY_CONNECTIONS         at most so many at a time, 5000
  RELAY_CREDENTIAL_SECONDS  within which a changed or ended credential closes connections, 15
  RELAY_DRAIN_SECONDS       how long pods may take to leave on SIGTERM, 5
  RELAY_RECONCILE_SECONDS   between two full comparisons, at random, 300-600
"""


@dataclass(frozen=True)
class Settings:
    """All of them; seconds where not said."""

    database_url: str
    redis_url: str
    redis_ca_file: str | None
    certificate: Path
    key: Path
    listen: Address
    metrics: Address | None
    connections: int
    credential_seconds: float
    drain_seconds: float
    pace: Pace

    @staticmethod
    def of(environment: Mapping[str, str]) -> "Settings":
        """Read them; raise NotConfigured, which names the variable."""

        def needed(name: str) -> str:
            if not environment.get(name):
                raise NotConfigured(f"{name} is not set; python -m liveconfig.relay --help lists the settings")
            return environment[name]

        def number(name: str, otherwise: float) -> float:
            given = environment.get(name) or str(otherwise)
            try:
                value = float(given)
            except ValueError:
                value = 0.0
            if not 0 < value < float("inf"):
                raise NotConfigured(f"{name}={given!r} is no number above 0")
            return value

        metrics = environment.get("RELAY_METRICS", "127.0.0.1:7444")
        return Settings(
            database_url=needed("RELAY_DATABASE_URL"),
            redis_url=needed("REDIS_URL"),
            redis_ca_file=environment.get("REDIS_CA_FILE") or None,
            certificate=Path(needed("RELAY_TLS_CERT")),
            key=Path(needed("RELAY_TLS_KEY")),
            listen=Address.of(environment.get("RELAY_LISTEN") or "127.0.0.1:7443", "RELAY_LISTEN"),
            metrics=Address.of(metrics, "RELAY_METRICS") if metrics else None,
            connections=int(number("RELAY_CONNECTIONS", 5000)),
            credential_seconds=number("RELAY_CREDENTIAL_SECONDS", 15),
            drain_seconds=number("RELAY_DRAIN_SECONDS", 5),
            pace=Pace.reconciling(environment.get("RELAY_RECONCILE_SECONDS", "")),
        )
