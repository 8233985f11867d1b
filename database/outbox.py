"""How long changed settings wait to be announced."""

from database.pool import Database, fetch_one
from database.sql import query


async def oldest(database: Database) -> float:
    """The age in seconds of the oldest hint that nobody has published; 0: none waits."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("outbox.oldest"))
    return float(found["seconds"]) if found else 0.0
