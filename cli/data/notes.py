"""`notes`."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.data import verbs
from cli.data.verbs import After, All, Deleted, Id, IfVersion, InOrganization, Limit, Look, Place, Words

_EXAMPLES = """\
Examples
  python -m cli notes create 5a4c… "Monday" --body "rain until noon"       # 5a4c…: the project
  python -m cli notes create 5a4c… "Report" --body-file report.md
  python -m cli notes search 5a4c… rain
  python -m cli notes change 5a4c… 77b1… --title "Monday and Tuesday"
"""
Project = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's id, as `projects list` shows it.")]
Title = Annotated[str, typer.Argument(help="What it is called.")]
NewTitle = Annotated[str | None, typer.Option("--title", help="Another title.", show_default=False)]
Text = Annotated[str | None, typer.Option("--body", help="The text.", show_default=False)]
File = Annotated[
    Path | None,
    typer.Option("--body-file", metavar="FILE", help="The text, as a file; - reads it.", show_default=False),
]

app = typer.Typer(no_args_is_help=True, help="Notes of a project.", epilog=_EXAMPLES)


def _place(project: str, as_json: bool) -> Place:
    return Place("notes", (project,), ("projects", project, "notes"), as_json)


@app.command("create", epilog=_EXAMPLES)
def create(
    project: Project, title: Title, body: Text = None, body_file: File = None, organization: InOrganization = None,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Write a note."""
    given = options.given(title=title, body=verbs.text_of("--body", body, body_file))
    verbs.create(organization, _place(project, as_json), given)


@app.command("list")
def list_(
    project: Project, after: After = None, limit: Limit = 50, everything: All = False, deleted: Deleted = False,
    organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """List a project's notes, newest first."""
    verbs.show_page(organization, _place(project, as_json), Look(after, limit, everything, deleted))


@app.command("search")
def search(
    project: Project, words: Words, after: After = None, limit: Limit = 50, everything: All = False,
    deleted: Deleted = False, organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Search titles and texts of a project's notes."""
    verbs.show_page(organization, _place(project, as_json), Look(after, limit, everything, deleted, words))


@app.command("show")
def show(project: Project, note: Id, organization: InOrganization = None, as_json: options.Json = False) -> None:
    """Show a note."""
    verbs.show(organization, _place(project, as_json), note)


@app.command("change", epilog=_EXAMPLES)
def change(
    project: Project, note: Id, title: NewTitle = None, body: Text = None, body_file: File = None,
    if_version: IfVersion = None, organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Change a note; what is left out stays. If somebody else is faster, this is refused."""
    given = options.given(title=title, body=verbs.text_of("--body", body, body_file))
    verbs.change(organization, _place(project, as_json), note, given, if_version)


@app.command("delete")
def delete(project: Project, note: Id, if_version: IfVersion = None, organization: InOrganization = None) -> None:
    """Delete a note. `restore` brings it back."""
    verbs.delete(organization, _place(project, False), note, if_version)


@app.command("restore")
def restore(project: Project, note: Id, organization: InOrganization = None, as_json: options.Json = False) -> None:
    """Have a deleted note back."""
    verbs.restore(organization, _place(project, as_json), note)
