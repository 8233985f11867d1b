"""`signup`: a new organization, in the request or watched until it is there."""

import json
from typing import Annotated

import typer

from cli import options
from cli.acting import By
from cli.answers import Accepted, SignedUp
from cli.reading import parse
from cli.session import Session, going_on, idempotency_key

EXAMPLES = """\
Examples
  python -m cli signup "Zephyr Foods" --owner ada@zephyr.example
  python -m cli signup Zephyr --owner ada@zephyr.example --plan business --cpu 8
  python -m cli signup … --key 0b9c…       the same call again: the first answer
"""
Name = Annotated[str, typer.Argument(help="The customer's name, as people write it.")]
Owner = Annotated[str, typer.Option("--owner", metavar="EMAIL", help="Who owns the organization.")]
OwnSlug = Annotated[
    str | None,
    typer.Option("--slug", help="Short name, for ever; made from NAME by default.", show_default=False),
]


def sign_up(
    name: Name, owner: Owner, slug: OwnSlug = None, plan: options.Plan = None, cpu: options.Cpu = None,
    memory: options.Memory = None, storage: options.Storage = None, key: options.Key = None,
    wait: options.Wait = False, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Sign up an organization.

    The call carries an Idempotency-Key, printed before it is sent: the same call with --key never makes a second one.
    When the API needs longer than it lets a caller wait, the steps of the operation are shown as they come.
    """
    own_key = idempotency_key(key)
    quota = options.given(cpu=cpu, memory=memory, storage=storage)
    body = options.given(name=name, slug=slug, owner_email=owner, plan=plan, quota=quota or None)
    with Session.open(wait=wait, by=By.ANYBODY) as session:
        made = _send(session, body, own_key)
        if as_json:
            session.screen.json(made.plain())
        else:
            session.screen.facts(
                {"id": made.id, "slug": made.slug, "namespace": made.namespace, "status": made.status,
                 "operation": made.operation_id}
            )  # fmt: skip


def _send(session: Session, body: dict[str, object], key: str) -> SignedUp:
    """The organization, COMMITTED."""
    session.screen.note(f"Idempotency-Key {key}; the same call can be repeated with --key {key}")
    with going_on("The sign-up may go on.", f"Repeat the same call with --key {key}; it makes no second organization."):
        answer = session.api.sign_up(body, key)
    return _watch(session, answer) if isinstance(answer, Accepted) else answer


def _watch(session: Session, accepted: Accepted) -> SignedUp:
    session.screen.note(f"It takes longer; watching operation {accepted.operation_id}")
    ended = session.follow(accepted.operation_id, accepted.token)
    answer = {"status": ended.state, "operation_id": ended.id, "slug": ended.slug, **(ended.answer or {})}
    return parse(SignedUp, json.dumps(answer))
