"""The program's settings, read once: stack configuration first, then what `.local/env` names on purpose."""

import os
from dataclasses import dataclass
from typing import Self

import pulumi


@dataclass(frozen=True)
class Settings:
    """Where the platform's parts are. `database_url` and `redis_url` hold passwords."""

    kubeconfig: str
    database_url: str
    redis_url: str
    redis_ca_file: str | None
    on_destroy: str
    managed_by: str

    @classmethod
    def from_stack(cls) -> Self:
        """Read the stack's configuration; raise pulumi.RunError that names what is missing."""
        config = pulumi.Config()
        return cls(
            kubeconfig=_required(config.get("kubeconfig"), "kubeconfig", "PULUMI_KUBECONFIG"),
            database_url=_required(config.get("databaseUrl"), "databaseUrl", "PLATFORM_DATABASE_URL"),
            redis_url=_required(config.get("redisUrl"), "redisUrl", "REDIS_URL"),
            redis_ca_file=config.get("redisCaFile") or os.environ.get("REDIS_CA_FILE"),
            on_destroy=config.get("onDestroy") or "keep",
            managed_by=f"catalog:{pulumi.get_project()}/{pulumi.get_stack()}",
        )


def _required(configured: str | None, key: str, variable: str) -> str:
    value = configured or os.environ.get(variable)
    if not value:
        raise pulumi.RunError(
            f"{key} is not set: `pulumi config set {key} …` (with --secret where it holds a password), "
            f"or load the local platform's settings with `. .local/env`, which sets {variable}"
        )
    return value
