"""The API's calls about rows of one kind: projects, a project's notes, or documents of an organization."""

from typing import Any

import httpx2

from cli.answers import Answer
from cli.connection import Connection, Query
from cli.reading import read, segment

Body = dict[str, Any]


class Row(Answer):
    """A project, a note or a document; which have a name, and which a title, is their own."""

    id: str
    version: int
    name: str = ""
    title: str = ""
    created_by: str = ""
    updated_at: str = ""
    deleted_at: str | None = None
    content: str | None = None

    @property
    def called(self) -> str:
        """Its name or its title."""
        return self.name or self.title


class Page(Answer):
    """Some rows, newest first, and where the next ones begin."""

    items: list[Row]
    next: str | None = None


class RowsApi:
    """What can be asked about the rows below `path`, which is made of segments."""

    def __init__(self, connection: Connection, *path: str) -> None:
        self._connection, self._path = connection, "/".join(["/v1/organizations", *map(segment, path)])

    def create(self, body: Body) -> Row:
        """A new row."""
        return read(Row, self._connection.call("POST", self._path, body=body))

    def page(self, query: Query) -> Page:
        """One page: `q` words, `cursor` the `next` of the page before, `limit` rows, `deleted` those instead."""
        return read(Page, self._connection.call("GET", self._path, query=query))

    def read(self, row_id: str) -> tuple[Row, str]:
        """One row, and the tag of this version of it."""
        response = self._connection.call("GET", self._of(row_id))
        row = read(Row, response)
        return row, response.headers.get("etag") or f'"{row.version}"'

    def change(self, row_id: str, body: Body, version: str) -> Row:
        """The row, changed; raise Outdated unless it is at that version."""
        return read(Row, self._connection.call("PATCH", self._of(row_id), body=body, version=version))

    def delete(self, row_id: str, version: str | None) -> httpx2.Response:
        """The row, hidden from now on; raise Outdated unless it is at that version, if one is given."""
        return self._connection.call("DELETE", self._of(row_id), version=version)

    def restore(self, row_id: str) -> Row:
        """The row, living again."""
        return read(Row, self._connection.call("POST", f"{self._of(row_id)}/restore"))

    def _of(self, row_id: str) -> str:
        return f"{self._path}/{segment(row_id)}"
