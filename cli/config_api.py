"""The API's calls about settings, change sets and flags: of one organization, or the platform's defaults."""

from typing import Any

import httpx2

from cli.config_answers import ChangeSet, ChangeSets, Difference, History, Imported, Past, Setting, Settings, StaleFlags
from cli.connection import Connection, Query
from cli.errors import Misused
from cli.reading import read, segment

PLATFORM = "platform"  # no organization may be called so
Body = dict[str, Any]


class ConfigApi:
    """What can be asked about the settings below `base`."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection, self._base = connection, base

    def all(self) -> Settings:
        """Every setting in force."""
        return read(Settings, self._get("configs"))

    def as_it_was(self, at: str | None, revision: int | None) -> Past:
        """Its own values at a time or a revision."""
        return read(Past, self._get("configs", {"at": at, "revision": revision}))

    def one(self, name: str) -> Setting:
        """A setting in force."""
        return read(Setting, self._get(_of(name)))

    def put(self, name: str, body: Body, version: str) -> Setting:
        """Set it, if it is at that version."""
        return read(Setting, self._connection.call("PUT", self._path(_of(name)), body=body, version=version))

    def unset(self, name: str, reason: str, version: str) -> Setting:
        """Unset it, if it is at that version."""
        path = self._path(_of(name))
        return read(Setting, self._connection.call("DELETE", path, query={"reason": reason}, version=version))

    def history(self, name: str, limit: int) -> History:
        """Its newest changes."""
        return read(History, self._get(f"{_of(name)}/history", {"limit": limit}))

    def rollback(self, name: str, body: Body) -> Setting:
        """An earlier version's value again."""
        return read(Setting, self._post(f"{_of(name)}/rollback", body))

    def kill(self, name: str, body: Body) -> Setting:
        """A flag off, at once."""
        return read(Setting, self._post(f"{_of(name)}/kill", body))

    def diff(self, since: int, to: int | None) -> Difference:
        """What changed between two revisions."""
        return read(Difference, self._get("configs/diff", {"from": since, "to": to}))

    def export(self, format: str) -> str:
        """Its own values as a document."""
        return self._get("configs/export", {"format": format}).text

    def import_(self, document: str, reason: str, *, replace: bool) -> Imported:
        """Have the document's values."""
        query = {"reason": reason, "replace": "true" if replace else None}
        return self._imported("configs/import", query, document)

    def import_flags(self, document: str, reason: str, service: str) -> Imported:
        """Take over the flags of a flagd file."""
        return self._imported("flags/import", {"reason": reason, "service": service}, document)

    def stale_flags(self) -> StaleFlags:
        """Flags that could go."""
        return read(StaleFlags, self._get("flags/stale"))

    def begin(self, body: Body) -> ChangeSet:
        """A new change set: applied, or waiting."""
        return read(ChangeSet, self._post("change-sets", body))

    def change_sets(self, state: str | None) -> ChangeSets:
        """The newest change sets."""
        return read(ChangeSets, self._get("change-sets", {"state": state}))

    def decide(self, change_set: str, verb: str, body: Body) -> ChangeSet:
        """Approve, reject or cancel it."""
        return read(ChangeSet, self._post(f"change-sets/{segment(change_set)}/{verb}", body))

    def _get(self, path: str, query: Query | None = None) -> httpx2.Response:
        return self._connection.call("GET", self._path(path), query=query)

    def _post(self, path: str, body: Body) -> httpx2.Response:
        return self._connection.call("POST", self._path(path), body=body)

    def _imported(self, path: str, query: Query, document: str) -> Imported:
        return read(Imported, self._connection.call("POST", self._path(path), query=query, content=document))

    def _path(self, path: str) -> str:
        return f"{self._base}/{path}"


def _of(name: str) -> str:
    service, slash, key = name.partition("/")
    if not slash:
        raise Misused(f"{name!r} is no setting; it is SERVICE/KEY, such as ai/threshold.")
    return f"configs/{segment(service)}/{segment(key)}"
