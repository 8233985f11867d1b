"""`config`: settings of an organization, one by one."""

from typing import Annotated, Any

import typer

from cli import config_plans, options
from cli.config_answers import Setting
from cli.config_options import EXAMPLES, Name, Reason, Slug, as_value
from cli.session import Session

app = typer.Typer(no_args_is_help=True, help="Read and change live settings.", epilog=EXAMPLES)

Value = Annotated[str, typer.Argument(help="JSON (0.7, true, {…}); anything else is text.")]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="As it was then: 2026-11-25T20:00:00Z.", show_default=False)
]
Revision = Annotated[int | None, typer.Option("--revision", help="As it was at that revision.", show_default=False)]
IfVersion = Annotated[
    int | None,
    typer.Option("--if-version", help="Refuse unless it is at this version; else the one of now.", show_default=False),
]
ToVersion = Annotated[
    int, typer.Option("--to", metavar="VERSION", help="Whose value it is to have, as `history` shows.")
]
From = Annotated[int, typer.Option("--from", metavar="REVISION", help="The earlier revision.")]
To = Annotated[
    int | None, typer.Option("--to", metavar="REVISION", help="The later one; now when left out.", show_default=False)
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many changes.")]


@app.command("list", epilog=EXAMPLES)
def list_(slug: Slug, at: At = None, revision: Revision = None, as_json: options.Json = False) -> None:
    """List every setting in force, and whose value it is; with --at or --revision its own as they were."""
    with Session.open() as session:
        api = session.api.configs(slug)
        if at is None and revision is None:
            found = api.all()
            rows = [[one.name, one.value, one.source, one.version, one.revision] for one in found.items]
            session.show(found, as_json, ["SETTING", "VALUE", "SOURCE", "VERSION", "REVISION"], rows)
            return
        past = api.as_it_was(at, revision)
        rows = [[one.name, one.value, one.version, one.actor, one.reason] for one in past.items]
        session.show(past, as_json, ["SETTING", "VALUE", "VERSION", "ACTOR", "REASON"], rows)


@app.command("get")
def get(slug: Slug, name: Name, as_json: options.Json = False) -> None:
    """Show one setting: its value, whose it is, and the version that a change builds on."""
    with Session.open() as session:
        _print(session, session.api.configs(slug).one(name), as_json)


@app.command("set", epilog=EXAMPLES)
def set_(
    slug: Slug, name: Name, value: Value, reason: Reason, if_version: IfVersion = None, as_json: options.Json = False
) -> None:
    """Set a setting; pods have it before their next request.

    If somebody else changes it at the same time, one of both is refused: look again, and decide anew.
    """
    with Session.open() as session:
        api = session.api.configs(slug)
        version = if_version if if_version is not None else api.one(name).version
        body = {"value": as_value(value), "reason": reason}
        _print(session, api.put(name, body, f'"{version}"'), as_json)


@app.command("unset")
def unset(slug: Slug, name: Name, reason: Reason, if_version: IfVersion = None, as_json: options.Json = False) -> None:
    """Unset a setting: the platform's value, or the default, is in force again."""
    with Session.open() as session:
        api = session.api.configs(slug)
        version = if_version if if_version is not None else api.one(name).version
        _print(session, api.unset(name, reason, f'"{version}"'), as_json)


@app.command("history")
def history(slug: Slug, name: Name, limit: Limit = 20, as_json: options.Json = False) -> None:
    """Show who changed a setting, when, from what to what, and why."""
    with Session.open() as session:
        found = session.api.configs(slug).history(name, limit)
        rows: list[list[Any]] = [
            [one.version, one.changed_at, one.actor, one.old_value, one.new_value, one.reason] for one in found.items
        ]
        session.show(found, as_json, ["VERSION", "AT", "ACTOR", "BEFORE", "AFTER", "REASON"], rows)


@app.command("rollback")
def rollback(slug: Slug, name: Name, to: ToVersion, reason: Reason, as_json: options.Json = False) -> None:
    """Have the value of an earlier version again. That is a new version; nothing is forgotten."""
    with Session.open() as session:
        body = {"to_version": to, "reason": reason}
        _print(session, session.api.configs(slug).rollback(name, body), as_json)


@app.command("diff")
def diff(slug: Slug, since: From, to: To = None, as_json: options.Json = False) -> None:
    """Show what changed between two revisions."""
    with Session.open() as session:
        found = session.api.configs(slug).diff(since, to)
        rows = [[one.name, one.before, one.after, one.revision, one.actor, one.reason] for one in found.items]
        session.show(found, as_json, ["SETTING", "BEFORE", "AFTER", "REVISION", "ACTOR", "REASON"], rows)


@app.command("kill")
def kill(slug: Slug, name: Name, reason: Reason, as_json: options.Json = False) -> None:
    """Switch a flag off at once, whatever approvals and schedules there are: code gets its default."""
    with Session.open() as session:
        _print(session, session.api.configs(slug).kill(name, {"reason": reason}), as_json)


def _print(session: Session, setting: Setting, as_json: bool) -> None:
    if as_json:
        session.screen.json(setting.plain())
        return
    session.screen.facts(
        {"setting": setting.name, "value": setting.value, "source": setting.source, "version": setting.version,
         "revision": setting.revision, "updated at": setting.updated_at}
    )  # fmt: skip


config_plans.add_to(app)
