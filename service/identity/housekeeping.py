"""What a job does every minute: forget what has expired, replace keys that are due."""

from database import denylist, refresh_tokens, sessions, users
from database.pool import Database
from service.identity.keys import Keys


async def tend(database: Database, keys: Keys) -> None:
    """Do it; raise DatabaseError. Any replica may, also several at once."""
    await keys.tend()
    for purge in (denylist.purge, refresh_tokens.purge, users.purge, sessions.purge):
        async with database.transaction() as connection:
            await purge(connection)
