"""`python -m service`: one replica of the API, with the settings of `.local/env`."""

import asyncio
import logging
import os
import sys

from database.errors import DatabaseError
from engine.errors import EngineError
from service.engines import make_engines
from service.errors import ServiceError
from service.logs import Redaction, configure
from service.run import serve

_SECRETS = (
    "OPERATOR_TOKEN", "PLATFORM_DATABASE_URL", "DATABASE_URL", "REDIS_URL", "REDIS_OPERATOR_URL",
    "REDIS_LISTENER_URL", "SMTP_URL",
    "PULUMI_CONFIG_PASSPHRASE", "SELF_SERVICE_BACKEND_URL", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "CONSOLE_CLIENT_SECRET", "TOKEN_WEBHOOK_SECRET",
)  # fmt: skip


def main() -> int:
    """Serve until a signal; 1 if it cannot start: a setting is missing, the database is away or newer."""
    operators = [pair.partition("=")[2] for pair in os.environ.get("OPERATOR_TOKENS", "").split()]
    seal_keys = os.environ.get("IDENTITY_SEAL_KEYS", "").split()
    configure(Redaction([*(os.environ.get(name, "") for name in _SECRETS), *operators, *seal_keys]))
    try:
        asyncio.run(serve(os.environ, make_engines))
    except (ServiceError, EngineError, DatabaseError) as error:
        logging.getLogger("service").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
