"""`python -m liveconfig.sample`: the sample as it runs in a pod, on SAMPLE_LISTEN (127.0.0.1:8090, or unix:/path)."""

import logging
import os
import sys
from typing import Any

import uvicorn

from liveconfig import Changed, LiveConfig, NotConfigured
from liveconfig.addresses import Address
from liveconfig.sample.app import create_app
from liveconfig.sample.identity import Introspection, Issuer

log = logging.getLogger("sample")


def undeliverable(address: str) -> bool:
    """A mail server that is always away, so that the retries show."""
    log.info("no mail server takes the message to %s", address)
    return False


def _say(change: Changed) -> None:
    log.info("%s is now %r, version %d", change.name, change.value, change.version)


def main() -> int:
    """Serve until a signal; 1 if a setting is missing."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        listen = _listening(os.environ.get("SAMPLE_LISTEN") or "127.0.0.1:8090")
        issuer = Issuer.from_env(os.environ)
        config = LiveConfig.from_env()
    except NotConfigured as error:
        log.error("%s", error)
        return 1
    for service in ("ai", "email", "features", "api"):
        config.on_change(service, _say)
    config.on_health(lambda health: log.info("settings are %s %s", health.status, health.reason))
    introspection = Introspection(issuer) if issuer else None
    uvicorn.run(create_app(config, undeliverable, introspection), log_config=None, **listen)
    return 0


def _listening(told: str) -> dict[str, Any]:
    """uvicorn's arguments for an address; raise NotConfigured if it is none."""
    if told.startswith("unix:"):
        return {"uds": told.removeprefix("unix:")}
    address = Address.of(told, "SAMPLE_LISTEN")
    return {"host": address.host, "port": address.port}


if __name__ == "__main__":
    sys.exit(main())
