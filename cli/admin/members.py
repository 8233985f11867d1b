"""`members`: who belongs to an organization, and in which role."""

import json
from collections.abc import Callable
from typing import Annotated

import typer

from cli import options
from cli.acting import By
from cli.admin.api import OrganizationApi
from cli.admin.options import Email, Reason
from cli.answers import Accepted, Changed
from cli.reading import parse
from cli.session import Session, going_on, idempotency_key

_EXAMPLES = """\
Examples
  python -m cli members list zephyr-foods
  python -m cli members set zephyr-foods bob@zephyr.example admin --reason "Bob runs the shop now"
  python -m cli members remove zephyr-foods bob@zephyr.example --reason "Bob has left"
  python -m cli members transfer zephyr-foods carol@zephyr.example --reason "Ada retires"

Who is not a member yet is better asked first: `invite`.
"""
Role = Annotated[str, typer.Argument(metavar="ROLE", help="owner, admin, member or viewer.")]
To = Annotated[str, typer.Argument(metavar="EMAIL", help="Who is to be the owner; a member already.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="EMAIL", help="The owner who becomes an admin; you by default.", show_default=False),
]
Send = Callable[[OrganizationApi, str], Changed | Accepted]

app = typer.Typer(no_args_is_help=True, help="Members of an organization.", epilog=_EXAMPLES)


@app.command("list")
def list_(slug: options.Slug, as_json: options.Json = False, wait: options.Wait = False) -> None:
    """List who belongs to the organization."""
    with Session.open(wait=wait, by=By.PERSON) as session:
        found = OrganizationApi(session.connection, slug).members()
        joined = {True: "yes", False: "not yet", None: None}
        rows = [[one.email, one.role, one.since, joined[one.has_joined]] for one in found.items]
        session.show(found, as_json, ["EMAIL", "ROLE", "SINCE", "JOINED"], rows)


@app.command("set", epilog=_EXAMPLES)
def set_(
    slug: options.Slug, email: Email, role: Role, reason: Reason, key: options.Key = None,
    wait: options.Wait = False, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Give somebody a role. Tokens that spoke by another role end at once."""
    body = {"role": role, "reason": reason}
    _carry_out(slug, lambda api, own: api.set_member(email, body, own), key, wait=wait, as_json=as_json)


@app.command("remove", epilog=_EXAMPLES)
def remove(
    slug: options.Slug, email: Email, reason: Reason, key: options.Key = None, wait: options.Wait = False,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Remove somebody, or leave: out of the API and the cluster at once."""
    _carry_out(slug, lambda api, own: api.remove_member(email, reason, own), key, wait=wait, as_json=as_json)


@app.command("transfer", epilog=_EXAMPLES)
def transfer(
    slug: options.Slug, to: To, reason: Reason, giver: From = None, key: options.Key = None,
    wait: options.Wait = False, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Make a member the owner; you become an admin."""
    body = options.given(**{"to": to, "from": giver, "reason": reason})
    _carry_out(slug, lambda api, own: api.transfer(body, own), key, wait=wait, as_json=as_json)


def _carry_out(slug: str, send: Send, key: str | None, *, wait: bool, as_json: bool) -> None:
    own_key = idempotency_key(key)
    with Session.open(wait=wait, by=By.PERSON) as session:
        session.screen.note(f"Idempotency-Key {own_key}")
        with going_on(
            "The change may go on.", f"Repeat it with --key {own_key}, or: python -m cli members list {slug}"
        ):
            answer = send(OrganizationApi(session.connection, slug), own_key)
        if isinstance(answer, Accepted):
            answer = parse(Changed, json.dumps(session.follow(answer.operation_id).answer))
        facts = {"slug": answer.slug, "changed": ", ".join(answer.changed), "operation": answer.operation_id}
        session.tell(answer, as_json, facts)
