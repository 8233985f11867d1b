"""State in PostgreSQL, as Pulumi's `postgres://` backend keeps it: in tables, one row a file.

The backend asks once for every stack that is in the same table, at each update; so a stack is in one of 256, told by
the first two digits of its name.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from database import states
from database.pool import Database
from engine.errors import NotConfigured
from engine.stack import PROJECT

_FAMILY = re.compile(r"[a-z_][a-z0-9_]{0,39}")


class TableStates:
    """`States` in tables `<family>_00` to `<family>_ff`: `table` in the URL is the family, or it is `pulumi_state`."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)._replace(scheme="postgres")  # what Pulumi calls it; libpq takes both
        self._options = dict(parse_qsl(self._parts.query))
        self._family = self._options.pop("table", "pulumi_state")
        if not _FAMILY.fullmatch(self._family):
            raise NotConfigured(f"table={self._family} in the state's URL; write small letters, digits and _")
        self._database = Database(urlunsplit(self._parts._replace(query=urlencode(self._options))), size=4)
        self._there: set[str] = set()

    @property
    def variables(self) -> Mapping[str, str]:
        """The password: Pulumi tells its backend's URL when something goes wrong."""
        return {"PGPASSWORD": unquote(self._parts.password)} if self._parts.password else {}

    def url(self, stack: str) -> str:
        user, _, host = self._parts.netloc.rpartition("@")
        address = "@".join(filter(None, [user.partition(":")[0], host]))
        query = urlencode({**self._options, "table": self._table(stack)})
        return urlunsplit(self._parts._replace(netloc=address, query=query))

    async def read(self, stack: str, name: str) -> str | None:
        return await states.read(self._database, await self._made(stack), self._key(name))

    async def write(self, stack: str, name: str, text: str) -> None:
        await states.write(self._database, await self._made(stack), self._key(name), text)

    async def names(self, stack: str, folder: str) -> list[str]:
        found = await states.below(self._database, await self._made(stack), self._key(f"{folder}/"))
        return [key.removeprefix(self._key("")) for key in found]

    async def remove(self, stack: str, name: str) -> None:
        await states.remove(self._database, await self._made(stack), [self._key(name)])

    async def forget(self, stack: str) -> None:
        found = await states.below(self._database, await self._made(stack), self._key(""))
        theirs = [key for key in found if f"/{stack}." in key or f"/{stack}/" in key]
        await states.remove(self._database, self._table(stack), theirs)

    async def ages(self) -> Mapping[str, float]:
        checkpoints, found = self._key(f"stacks/{PROJECT}/"), dict[str, float]()
        for table in await states.tables(self._database, self._family):
            kept = await states.below(self._database, table, checkpoints)
            found |= {key[len(checkpoints) : -5]: age for key, age in kept.items() if key.endswith(".json")}
        return found

    async def close(self) -> None:
        await self._database.close()

    def _key(self, name: str) -> str:
        """Pulumi takes the URL's path for a folder, although it is the database's name."""
        database = self._parts.path.strip("/")
        return f"{database}/.pulumi/{name}" if database else f".pulumi/{name}"

    def _table(self, stack: str) -> str:
        return f"{self._family}_{stack.partition('-')[2][:2]}"

    async def _made(self, stack: str) -> str:
        """The stack's table, made if this process has not seen it yet."""
        table = self._table(stack)
        if table not in self._there:
            await states.make(self._database, table)
            self._there.add(table)
        return table
