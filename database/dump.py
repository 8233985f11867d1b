"""`python -m database.dump`: write `database/schema.sql`, the schema that the migrations lead to, for reviews.

It is taken from the database of PLATFORM_DATABASE_URL (`. .local/env`), which `pulumi up` has migrated.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from database import migrations
from database.errors import DatabaseError, SchemaUnread
from database.pool import Database

FILE = Path(__file__).parent / "schema.sql"
_HEADING = (
    "-- What the migrations lead to. Written by `python -m database.dump`; a test compares it with a fresh database.\n"
)
_OWNER = "agent_ready_platform"  # the owner's name in the file, whatever it is in the database
_VARIABLES = {"dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}


def schema_of(url: str, environment: Mapping[str, str] = os.environ) -> str:
    """The schema `tenancy` of the database at `url`, normalised; raise SchemaUnread if pg_dump does not give it."""
    pg_dump = shutil.which("pg_dump", path=environment.get("PATH"))
    if pg_dump is None:
        raise SchemaUnread("pg_dump is not on PATH; load the local platform's settings with `. .local/env`")
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    libpq = {_VARIABLES.get(key, f"PG{key.upper()}"): value for key, value in parts.items()}  # no password in argv
    done = subprocess.run(
        [pg_dump, "--schema-only", "--schema=tenancy", "--no-owner"],
        env={**environment, **libpq}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SchemaUnread(f"pg_dump: {done.stderr.strip()}")
    return normalised(done.stdout, parts.get("user", _OWNER))


def normalised(dumped: str, owner: str) -> str:
    """What pg_dump printed without comments, session settings and what differs between machines."""
    noise = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE)
    text = re.sub(rf"\b{re.escape(owner)}\b", _OWNER, noise.sub("", dumped))
    return _HEADING + "\n" + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


async def _version(url: str) -> int:
    async with Database(url, size=1) as database:
        return await migrations.current_version(database)


def main() -> int:
    """Write the file; refuse a database that is not at this checkout's version."""
    url = os.environ.get("PLATFORM_DATABASE_URL")
    try:
        if not url:
            raise SchemaUnread("PLATFORM_DATABASE_URL is not set; load the settings with `. .local/env`")
        version, wanted = asyncio.run(_version(url)), migrations.latest()
        if version != wanted:
            raise SchemaUnread(f"the database is at version {version}, the migrations at {wanted}; run `make up` first")
        FILE.write_text(schema_of(url), encoding="utf-8")
    except DatabaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
