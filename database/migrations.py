"""Bringing a database to this checkout's schema: `migrations/NNNN_name.sql`, in order, each in a transaction.

A migration that has run is frozen: its checksum is recorded and a changed file is refused. One advisory lock makes
concurrent runs wait for each other. The connection's role becomes the owner of everything that is made.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from database.errors import MigrationError
from database.pool import Connection, Database, fetch_all, fetch_one
from database.sql import query

_FOLDER = Path(__file__).parent / "migrations"
_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


@dataclass(frozen=True)
class Migration:
    """One step of the schema's history."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file's text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Path = _FOLDER) -> tuple[Migration, ...]:
    """The migrations of this checkout in order; raise MigrationError on a gap, a double or a misnamed file."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.match(path.name)
        if not match:
            raise MigrationError(f"{path.name} is not named like 0001_what_it_does.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    versions = [migration.version for migration in found]
    if versions != list(range(1, len(found) + 1)):
        raise MigrationError(f"migrations must count 1, 2, 3 … without gap or double; found {versions}")
    return tuple(found)


def latest() -> int:
    """The schema version that this checkout's migrations lead to."""
    return migrations()[-1].version


async def migrate(database: Database) -> int:
    """Run what has not run yet; return the schema's version. Raise MigrationError and change nothing if it cannot."""
    wanted = migrations()
    async with database.transaction() as connection:
        await connection.execute(query("migrations.lock"))
        await connection.execute(query("migrations.prepare"))
        applied = {row["version"]: row for row in await fetch_all(connection, query("migrations.applied"))}
        _check(applied.keys() - {m.version for m in wanted}, wanted)
        for migration in wanted:
            if migration.version in applied:
                _check_unchanged(migration, applied[migration.version]["checksum"])
            else:
                await _run(connection, migration)
    return wanted[-1].version


async def current_version(database: Database) -> int:
    """The schema's version in the database; 0 if there is none."""
    async with database.transaction() as connection:
        if await fetch_one(connection, query("migrations.exists")) is None:
            return 0
        row = await fetch_one(connection, query("migrations.version"))
    return row["version"] if row else 0


async def drop(database: Database) -> None:
    """Remove the schema and everything in it; refused while an organization is alive."""
    if await current_version(database) == 0:
        return
    async with database.transaction() as connection:
        await connection.execute(query("migrations.lock"))
        row = await fetch_one(connection, query("migrations.living"))
        if row and row["living"]:
            raise MigrationError(
                f"the schema still holds {row['living']} organizations ({row['some']}); delete those first"
            )
        await connection.execute(query("migrations.drop"))


def _check(unknown: set[int], wanted: tuple[Migration, ...]) -> None:
    if unknown:
        raise MigrationError(
            f"the database has migrations {sorted(unknown)} that this checkout (up to {wanted[-1].version}) does not "
            "know; use the checkout that made them, or a newer one"
        )


def _check_unchanged(migration: Migration, checksum: str) -> None:
    if migration.checksum != checksum:
        raise MigrationError(
            f"migration {migration.version:04}_{migration.name} was changed after it ran here; restore the file and "
            "put the change into a new migration"
        )


async def _run(connection: Connection, migration: Migration) -> None:
    await connection.execute(migration.text)
    await connection.execute(
        query("migrations.record"),
        {"version": migration.version, "name": migration.name, "checksum": migration.checksum},
    )
