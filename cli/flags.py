"""`flags`: flag definitions as files, and flags that could go."""

from typing import Annotated

import typer

from cli import config_plans, options
from cli.config_options import File, Reason, Slug, read_text
from cli.session import Session

_EXAMPLES = """\
Examples
  python -m cli flags import zephyr-foods flags.json --reason "from flagd"
  python -m cli flags stale zephyr-foods
  python -m cli config kill zephyr-foods features/dark_mode --reason "it hurts"
"""
Service = Annotated[str, typer.Option("--service", help="Whose flags they are to be.")]

app = typer.Typer(no_args_is_help=True, help="Take over flags of flagd; find flags that could go.", epilog=_EXAMPLES)


@app.command("import", epilog=_EXAMPLES)
def import_(
    slug: Slug, file: File, reason: Reason, service: Service = "features", as_json: options.Json = False
) -> None:
    """Take over the flags of a flagd file, as one change set. What is so already is left alone."""
    document = read_text(file)
    with Session.open() as session:
        imported = session.api.configs(slug).import_flags(document, reason, service)
        config_plans.show_imported(session, imported, as_json)


@app.command("stale", epilog=_EXAMPLES)
def stale(slug: Slug, as_json: options.Json = False) -> None:
    """List flags that can have one answer only, or are past their date: code that asks for them can go."""
    with Session.open() as session:
        found = session.api.configs(slug).stale_flags()
        rows = [[one.name, one.why, one.since, one.variant] for one in found.items]
        session.show(found, as_json, ["FLAG", "WHY", "SINCE", "VARIANT"], rows)
