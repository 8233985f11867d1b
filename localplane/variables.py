"""``.local/env``: everything a shell, the service or Pulumi needs to know, to be sourced by ``sh``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from localplane import issuer
from localplane.external import Named
from localplane.files import keep_secret, write_private
from localplane.layout import Layout
from localplane.parts import Found
from localplane.pki import CLUSTER
from localplane.servers import Ground, Postgres, Redis
from localplane.servers.postgres import APPLICATION, PLATFORM, RELAY, STATE
from localplane.servers.postgres_roles import STATE_DATABASE_NAME

HEADING = "# Written by `python -m localplane up`; for sh: . .local/env. Secrets inside: leave it where it is.\n"


def write(ground: Ground, named: Named, app_database_url: str) -> None:
    """Write the file for this checkout; ``app_database_url`` is the service's way into a named database."""
    facts = {
        **_cluster(ground.layout, named),
        **_database(ground, named, app_database_url),
        **_channel(ground, named),
        **_relay(ground, named),
        **issuer.facts(ground, named),
        **_pulumi(ground.layout, ground.found),
        "API_URL": f"http://127.0.0.1:{ground.ports['api']}",
        "OPERATOR_TOKEN": keep_secret(ground.layout.secret("operator-token")),
    }
    folders = [ground.layout.local / "venv" / "bin", ground.layout.bin]
    write_private(ground.layout.env, render(facts, folders, ground.layout.settings))


def render(facts: Mapping[str, str], folders: Sequence[Path], settings: Path) -> str:
    """``export`` lines, quoted for ``sh``; ``folders`` come first on PATH, once even when sourced twice.

    What the file ``settings`` sets, if there is one, comes last and is exported too.
    """
    lines = [f"export {name}={shlex.quote(value)}" for name, value in facts.items()]
    first = shlex.quote(":".join(map(str, folders)))
    path = f'case ":$PATH:" in *:{first}:*) ;; *) export PATH={first}":$PATH" ;; esac'
    own = shlex.quote(str(settings))
    return HEADING + "\n".join([*lines, path, f"if [ -f {own} ]; then set -a; . {own}; set +a; fi"]) + "\n"


def _cluster(layout: Layout, named: Named) -> dict[str, str]:
    if named.kubeconfig:
        return {"KUBECONFIG": named.kubeconfig, "PULUMI_KUBECONFIG": named.kubeconfig,
                "SERVICE_KUBECONFIG": named.kubeconfig}  # fmt: skip
    return {
        "KUBECONFIG": str(layout.kubeconfig),
        "PULUMI_KUBECONFIG": str(layout.kubeconfig_of("pulumi")),
        "SERVICE_KUBECONFIG": str(layout.kubeconfig_of("service")),
    }


def _database(ground: Ground, named: Named, app_database_url: str) -> dict[str, str]:
    if named.database_url:
        return {"DATABASE_URL": app_database_url, "PLATFORM_DATABASE_URL": named.database_url}
    postgres = Postgres(ground)
    return {
        "DATABASE_URL": postgres.url(APPLICATION), "PLATFORM_DATABASE_URL": postgres.url(PLATFORM),
        "STATE_DATABASE_URL": postgres.url(STATE, STATE_DATABASE_NAME),
    }  # fmt: skip


def _channel(ground: Ground, named: Named) -> dict[str, str]:
    if named.redis_url:
        return dict.fromkeys(("REDIS_URL", "REDIS_OPERATOR_URL", "REDIS_LISTENER_URL"), named.redis_url)
    redis = Redis(ground)
    return {
        "REDIS_URL": _redis_url(redis, "publisher"),
        "REDIS_OPERATOR_URL": _redis_url(redis, "operator"),
        "REDIS_LISTENER_URL": _redis_url(redis, "listener"),
        "REDIS_CA_FILE": str(ground.pki.certificate(CLUSTER)),
    }


def _relay(ground: Ground, named: Named) -> dict[str, str]:
    """Where pods find the relay, and its own ways in."""
    if not named.relayed:
        return {}
    return {
        "RELAY_ADDRESS": f"127.0.0.1:{ground.ports['relay']}",
        "RELAY_DATABASE_URL": Postgres(ground).url(RELAY),
        "RELAY_REDIS_URL": _redis_url(Redis(ground), "relay"),
    }


def _redis_url(redis: Redis, user: str) -> str:
    return f"rediss://{user}:{quote(redis.password(user))}@127.0.0.1:{redis.port}/0"


def _pulumi(layout: Layout, found: Mapping[str, Found]) -> dict[str, str]:
    keep_secret(layout.passphrase)
    facts = {
        "PULUMI_HOME": str(layout.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{layout.pulumi_state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(layout.passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    if found["pulumi"].source == "build":  # an official one may fetch plugins of programs that are not ours
        facts["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "1"
    return facts
