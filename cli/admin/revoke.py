"""`revoke`: tokens and sessions end before their time."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.acting import By
from cli.admin.options import Reason
from cli.errors import Misused
from cli.identity import ask
from cli.session import Session

EXAMPLES = """\
Examples
  python -m cli revoke --session 4f0a… --reason "lost laptop"                    # one of your own
  python -m cli revoke --token-file token.txt --reason "it was in a log"
  python -m cli revoke --email bob@zephyr.example --organization zephyr-foods --reason "lost phone"
  python -m cli revoke --organization zephyr-foods --reason "incident 12"        # everybody in it logs in again
"""
OneSession = Annotated[
    str | None, typer.Option("--session", metavar="ID", help="A session, as `sessions` shows it.", show_default=False)
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="A signed token; - reads standard input.", show_default=False),
]
OfEmail = Annotated[
    str | None, typer.Option("--email", help="All of this person's, or those in --organization.", show_default=False)
]
OfOrganization = Annotated[
    str | None, typer.Option("--organization", metavar="SLUG", help="All that act for it.", show_default=False)
]


def revoke(
    reason: Reason, one_session: OneSession = None, token_file: TokenFile = None, email: OfEmail = None,
    organization: OfOrganization = None, as_json: options.Json = False, wait: options.Wait = False,
) -> None:  # fmt: skip
    """End tokens and the sessions behind them; in force everywhere within seconds."""
    named = [one_session, token_file, email or organization]
    if sum(one is not None for one in named) != 1:
        raise Misused("Revoke what?", "Give one of --session, --token-file, and --email or --organization.")
    with Session.open(wait=wait, by=By.PERSON) as session:
        token = ask.token(token_file) if token_file else None
        body = options.given(token=token, session=one_session, email=email, organization=organization, reason=reason)
        found = session.identity.revoke(body)
        session.tell(found, as_json, {"revoked": found.revoked})
