"""`documents`."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.data import verbs
from cli.data.verbs import After, All, Deleted, Id, IfVersion, InOrganization, Limit, Look, Place, Words

_EXAMPLES = """\
Examples
  python -m cli documents create contract.md --content-file contract.md --media-type text/markdown
  python -m cli documents search "payment terms"
  python -m cli documents show 91c0… --content > contract.md
  python -m cli documents change 91c0… --content-file contract.md
"""
Name = Annotated[str, typer.Argument(help="Taken once among the living ones.")]
NewName = Annotated[str | None, typer.Option("--name", help="Another name.", show_default=False)]
Text = Annotated[str | None, typer.Option("--content", help="The text.", show_default=False)]
File = Annotated[
    Path | None,
    typer.Option("--content-file", metavar="FILE", help="The text, as a file; - reads it.", show_default=False),
]
MediaType = Annotated[
    str | None, typer.Option("--media-type", help="What it is: text/plain, text/markdown, …", show_default=False)
]
OfProject = Annotated[
    str | None, typer.Option("--project", metavar="ID", help="The project that it is part of.", show_default=False)
]
ContentOnly = Annotated[bool, typer.Option("--content", help="Its content and nothing else.")]

app = typer.Typer(no_args_is_help=True, help="Documents of your organization.", epilog=_EXAMPLES)


def _place(as_json: bool) -> Place:
    return Place("documents", (), ("documents",), as_json)


@app.command("create", epilog=_EXAMPLES)
def create(
    name: Name, content: Text = None, content_file: File = None, media_type: MediaType = None,
    project: OfProject = None, organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Create a document."""
    text = verbs.text_of("--content", content, content_file)
    given = options.given(name=name, content=text, media_type=media_type, project_id=project)
    verbs.create(organization, _place(as_json), given)


@app.command("list")
def list_(
    after: After = None, limit: Limit = 50, everything: All = False, deleted: Deleted = False,
    organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """List documents, newest first."""
    verbs.show_page(organization, _place(as_json), Look(after, limit, everything, deleted))


@app.command("search")
def search(
    words: Words, after: After = None, limit: Limit = 50, everything: All = False, deleted: Deleted = False,
    organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Search names and contents."""
    verbs.show_page(organization, _place(as_json), Look(after, limit, everything, deleted, words))


@app.command("show", epilog=_EXAMPLES)
def show(
    document: Id, content: ContentOnly = False, organization: InOrganization = None, as_json: options.Json = False
) -> None:
    """Show a document, or print its content byte for byte."""
    verbs.show(organization, _place(as_json), document, content_only=content)


@app.command("change", epilog=_EXAMPLES)
def change(
    document: Id, name: NewName = None, content: Text = None, content_file: File = None,
    media_type: MediaType = None, if_version: IfVersion = None, organization: InOrganization = None,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Change a document; what is left out stays. If somebody else is faster, this is refused."""
    text = verbs.text_of("--content", content, content_file)
    given = options.given(name=name, content=text, media_type=media_type)
    verbs.change(organization, _place(as_json), document, given, if_version)


@app.command("delete")
def delete(document: Id, if_version: IfVersion = None, organization: InOrganization = None) -> None:
    """Delete a document. `restore` brings it back."""
    verbs.delete(organization, _place(False), document, if_version)


@app.command("restore")
def restore(document: Id, organization: InOrganization = None, as_json: options.Json = False) -> None:
    """Have a deleted document back."""
    verbs.restore(organization, _place(as_json), document)
