"""`projects`."""

from typing import Annotated

import typer

from cli import options
from cli.data import verbs
from cli.data.verbs import After, All, Deleted, Id, IfVersion, InOrganization, Limit, Look, Place, Words

_EXAMPLES = """\
Examples
  python -m cli projects create "Harvest 2027" --description "what we plan"
  python -m cli projects list
  python -m cli projects search harvest
  python -m cli projects change 5a4c… --name "Harvest 2028"
  python -m cli projects delete 5a4c…            # its notes and documents are hidden with it
  python -m cli projects restore 5a4c…
"""
Name = Annotated[str, typer.Argument(help="Taken once among the living ones.")]
NewName = Annotated[str | None, typer.Option("--name", help="Another name.", show_default=False)]
Description = Annotated[str | None, typer.Option("--description", help="What it is about.", show_default=False)]

app = typer.Typer(no_args_is_help=True, help="Projects of your organization.", epilog=_EXAMPLES)


def _place(as_json: bool) -> Place:
    return Place("projects", (), ("projects",), as_json)


@app.command("create", epilog=_EXAMPLES)
def create(
    name: Name, description: Description = None, organization: InOrganization = None, as_json: options.Json = False
) -> None:
    """Create a project."""
    verbs.create(organization, _place(as_json), options.given(name=name, description=description))


@app.command("list")
def list_(
    after: After = None, limit: Limit = 50, everything: All = False, deleted: Deleted = False,
    organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """List projects, newest first."""
    verbs.show_page(organization, _place(as_json), Look(after, limit, everything, deleted))


@app.command("search")
def search(
    words: Words, after: After = None, limit: Limit = 50, everything: All = False, deleted: Deleted = False,
    organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Search names and descriptions."""
    verbs.show_page(organization, _place(as_json), Look(after, limit, everything, deleted, words))


@app.command("show")
def show(project: Id, organization: InOrganization = None, as_json: options.Json = False) -> None:
    """Show a project."""
    verbs.show(organization, _place(as_json), project)


@app.command("change", epilog=_EXAMPLES)
def change(
    project: Id, name: NewName = None, description: Description = None, if_version: IfVersion = None,
    organization: InOrganization = None, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Change a project; what is left out stays. If somebody else is faster, this is refused."""
    verbs.change(organization, _place(as_json), project, options.given(name=name, description=description), if_version)


@app.command("delete")
def delete(project: Id, if_version: IfVersion = None, organization: InOrganization = None) -> None:
    """Delete a project, its notes and documents with it. `restore` brings them back."""
    verbs.delete(organization, _place(False), project, if_version)


@app.command("restore")
def restore(project: Id, organization: InOrganization = None, as_json: options.Json = False) -> None:
    """Have a deleted project back."""
    verbs.restore(organization, _place(as_json), project)
