"""`keys`: what tokens are signed with."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli import options
from cli.admin.api import PlatformApi
from cli.admin.options import Reason
from cli.session import Session

_EXAMPLES = """\
Examples
  python -m cli keys list
  python -m cli keys rotate --reason "yearly"
  python -m cli keys rotate --at-once --reason "the old one leaked"     # and every token that it signed ends
"""
AtOnce = Annotated[bool, typer.Option("--at-once", help="Remove the old one now: every token that it signed ends.")]

app = typer.Typer(no_args_is_help=True, help="Keys that sign tokens.", epilog=_EXAMPLES)


@app.command("list")
def list_(as_json: options.Json = False, wait: options.Wait = False) -> None:
    """List the keys that are published: which one signs, and which are on their way out."""
    with Session.open(wait=wait) as session:
        found = PlatformApi(session.connection).keys()
        rows = [
            [one.kid, one.algorithm, "yes" if one.signs else "", _time(one.active_from), _time(one.remove_at)]
            for one in found.items
        ]
        session.show(found, as_json, ["KEY", "ALGORITHM", "SIGNS", "FROM", "REMOVED AT"], rows)


@app.command("rotate", epilog=_EXAMPLES)
def rotate(reason: Reason, at_once: AtOnce = False, yes: options.Yes = False, wait: options.Wait = False) -> None:
    """Have a new key. It is published before it signs, and the old one for as long as its tokens live.

    --at-once asks first: everybody's tokens end, and are renewed by the sessions.
    """
    if at_once and not yes:
        options.agree("Every token that is out there ends now. Go on?")
    with Session.open(wait=wait) as session:
        PlatformApi(session.connection).rotate({"reason": reason} | ({"at_once": True} if at_once else {}))
        session.screen.note("There is a new key: python -m cli keys list")


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
