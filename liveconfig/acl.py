"""Redis users of organizations' pods: each may subscribe to its own channels and the platform's defaults, nothing else.

PostgreSQL keeps what the users are made from, a name and the password's SHA-256. Redis may forget them at any time.
"""

import hashlib
import hmac
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from liveconfig.errors import LiveConfigError

log = logging.getLogger("liveconfig")
_COMMANDS = (
    "+auth", "+hello", "+ping", "+quit", "+client|setname",
    "+subscribe", "+psubscribe", "+unsubscribe", "+punsubscribe",
)  # fmt: skip
_OURS = re.compile(r"org_([1-9][0-9]{0,18})")
_AS_READ = {"sanitize-payload", "resetchannels"}  # what ACL LIST adds to every user that has nothing to do with it
_NO_FILE = "not configured to use an ACL file"
_LABEL = b"agent-ready live configuration"
Found = dict[str, frozenset[str]]


class RedisAway(LiveConfigError):
    """Redis cannot be reached now; nothing is wrong with what was asked."""


@dataclass(frozen=True)
class PodUser:
    """The Redis user of one organization; `password_sha256` is hexadecimal."""

    org_id: int
    password_sha256: str

    @property
    def name(self) -> str:
        """Its name, at the relay too."""
        return user_name(self.org_id)

    @property
    def rules(self) -> tuple[str, ...]:
        """All that it is and may do, in Redis's words."""
        channels = f"&config:{self.org_id}:*", "&config:0:*"
        return "on", f"#{self.password_sha256}", *channels, "-@all", *_COMMANDS


def user_name(org_id: int | str) -> str:
    """The name of an organization's user."""
    return f"org_{org_id}"


def password_from(login_password: str) -> str:
    """An organization's password for live configuration: 64 hexadecimal digits, made from its login's password.

    HMAC-SHA256 under a label of its own: who holds one cannot tell the other, and both change together.
    """
    return hmac.new(login_password.encode(), _LABEL, hashlib.sha256).hexdigest()


def digest(password: str) -> str:
    """What PostgreSQL and Redis keep of a password that has 256 random bits."""
    return hashlib.sha256(password.encode()).hexdigest()


class PodUsers:
    """Makes and removes the users, as one who may use ACL. `url` is a `rediss://` URL, `ca_file` its CA.

    Raises RedisAway where Redis cannot be reached, and redis.RedisError where it refuses.
    """

    def __init__(self, url: str, *, ca_file: str | None = None, timeout: float = 2.0) -> None:
        tls: dict[str, Any] = {"ssl_ca_certs": ca_file} if ca_file else {}
        self._redis: Any = Redis.from_url(
            url, decode_responses=True, driver_info=None, socket_timeout=timeout, socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 1), **tls,  # once: for a connection that has ended meanwhile
        )  # fmt: skip

    async def put(self, user: PodUser) -> None:
        """Have the user exactly so; what is so already stays, its connections too."""
        await self._change([_setting(user)])

    async def remove(self, org_id: int) -> None:
        """Remove the organization's user and end its connections; gone already is fine."""
        await self._change([("ACL", "DELUSER", user_name(org_id))])

    async def discard(self, org_id: int) -> None:
        """The same; one that a Redis which is away still has is left to the next `rebuild`."""
        try:
            await self.remove(org_id)
        except RedisAway as away:
            log.warning("%s is removed later: %s", user_name(org_id), away)

    async def stands(self, user: PodUser) -> bool:
        """Whether the user is there, and exactly so."""
        own = f"user {user.name} "
        return _is(dict(_read([line for line in await self._listed() if line.startswith(own)])), user)

    async def found(self) -> Found:
        """Every user of an organization, by name, with all that it is and may do."""
        return dict(_read(await self._listed()))

    async def rebuild(self, found: Found, wanted: Mapping[str, PodUser]) -> list[str]:
        """Make of what was `found` what is `wanted`, by name; return the names of users made, changed or removed.

        Look for `found` first and read `wanted` afterwards: whoever makes a user writes it down before.
        """
        gone = sorted(found.keys() - wanted.keys())
        wrong = [user for user in wanted.values() if not _is(found, user)]
        commands = [_setting(user) for user in wrong]
        if gone:
            commands.append(("ACL", "DELUSER", *gone))
        if commands:
            await self._change(commands)
        return [*gone, *(user.name for user in wrong)]

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _listed(self) -> list[str]:
        with _reached():
            lines: list[str] = await self._redis.execute_command("ACL", "LIST")
        return lines

    async def _change(self, commands: list[tuple[str, ...]]) -> None:
        """Run the commands and keep their result in the ACL file, if Redis has one, in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for command in [*commands, ("ACL", "SAVE")]:
            pipeline.execute_command(*command)
        with _reached():
            *changed, saved = await pipeline.execute(raise_on_error=False)
        for answer in changed if _NO_FILE in str(saved) else [*changed, saved]:
            if isinstance(answer, Exception):
                raise answer


def _setting(user: PodUser) -> tuple[str, ...]:
    return ("ACL", "SETUSER", user.name, "reset", "resetkeys", "resetchannels", *user.rules)


def _is(found: Found, user: PodUser) -> bool:
    return found.get(user.name) == frozenset(user.rules)


def _read(lines: list[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Users of organizations among lines such as `user org_7 on #… &config:7:* -@all +auth`."""
    for line in lines:
        _, name, *rules = line.split()
        if _OURS.fullmatch(name):
            yield name, frozenset(rules) - _AS_READ


@contextmanager
def _reached() -> Iterator[None]:
    """Tell Redis that is away from Redis that refuses."""
    try:
        yield
    except (redis.AuthenticationError, redis.exceptions.AuthorizationError):
        raise
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise RedisAway(f"Redis is away: {error}") from error
