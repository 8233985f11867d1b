"""Redis's users in memory; `away` stands for a Redis that cannot be reached."""

from collections.abc import Mapping

from liveconfig.acl import Found, PodUser, PodUsers, RedisAway


class FakePodUsers(PodUsers):
    """Keeps each user's rules by name."""

    def __init__(self) -> None:
        self.users: Found = {}
        self.away = False

    async def put(self, user: PodUser) -> None:
        self._reach()
        self.users[user.name] = frozenset(user.rules)

    async def remove(self, org_id: int) -> None:
        self._reach()
        self.users.pop(PodUser(org_id, "").name, None)

    async def stands(self, user: PodUser) -> bool:
        self._reach()
        return self.users.get(user.name) == frozenset(user.rules)

    async def found(self) -> Found:
        self._reach()
        return dict(self.users)

    async def rebuild(self, found: Found, wanted: Mapping[str, PodUser]) -> list[str]:
        before, self.users = self.users, {name: frozenset(user.rules) for name, user in wanted.items()}
        return sorted(name for name in {*before, *self.users} if before.get(name) != self.users.get(name))

    async def close(self) -> None:
        """Nothing is open."""

    def _reach(self) -> None:
        if self.away:
            raise RedisAway("Redis is away: it does not answer")
