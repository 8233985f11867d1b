"""`staff`: who has a role in the platform itself."""

from typing import Annotated

import typer

from cli import options
from cli.admin.api import PlatformApi
from cli.admin.options import Email, Reason
from cli.errors import Misused
from cli.session import Session

_EXAMPLES = """\
Examples
  python -m cli staff set grace@platform.example operator --reason "on call from May"
  python -m cli staff set grace@platform.example none --reason "left the team"
  python -m cli staff list
"""
NONE = "none"
Role = Annotated[str, typer.Argument(metavar="ROLE", help="operator, auditor, or none.")]

app = typer.Typer(no_args_is_help=True, help="The platform's operators and auditors.", epilog=_EXAMPLES)


@app.command("list")
def list_(as_json: options.Json = False, wait: options.Wait = False) -> None:
    """List who has a role in the platform."""
    with Session.open(wait=wait) as session:
        found = PlatformApi(session.connection).staff()
        session.show(found, as_json, ["EMAIL", "ROLE"], [[one.email, one.role] for one in found.items])


@app.command("set", epilog=_EXAMPLES)
def set_(email: Email, role: Role, reason: Reason, wait: options.Wait = False) -> None:
    """Give somebody a role in the platform, or take it away. Their sessions count by it at once."""
    if role not in ("operator", "auditor", NONE):
        raise Misused(f"{role!r} is no role in the platform; it is operator, auditor or none.")
    with Session.open(wait=wait) as session:
        body = {"role": None if role == NONE else role, "reason": reason}
        PlatformApi(session.connection).set_staff(email, body)
        session.screen.note(f"{email} is {'not staff any more' if role == NONE else role}.")
