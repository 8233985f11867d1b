"""Buckets of tokens that all replicas share: how often an address may sign up, by the database's clock."""

from collections.abc import Mapping

from database.pool import Database, fetch_one
from database.sql import query


async def take(database: Database, address: bytes, *, each: float, burst: int) -> float:
    """Take a token of the address's bucket, which holds `burst` and gains one `each` so many seconds.

    Return 0 if there was one, else how many seconds it is to the next.
    """
    async with database.statement() as connection:
        taken = await fetch_one(connection, query("rates.take"), address=address, each=each, burst=burst)
    return float(taken["wait"]) if taken else 0.0


async def give_back(database: Database, taken: Mapping[bytes, float]) -> None:
    """Put back the tokens that were taken of these buckets, each of which gains one in so many seconds."""
    async with database.statement() as connection:
        given = {"addresses": list(taken), "eachs": list(taken.values())}
        await connection.execute(query("rates.give_back"), given)


async def forget_full(database: Database) -> None:
    """Forget every bucket that is full again."""
    async with database.statement() as connection:
        await connection.execute(query("rates.forget_full"))
