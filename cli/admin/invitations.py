"""`invite`, `invitations`, `invitation accept`, `invitation withdraw`."""

from typing import Annotated

import typer

from cli import options
from cli.acting import By
from cli.admin.api import OrganizationApi
from cli.admin.options import Email
from cli.errors import Refused
from cli.identity import ask
from cli.identity.answers import Joined
from cli.session import Session

_EXAMPLES = """\
Examples
  python -m cli invite zephyr-foods bob@zephyr.example --role viewer
  python -m cli invitations zephyr-foods
  python -m cli invitation withdraw zephyr-foods 0b9c…
  python -m cli invitation accept --token-file token.txt           # Bob, with the token of the mail
"""
Role = Annotated[str, typer.Option("--role", help="owner, admin, member or viewer.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; it stands in the audit log.", show_default=False)]
Id = Annotated[str, typer.Argument(metavar="ID", help="The invitation's id, as `invitations` shows it.")]
app = typer.Typer(no_args_is_help=True, help="Accept or withdraw an invitation.", epilog=_EXAMPLES)


def add_to(built: typer.Typer, panel: str) -> None:
    """Add this module's commands."""
    built.command("invite", epilog=_EXAMPLES, rich_help_panel=panel)(invite)
    built.command("invitations", epilog=_EXAMPLES, rich_help_panel=panel)(invitations)
    built.add_typer(app, name="invitation", rich_help_panel=panel)


def invite(
    slug: options.Slug, email: Email, role: Role, reason: Reason = None, as_json: options.Json = False,
    wait: options.Wait = False,
) -> None:  # fmt: skip
    """Invite somebody into an organization. They get a mail, and seven days."""
    with Session.open(wait=wait, by=By.PERSON) as session:
        made = OrganizationApi(session.connection, slug).invite(options.given(email=email, role=role, reason=reason))
        facts = {"id": made.id, "email": made.email, "role": made.role, "expires at": made.expires_at}
        session.tell(made, as_json, facts)


def invitations(slug: options.Slug, as_json: options.Json = False, wait: options.Wait = False) -> None:
    """List who was invited and has not answered."""
    with Session.open(wait=wait, by=By.PERSON) as session:
        found = OrganizationApi(session.connection, slug).invitations()
        rows = [[one.id, one.email, one.role, one.expires_at, one.invited_by] for one in found.items]
        session.show(found, as_json, ["INVITATION", "EMAIL", "ROLE", "EXPIRES AT", "BY"], rows)


@app.command("withdraw")
def withdraw(slug: options.Slug, invitation: Id, wait: options.Wait = False) -> None:
    """Have an invitation count no more."""
    with Session.open(wait=wait, by=By.PERSON) as session:
        OrganizationApi(session.connection, slug).withdraw(invitation)
        session.screen.note("Withdrawn.")


@app.command("accept", epilog=_EXAMPLES)
def accept(
    token_file: ask.TokenFile = None, password_stdin: ask.PasswordStdin = False,
    as_json: options.Json = False, wait: options.Wait = False,
) -> None:  # fmt: skip
    """Join the organization that you were invited to.

    Who has no account yet is asked for the password of a new one; --password-stdin reads it.
    """
    with Session.open(wait=wait, by=By.SELF) as session:
        session.settings.check_private("the token")
        token = ask.token(token_file, stdin_is_taken=password_stdin)
        joined = _accept(session, token, ask.new_password(stdin=True) if password_stdin else None)
        session.tell(joined, as_json, {"organization": joined.organization, "role": joined.role})
        if joined.role is None:
            session.screen.note(f"It goes on by itself, as operation {joined.operation_id}.")
        session.screen.note("`python -m cli login EMAIL` logs you in.")


def _accept(session: Session, token: str, password: str | None) -> Joined:
    try:
        return session.identity.accept(token, password)
    except Refused as refused:
        if refused.kind != "password-needed" or password is not None:
            raise
        session.screen.note("There is no account with your address yet. You choose its password now.")
        return session.identity.accept(token, ask.new_password(stdin=False))
