"""`quota show`, `quota set`."""

from typing import Annotated

import typer

from cli import options
from cli.answers import Accepted, Quota
from cli.errors import Misused
from cli.session import Session, going_on, idempotency_key

_EXAMPLES = """\
Examples
  python -m cli quota show zephyr-foods
  python -m cli quota set zephyr-foods --cpu 16 --memory 64Gi --reason "load test, ticket 4711"
  python -m cli preview zephyr-foods --cpu 16        # first: what it would change and cost
"""
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history of quotas.")]

app = typer.Typer(no_args_is_help=True, help="Show or change an organization's quota.", epilog=_EXAMPLES)


@app.command("show")
def show(slug: options.Slug, as_json: options.Json = False, wait: options.Wait = False) -> None:
    """Show the quota in force."""
    with Session.open(wait=wait) as session:
        _print(session, session.api.quota(slug), as_json)


@app.command("set", epilog=_EXAMPLES)
def set_(
    slug: options.Slug, reason: Reason, cpu: options.Cpu = None, memory: options.Memory = None,
    storage: options.Storage = None, key: options.Key = None, wait: options.Wait = False,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Change the quota; what is left out stays as it is.

    It is in force at once for what is started from then on. Running pods keep their limits until they are restarted.
    """
    sizes = options.given(cpu=cpu, memory=memory, storage=storage)
    if not sizes:
        raise Misused("Nothing to change.", "Give at least one of --cpu, --memory, --storage.")
    own_key = idempotency_key(key)
    with Session.open(wait=wait) as session:
        session.screen.note(f"Idempotency-Key {own_key}")
        with going_on("The change may go on.", f"Repeat it with --key {own_key}, or: python -m cli quota show {slug}"):
            answer = session.api.change_quota(slug, {**sizes, "reason": reason}, own_key)
        if isinstance(answer, Accepted):
            session.follow(answer.operation_id)
            answer = session.api.quota(slug)
        _print(session, answer, as_json)


def _print(session: Session, quota: Quota, as_json: bool) -> None:
    if as_json:
        session.screen.json(quota.plain())
        return
    facts: dict[str, object] = {"cpu": quota.cpu, "memory": quota.memory, "storage": quota.storage}
    if quota.effective_at:
        facts["effective at"] = quota.effective_at
    session.screen.facts(facts)
    if quota.note:
        session.screen.line(quota.note)
    if quota.operation_id:
        session.screen.note(f"The stack follows behind: python -m cli watch {quota.operation_id}")
