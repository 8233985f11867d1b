"""`watch`, `drift`, `status`, `drain`: the operation of the service itself."""

import time
from typing import Annotated

import typer

from cli import options
from cli.answers import Drift, Operation, Pool
from cli.errors import CliError, Differs, Interrupted, OperationFailed, Unavailable, Unreachable
from cli.screen import Ticker
from cli.session import Session, going_on, idempotency_key

_WATCH = """\
Examples
  python -m cli watch 3f6f…           # until it ends; exit code 0 COMMITTED, 1 FAILED
  python -m cli watch 3f6f… --json | jq .answer
"""
_DRIFT = """\
Examples
  python -m cli drift                            # exit code 1 if anything differs
  python -m cli drift zephyr-foods --repair      # one organization as it was deployed
  python -m cli drift --repair --yes             # every organization that differs
"""
PAUSE = 0.5  # seconds between two looks at a service that drains
OperationId = Annotated[str, typer.Argument(help="The id that the beginning command printed.")]
OneSlug = Annotated[str | None, typer.Argument(help="Only this organization.", show_default=False)]
Repair = Annotated[bool, typer.Option("--repair", help="Make what differs as it was deployed.")]
Patience = Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait for the end of what runs.")]


def add_to(built: typer.Typer, panel: str) -> None:
    """Add this module's commands."""
    built.command("watch", epilog=_WATCH, rich_help_panel=panel)(watch)
    built.command("drift", epilog=_DRIFT, rich_help_panel=panel)(drift)
    built.command("status", rich_help_panel=panel)(status)
    built.command("drain", rich_help_panel=panel)(drain)


def watch(operation: OperationId, as_json: options.Json = False, wait: options.Wait = False) -> None:
    """Watch an operation until it ends, across broken connections.

    Exit code 0 if it is COMMITTED, 1 if it FAILED. Ctrl-C ends the watching only.
    """
    with Session.open(wait=wait) as session:
        try:
            _print_operation(session, session.follow(operation), as_json)
        except OperationFailed:
            if as_json:
                _print_operation(session, session.api.operation(operation), as_json)
            raise


def _print_operation(session: Session, ended: Operation, as_json: bool) -> None:
    if as_json:
        session.screen.json(ended.plain())
        return
    facts: dict[str, object] = {"operation": ended.id, "kind": ended.kind, "slug": ended.slug, "state": ended.state}
    told = {"operation_id", "slug", "status"}
    session.screen.facts(facts | {name: value for name, value in (ended.answer or {}).items() if name not in told})


def drift(
    slug: OneSlug = None, repair: Repair = False, yes: options.Yes = False, as_json: options.Json = False,
    wait: options.Wait = False,
) -> None:  # fmt: skip
    """Show what differs between rows, stacks and cluster; with --repair, mend it.

    One that is named is compared now; else it is what the service's last comparison of each has found. Exit code 1 if
    something differs and is not repaired. Repairing more than a named organization asks first.
    """
    with Session.open(wait=wait) as session:
        with session.screen.progress(f"comparing {slug or 'every organization'}"):
            found = session.api.drift(slug)
        _print_drift(session, found, as_json)
        if not found.items:
            return
        slugs = list(dict.fromkeys(item.slug for item in found.items))
        if not repair:
            raise Differs(f"Differences: {len(found.items)}; organizations: {len(slugs)}.", "--repair mends them.")
        if not (slug or yes):
            options.agree(f"Repair them, organizations: {len(slugs)}?")
        _repair(session, slugs)


def _print_drift(session: Session, found: Drift, as_json: bool) -> None:
    if as_json:
        session.screen.json(found.plain())
    elif found.items:
        rows = [[item.slug, item.kind, item.name, item.problem] for item in found.items]
        session.screen.table(["SLUG", "KIND", "NAME", "PROBLEM"], rows)
    else:
        session.screen.line("Nothing differs.")


def _repair(session: Session, slugs: list[str]) -> None:
    """One after the other; one that fails does not keep the next from being mended."""
    failed = []
    for number, slug in enumerate(slugs, 1):
        session.screen.note(f"repairing {slug} ({number}/{len(slugs)})")
        try:
            with going_on("The repair may go on.", f"See what is left: python -m cli drift {slug}"):
                accepted = session.api.repair(slug, idempotency_key(None))
            session.follow(accepted.operation_id)
        except (Interrupted, Unavailable):
            raise
        except CliError as error:
            session.screen.error(error)
            failed.append(slug)
    if failed:
        raise OperationFailed(f"Not repaired: {', '.join(failed)}.", "The reason stands with each above.")
    session.screen.note(f"{len(slugs)} repaired")


def status(as_json: options.Json = False, wait: options.Wait = False) -> None:
    """Show health, readiness, the pool of parked engines and operations. Exit code 1 unless healthy and ready."""
    with Session.open(wait=wait) as session:
        healthy, found = session.api.healthy(), session.api.readiness()
        if as_json:
            session.screen.json({"healthy": healthy, **found.plain()})
        else:
            session.screen.facts(
                {"healthy": _yes(healthy), "ready": _yes(found.ready), "at work": found.running,
                 "pool": _pool(found.pool)}
            )  # fmt: skip
            if found.operations:
                session.screen.table(["OPERATIONS", "COUNT"], list(found.operations.items()))
        if not (healthy and found.ready):
            why = f": {'; '.join(found.reasons)}" if found.reasons else ""
            raise Differs(f"The service takes no work now{why}.", "`make doctor` looks for causes; logs: .local/logs.")


def drain(yes: options.Yes = False, timeout: Patience = 300, wait: options.Wait = False) -> None:
    """Let the service finish what it has and take nothing new.

    Asks first; --yes does not. With several replicas it is the one that API_URL leads to.
    """
    with Session.open(wait=wait) as session:
        if not yes:
            options.agree("Drain the service? It takes no sign-up until it is started again.")
        seen = "See how far it is: python -m cli status"
        with going_on("The service may go on draining.", seen), session.screen.progress("draining") as ticker:
            session.api.drain()
            _until_idle(session, ticker, time.monotonic() + timeout)
        session.screen.line("Drained: nothing is at work there any more.")


def _until_idle(session: Session, ticker: Ticker, deadline: float) -> None:
    """A drained service stays up with nothing at work, or has gone already."""
    while time.monotonic() < deadline:
        try:
            running = session.api.readiness().running
        except Unreachable:
            return
        if not running:
            return
        ticker.now(f"draining: {running} at work")
        time.sleep(PAUSE)
    raise Unavailable("Still draining when the time was over.", "It goes on; see: python -m cli status")


def _yes(value: bool) -> str:
    return "yes" if value else "NO"


def _pool(pool: Pool) -> str:
    return f"{pool.parked} parked, {pool.starting} starting, {pool.busy} busy, of {pool.size}"
