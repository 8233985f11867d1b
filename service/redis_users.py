"""Redis's users of organizations' pods: PostgreSQL says which there are, and Redis may forget them at any time."""

import redis

from database import credentials
from liveconfig.acl import PodUser, RedisAway
from service.services import Services, log


async def rebuild(services: Services) -> list[str]:
    """Make the users that are missing or wrong, remove those of nobody; return their names.

    Redis is looked at first: whoever makes a user writes its credential down before, and none is taken for nobody's.
    """
    try:
        found = await services.users.found()
        async with services.database.statement() as connection:
            written = await credentials.read_all(connection)
        wanted = [PodUser(org_id, password_sha256) for org_id, password_sha256 in written.items()]
        changed = await services.users.rebuild(found, {user.name: user for user in wanted})
    except (RedisAway, redis.RedisError) as error:
        log.warning("Redis users are compared later: %s", error)
        return []
    if changed:
        log.warning("Redis users were not as they should be, and are now: %s", ", ".join(changed))
    return changed
