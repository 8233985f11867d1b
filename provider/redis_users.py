"""Handler of the Redis user by which an organization's pods hear of changes, and are known to the relay."""

import logging

from database import credentials
from liveconfig.acl import PodUser, PodUsers, RedisAway, digest
from provider.handlers import Handler, Inputs, ProviderError
from provider.wire import Plain

log = logging.getLogger("provider")


class RedisUserInputs(Inputs):
    """Whose pods it is for, and their password."""

    org_id: str
    password: str
    in_force: bool = True

    def user(self) -> PodUser:
        """The same for Redis."""
        return PodUser(int(self.org_id), digest(self.password))


class RedisUserHandler(Handler[RedisUserInputs]):
    """Writes the password's SHA-256 down and makes the user from it.

    Redis that is away stops nothing: what is written down is made by the service's next sweep, or the next update.
    """

    kind = "RedisUser"
    inputs = RedisUserInputs
    replace_on = frozenset({"org_id"})
    secrets = frozenset({"password"})

    async def create(self, wanted: RedisUserInputs) -> tuple[str, Plain]:
        name = wanted.user().name
        return name, await self.update(name, wanted, {})

    async def read(self, resource_id: str, known: RedisUserInputs, outputs: Plain) -> Plain | None:
        user, in_force = known.user(), known.in_force
        async with self.database.statement() as connection:
            written = await credentials.of_organization(connection, user.org_id)
        if written is None:
            return None
        try:
            in_force = written == user.password_sha256 and await self._users.stands(user)
        except RedisAway as away:
            log.warning("%s is not looked for: %s", user.name, away)
        return {**known.model_dump(), **outputs, "in_force": in_force}

    async def update(self, resource_id: str, wanted: RedisUserInputs, outputs: Plain) -> Plain:
        user = wanted.user()
        async with self.database.statement() as connection:
            await credentials.put(connection, user.org_id, username=user.name, password_sha256=user.password_sha256)
        try:
            await self._users.put(user)
        except RedisAway as away:
            log.warning("%s is made later: %s", user.name, away)
            return {"in_force": False}
        return {}

    async def delete(self, resource_id: str, known: RedisUserInputs, outputs: Plain) -> None:
        async with self.database.statement() as connection:
            await credentials.forget(connection, int(known.org_id))
        await self._users.discard(int(known.org_id))

    @property
    def _users(self) -> PodUsers:
        if self.users is None:
            raise ProviderError("the tenancy provider has no redis_operator_url; set it, as docs/ci.md says")
        return self.users
