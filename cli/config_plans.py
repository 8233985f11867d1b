"""`config apply`, `schedule`, `plans`, `approve`, `reject`, `cancel`, `export`, `import`: many settings at once."""

from typing import Annotated, Any

import typer

from cli import options
from cli.answers import FAILED, Problem
from cli.config_answers import ChangeSet, Imported
from cli.config_options import EXAMPLES, File, Reason, Slug, as_change, read_text
from cli.errors import Misused, OperationFailed
from cli.session import Session

_APPLY = """\
FILE holds the changes as JSON; all of them are made, or none:
  {"changes": [{"service": "ai", "key": "threshold", "value": 0.7, "if_version": 3},
               {"service": "email", "key": "max_retries", "unset": true}]}
"""
_EXAMPLE = '{"changes": [{"service": "ai", "key": "threshold", "value": 0.7}]}'
_DOCUMENT = """\
Examples
  python -m cli config export zephyr-foods > settings.yaml
  python -m cli config import zephyr-foods settings.yaml --reason "as in staging"
"""
Changes = Annotated[list[str], typer.Argument(metavar="SERVICE/KEY=VALUE…", help="Nothing after = unsets it.")]
Time = Annotated[str, typer.Option("--at", metavar="TIME", help="When: 2026-12-01T08:00:00Z.")]
NeedsApproval = Annotated[bool, typer.Option("--needs-approval", help="Wait until somebody else agrees.")]
ChangeSetId = Annotated[str, typer.Argument(metavar="CHANGE-SET", help="Its id, as `plans` shows it.")]
InState = Annotated[str | None, typer.Option("--state", help="WAITING, SCHEDULED, APPLIED, …", show_default=False)]
Format = Annotated[str, typer.Option("--format", help="yaml or json.")]
Replace = Annotated[bool, typer.Option("--replace", help="Unset whatever the document does not name.")]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("apply", epilog=_APPLY)(apply)
    app.command("schedule", epilog=EXAMPLES)(schedule)
    app.command("plans")(plans)
    app.command("approve")(approve)
    app.command("reject")(reject)
    app.command("cancel")(cancel)
    app.command("export", epilog=_DOCUMENT)(export)
    app.command("import", epilog=_DOCUMENT)(import_)


def apply(
    slug: Slug, file: File, reason: Reason, needs_approval: NeedsApproval = False, as_json: options.Json = False
) -> None:
    """Change several settings together, or not at all: pods see all of it at once."""
    body = options.read_json("FILE", file, _EXAMPLE) | {"reason": reason}
    _begin(slug, body | ({"needs_approval": True} if needs_approval else {}), as_json)


def schedule(
    slug: Slug, changes: Changes, at: Time, reason: Reason, needs_approval: NeedsApproval = False,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Change settings at a time, all of them or none. `config cancel` takes it back until then."""
    body: dict[str, Any] = {"changes": [as_change(text) for text in changes], "reason": reason, "apply_at": at}
    _begin(slug, body | ({"needs_approval": True} if needs_approval else {}), as_json)


def plans(slug: Slug, state: InState = None, as_json: options.Json = False) -> None:
    """List change sets, newest first: what waits, and what came of it."""
    with Session.open() as session:
        found = session.api.configs(slug).change_sets(state)
        rows = [[one.id, one.state, one.apply_at, one.actor, one.names, one.reason] for one in found.items]
        session.show(found, as_json, ["CHANGE SET", "STATE", "AT", "ACTOR", "SETTINGS", "REASON"], rows)


def approve(slug: Slug, change_set: ChangeSetId, reason: Reason, as_json: options.Json = False) -> None:
    """Agree to a change set that somebody else asked for.

    Who you are, your OPERATOR_TOKEN says: each operator has one of their own (OPERATOR_TOKENS of the service).
    """
    _decide(slug, change_set, "approve", reason, as_json)


def reject(slug: Slug, change_set: ChangeSetId, reason: Reason, as_json: options.Json = False) -> None:
    """Refuse a change set that waits for approval."""
    _decide(slug, change_set, "reject", reason, as_json)


def cancel(slug: Slug, change_set: ChangeSetId, reason: Reason, as_json: options.Json = False) -> None:
    """Take back a change set that still waits, for approval or its time."""
    _decide(slug, change_set, "cancel", reason, as_json)


def export(slug: Slug, format: Format = "yaml") -> None:
    """Print the settings of its own as a document that `config import` takes."""
    if format not in ("yaml", "json"):
        raise Misused(f"--format is {format!r}; it is yaml or json.")
    with Session.open() as session:
        session.screen.raw(session.api.configs(slug).export(format))


def import_(slug: Slug, file: File, reason: Reason, replace: Replace = False, as_json: options.Json = False) -> None:
    """Have the settings of a document, as one change set. What is so already is left alone."""
    document = read_text(file)
    with Session.open() as session:
        show_imported(session, session.api.configs(slug).import_(document, reason, replace=replace), as_json)


def show_imported(session: Session, imported: Imported, as_json: bool) -> None:
    """What came of a document."""
    if as_json:
        session.screen.json(imported.plain())
        return
    facts = {"state": imported.state, "changed": len(imported.changes), "revision": imported.revision}
    session.screen.facts({**facts, "change set": imported.id})


def _begin(slug: str, body: dict[str, Any], as_json: bool) -> None:
    with Session.open() as session:
        _print(session, slug, session.api.configs(slug).begin(body), as_json)


def _decide(slug: str, change_set: str, verb: str, reason: str, as_json: bool) -> None:
    with Session.open() as session:
        decided = session.api.configs(slug).decide(change_set, verb, {"reason": reason})
        _print(session, slug, decided, as_json)


def _print(session: Session, slug: str, found: ChangeSet, as_json: bool) -> None:
    if as_json:
        session.screen.json(found.plain())
    else:
        session.screen.facts(
            {"change set": found.id, "state": found.state, "settings": found.names, "revision": found.revision,
             "at": found.apply_at, "approver": found.approver}
        )  # fmt: skip
    if found.state == "WAITING":
        session.screen.note(f"Somebody else agrees: python -m cli config approve {slug} {found.id} --reason …")
    if found.state == FAILED:
        why = Problem.model_validate({"title": "", **(found.problem or {})}).sentence
        raise OperationFailed(f"Nothing was changed: {why}")
