"""Live settings as the platform provisions them, and the outbox of the hints that announce them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from database.pool import Connection, Database, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class ConfigVersion:
    """That one setting of one organization reached a version. This, and never a value, may leave the database."""

    org_id: int
    service: str
    key: str
    version: int


@dataclass(frozen=True)
class StoredConfig:
    """A setting as stored; `value` is JSON text, or None when it was unset."""

    service: str
    key: str
    value: str | None
    version: int
    source: str


@dataclass(frozen=True)
class WaitingHint:
    """An outbox row that nobody has published yet."""

    id: int
    config: ConfigVersion


async def put_defaults(
    connection: Connection, org_id: int, wanted: Mapping[tuple[str, str], str]
) -> list[ConfigVersion]:
    """Store the catalog's values, (service, key) to JSON text, and unset its others; return what changed.

    A setting that the API has written belongs to the API and is left alone.
    """
    values: dict[str, Any] = {
        "org_id": org_id, "services": [service for service, _ in wanted], "keys": [key for _, key in wanted],
    }  # fmt: skip
    await connection.execute(query("configs.lock_head"), {"org_id": org_id})
    changed = await fetch_all(connection, query("configs.put_defaults"), **values, values=list(wanted.values()))
    changed += await fetch_all(connection, query("configs.unset_defaults"), **values)
    return [ConfigVersion(org_id, row["service"], row["key"], row["version"]) for row in changed]


async def read_all(connection: Connection, org_id: int) -> list[StoredConfig]:
    """Every setting of the organization, sorted by service and key."""
    return [StoredConfig(**row) for row in await fetch_all(connection, query("configs.all"), org_id=org_id)]


async def waiting_hints(connection: Connection, most: int = 500) -> list[WaitingHint]:
    """Lock and return unpublished hints, oldest first; rows that another publisher holds are skipped."""
    return [
        WaitingHint(row.pop("id"), ConfigVersion(**row))
        for row in await fetch_all(connection, query("configs.unpublished"), most=most)
    ]


async def mark_published(connection: Connection, ids: list[int]) -> None:
    """Record that these hints went out."""
    await connection.execute(query("configs.mark_published"), {"ids": ids})


async def mark_sent(database: Database, sent: Sequence[ConfigVersion]) -> None:
    """The same for hints that whoever committed has sent."""
    values = {
        "org_ids": [one.org_id for one in sent], "services": [one.service for one in sent],
        "keys": [one.key for one in sent], "versions": [one.version for one in sent],
    }  # fmt: skip
    async with database.statement() as connection:
        await connection.execute(query("configs.mark_sent"), values)


async def forget_published(database: Database) -> None:
    """Forget hints that went out more than a day ago."""
    async with database.statement() as connection:
        await connection.execute(query("configs.forget_published"))


async def epoch(database: Database) -> int:
    """Which history of versions this is; another one, above every earlier one, if the database was restored since."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("configs.epoch"))
    return int(found["epoch"]) if found else 0
