"""The program's settings, read once: stack configuration first, then what `.local/env` names on purpose."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

import pulumi

from tenants import holding
from tenants.shards import Shard, parse_shard


@dataclass(frozen=True)
class DatabaseAddress:
    """The parts of the platform's database URL. `sslmode` is one that every client knows."""

    host: str
    port: int
    dbname: str
    username: str
    password: str = field(repr=False)
    sslmode: str
    ca_file: str | None

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read `postgresql://user:password@host:port/database?sslmode=…`; raise pulumi.RunError if it is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("postgresql", "postgres") or not (parts.hostname and parts.username):
            raise pulumi.RunError(
                "databaseUrl is no URL with a user and a host; "
                "write postgresql://user:password@host:5432/database?sslmode=verify-full"
            )
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        sslmode = options.get("sslmode", "require")
        return cls(
            host=parts.hostname,
            port=parts.port or 5432,
            dbname=unquote(parts.path.lstrip("/")) or unquote(parts.username),
            username=unquote(parts.username),
            password=unquote(parts.password or ""),
            sslmode="require" if sslmode in ("allow", "prefer") else sslmode,  # in the clear, or not at all
            ca_file=options.get("sslrootcert"),
        )


@dataclass(frozen=True)
class Settings:
    """Where the platform's parts are, and what of the catalog this stack holds.

    `database_url` and the Redis URLs, as the publisher and as one who may use ACL, hold passwords. `relay` is where
    pods find their relay, if one runs. `managed_by` names the environment, whatever its stacks.
    `holding` is the file that says what to register; without it that is all the catalog has for this stack.
    """

    kubeconfig: str
    database_url: str
    redis_url: str
    redis_operator_url: str
    redis_ca_file: str | None
    relay: str | None
    on_destroy: str
    managed_by: str
    shard: Shard
    unprotect: bool
    holding: Path | None

    @classmethod
    def from_stack(cls) -> Self:
        """Read the stack's configuration; raise pulumi.RunError that names what is missing."""
        config = pulumi.Config()
        return cls(
            kubeconfig=_required(config.get("kubeconfig"), "kubeconfig", "PULUMI_KUBECONFIG"),
            database_url=_required(config.get("databaseUrl"), "databaseUrl", "PLATFORM_DATABASE_URL"),
            redis_url=_required(config.get("redisUrl"), "redisUrl", "REDIS_URL"),
            redis_operator_url=_required(config.get("redisOperatorUrl"), "redisOperatorUrl", "REDIS_OPERATOR_URL"),
            redis_ca_file=config.get("redisCaFile") or os.environ.get("REDIS_CA_FILE"),
            relay=config.get("relay") or os.environ.get("RELAY_ADDRESS"),
            on_destroy=config.get("onDestroy") or "keep",
            managed_by=f"catalog:{pulumi.get_project()}/{config.get('environment') or pulumi.get_stack()}",
            unprotect=config.get_bool("unprotect") or False,
            shard=parse_shard(config.get("shard") or "1/1"),
            holding=Path(given) if (given := os.environ.get(holding.VARIABLE)) else None,
        )


def _required(configured: str | None, key: str, variable: str) -> str:
    value = configured or os.environ.get(variable)
    if not value:
        raise pulumi.RunError(
            f"{key} is not set: `pulumi config set {key} …` (with --secret where it holds a password), "
            f"or load the local platform's settings with `. .local/env`, which sets {variable}"
        )
    return value
