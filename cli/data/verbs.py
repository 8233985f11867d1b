"""What can be done with a project, a note or a document: the same for each."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from cli.acting import By
from cli.data.api import Body, Page, RowsApi
from cli.errors import BadAnswer, Misused
from cli.session import Session

InOrganization = Annotated[
    str | None,
    typer.Option("--organization", metavar="SLUG", help="The one that you act for, unless given.", show_default=False),
]
Id = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `list` shows it.")]
Words = Annotated[str, typer.Argument(metavar="WORDS", help="All of them have to occur.")]
After = Annotated[
    str | None, typer.Option("--after", help="Cursor that the page before ended with.", show_default=False)
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many a page.")]
All = Annotated[bool, typer.Option("--all", help="All pages.")]
Deleted = Annotated[bool, typer.Option("--deleted", help="Those that were deleted, instead.")]
IfVersion = Annotated[
    int | None,
    typer.Option("--if-version", help="Refuse unless it is at this version; else the one of now.", show_default=False),
]


@dataclass(frozen=True)
class Place:
    """Where rows are: the group of commands, what comes after a verb of it, and the path below an organization."""

    group: str
    within: tuple[str, ...]
    path: tuple[str, ...]
    as_json: bool = False

    def verb(self, name: str) -> list[str]:
        """The beginning of a command with that verb, without the program's name."""
        return [self.group, name, *self.within]


@dataclass(frozen=True)
class Look:
    """Which rows are looked for."""

    after: str | None = None
    limit: int = 50
    everything: bool = False
    deleted: bool = False
    words: str | None = None


@contextmanager
def rows(organization: str | None, place: Place, *, wait: bool = False) -> Iterator[tuple[Session, RowsApi]]:
    """The rows of an organization, by default of that which the session is for; raise Misused if it is for none."""
    with Session.open(wait=wait, by=By.PERSON) as session:
        slug = organization or session.keeper.organization()
        yield session, RowsApi(session.connection, slug, *place.path)


def show_page(organization: str | None, place: Place, look: Look) -> None:
    """A page or all pages, as a table that says how to get the next."""
    with rows(organization, place) as (session, api):
        page = _all(api, look) if look.everything else _page(api, look)
        lines = [
            [row.id, row.called, row.version, row.deleted_at or row.updated_at, row.created_by] for row in page.items
        ]
        when = "DELETED" if look.deleted else "CHANGED"
        session.show(page, place.as_json, ["ID", "NAME", "VERSION", when, "BY"], lines)
        if page.next and not place.as_json:
            again = [*_again(place, look), "--after", page.next, *_named(organization)]
            session.screen.note(f"There are more: python -m cli {shlex.join(again)}")


def create(organization: str | None, place: Place, body: Body) -> None:
    """A new row, shown."""
    with rows(organization, place) as (session, api):
        row = api.create(body)
        session.tell(row, place.as_json, {"id": row.id, "name": row.called, "version": row.version})


def show(organization: str | None, place: Place, row_id: str, *, content_only: bool = False) -> None:
    """All of a row, or its content byte for byte."""
    with rows(organization, place) as (session, api):
        row, _ = api.read(row_id)
        if content_only:
            session.screen.raw(row.content or "")
        else:
            facts = {name.replace("_", " "): value for name, value in row.plain().items()}
            session.tell(row, place.as_json, facts)


def change(organization: str | None, place: Place, row_id: str, body: Body, if_version: int | None) -> None:
    """A row with other values, if nobody else was faster."""
    if not body:
        raise Misused("Nothing to change.", f"`python -m cli {place.group} change --help` shows what can be.")
    with rows(organization, place) as (session, api):
        version = api.read(row_id)[1] if if_version is None else f'"{if_version}"'
        row = api.change(row_id, body, version)
        session.tell(row, place.as_json, {"id": row.id, "name": row.called, "version": row.version})


def delete(organization: str | None, place: Place, row_id: str, if_version: int | None) -> None:
    """A row, hidden."""
    with rows(organization, place) as (session, api):
        api.delete(row_id, None if if_version is None else f'"{if_version}"')
        again = [*place.verb("restore"), row_id, *_named(organization)]
        session.screen.note(f"Deleted. It can come back: python -m cli {shlex.join(again)}")


def restore(organization: str | None, place: Place, row_id: str) -> None:
    """A row that was deleted, living again."""
    with rows(organization, place) as (session, api):
        row = api.restore(row_id)
        session.tell(row, place.as_json, {"id": row.id, "name": row.called, "version": row.version})


def text_of(option: str, text: str | None, file: Path | None) -> str | None:
    """A text that is given as such or as a file, `-` for standard input; raise Misused for both."""
    if file is None:
        return text
    if text is not None:
        raise Misused(f"{option} and {option}-file say the same twice.", "Give one of both.")
    try:
        return (sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()).decode()  # line ends stay
    except UnicodeDecodeError as failed:
        raise Misused(f"{file} is no text in UTF-8.") from failed
    except OSError as failed:
        raise Misused(f"{file} cannot be read: {failed.strerror}.") from failed


def _page(api: RowsApi, look: Look) -> Page:
    deleted = "true" if look.deleted else None
    return api.page({"q": look.words, "cursor": look.after, "limit": look.limit, "deleted": deleted})


def _all(api: RowsApi, look: Look) -> Page:
    whole = Page(items=[])
    while True:
        page = _page(api, look)
        whole.items += page.items
        if page.next is None:
            return whole
        if page.next == look.after:
            raise BadAnswer(f"The page after {look.after} names itself as the next one.")
        look = replace(look, after=page.next)


def _again(place: Place, look: Look) -> list[str]:
    command = [*place.verb("search"), look.words] if look.words else place.verb("list")
    return [*command, "--limit", str(look.limit), *(["--deleted"] if look.deleted else [])]


def _named(organization: str | None) -> list[str]:
    return ["--organization", organization] if organization else []
