"""`change`: name, plan, members, labels, settings and the rest of an organization.

The API replaces lists and maps as a whole. What is added to one or taken from it is worked out from the organization as
it is, and sent with the version that was read: if somebody else was faster, it is worked out anew, and nothing is lost.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options
from cli.answers import Accepted, Changed
from cli.edits import Edits
from cli.errors import Misused, Outdated
from cli.reading import parse
from cli.session import Session, going_on, idempotency_key

EXAMPLES = """\
Examples
  python -m cli change zephyr-foods --add-member bob@zephyr.example=viewer --reason "Bob joins"
  python -m cli change zephyr-foods --remove-member bob@zephyr.example --reason "Bob has left"
  python -m cli change zephyr-foods --plan business --label tier=gold --reason "contract 17"
  python -m cli change zephyr-foods --set api/rate_limit=240 --unset ai/threshold --reason "ticket 4711"
  python -m cli change zephyr-foods --rotate-database-login --reason "yearly"
  python -m cli change zephyr-foods --file change.json --reason "ticket 4712"
  python -m cli preview zephyr-foods --change change.json      # first: what it would change and cost

FILE holds what is to be, as JSON; a list or a map in it replaces the whole one:
  {"network": {"allow_from": ["acme-robotics"]}, "retention_days": 90}
"""
ATTEMPTS = 5  # how often it is worked out anew when others change the organization at the same time
_EXAMPLE = '{"plan": "business", "retention_days": 90}'

Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Why; it is kept with the operation. Needed, here or in FILE.", show_default=False),
]
Name = Annotated[str | None, typer.Option("--name", help="The customer's name.", show_default=False)]
AddMember = Annotated[
    list[str],
    typer.Option("--add-member", metavar="EMAIL=ROLE", help="A new member, or another role. Repeatable.",
                 default_factory=list, show_default=False),
]  # fmt: skip
RemoveMember = Annotated[
    list[str],
    typer.Option("--remove-member", metavar="EMAIL", help="Repeatable.", default_factory=list, show_default=False),
]
Label = Annotated[
    list[str],
    typer.Option("--label", metavar="KEY=VALUE", help="A label of the namespace. Repeatable.",
                 default_factory=list, show_default=False),
]  # fmt: skip
Unlabel = Annotated[
    list[str],
    typer.Option("--unlabel", metavar="KEY", help="Repeatable.", default_factory=list, show_default=False),
]
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="SERVICE/KEY=VALUE",
                 help="A setting that the organization has not set itself: number, true, false, or text. Repeatable.",
                 default_factory=list, show_default=False),
]  # fmt: skip
Unset = Annotated[
    list[str],
    typer.Option("--unset", metavar="SERVICE/KEY", help="Repeatable.", default_factory=list, show_default=False),
]
Protected = Annotated[
    bool | None,
    typer.Option("--protect/--unprotect", help="Whether deleting it needs its slug again.", show_default=False),
]
RetentionDays = Annotated[
    int | None,
    typer.Option("--retention-days", metavar="DAYS", help="How long data is kept after its end.", show_default=False),
]
Rotate = Annotated[
    bool,
    typer.Option("--rotate-database-login", help="A new database password; the one before works until the next."),
]
File = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="More of the change, as JSON; - reads it.", show_default=False),
]


def change(
    slug: options.Slug, reason: Reason = None, name: Name = None, plan: options.Plan = None, *,
    add_member: AddMember, remove_member: RemoveMember, label: Label, unlabel: Unlabel, set_: Set, unset: Unset,
    protected: Protected = None, retention_days: RetentionDays = None, rotate: Rotate = False, file: File = None,
    key: options.Key = None, wait: options.Wait = False, as_json: options.Json = False,
) -> None:  # fmt: skip
    """Change an organization; what is left out stays as it is.

    Who is added or removed is worked out from the members as they are; nobody else is touched. The command waits until
    the cluster has all of it. Sizes are changed with `quota set`.
    """
    loaded = options.read_json("--file", file, _EXAMPLE) if file else {}
    given = options.given(name=name, plan=plan, protected=protected, retention_days=retention_days, reason=reason)
    fixed = {**loaded, **given}
    edits = Edits.read(
        members=(add_member, remove_member), labels=(label, unlabel), configs=(set_, unset), rotates=rotate
    )
    if both := sorted(edits.names() & fixed.keys()):
        raise Misused(f"FILE holds all {' and '.join(both)} already.", "Change them in FILE, or by options.")
    if not (fixed.keys() - {"reason"} or edits.names()):
        raise Misused("Nothing to change.", "`python -m cli change --help` shows examples.")
    if not fixed.get("reason"):
        raise Misused("A change says why.", 'Add --reason "…".')
    _carry_out(slug, fixed, edits, key, wait=wait, as_json=as_json)


def _carry_out(slug: str, fixed: dict[str, Any], edits: Edits, key: str | None, *, wait: bool, as_json: bool) -> None:
    own_key = idempotency_key(key)
    with Session.open(wait=wait) as session:
        session.screen.note(f"Idempotency-Key {own_key}")
        with going_on("The change may go on.", f"Repeat it with --key {own_key}, or: python -m cli show {slug}"):
            answer = _send(session, slug, fixed, edits, own_key, repeated=key is not None)
        if isinstance(answer, Accepted):
            answer = parse(Changed, json.dumps(session.follow(answer.operation_id).answer))
        if as_json:
            session.screen.json(answer.plain())
        else:
            session.screen.facts(
                {"slug": answer.slug, "changed": ", ".join(answer.changed), "operation": answer.operation_id}
            )


def _send(
    session: Session, slug: str, fixed: dict[str, Any], edits: Edits, key: str, *, repeated: bool
) -> Changed | Accepted:
    if not edits.names():
        return session.api.change(slug, fixed, key, None)
    for left in reversed(range(ATTEMPTS)):
        found, version = session.api.described(slug)
        edited = edits.of(found, repeated=repeated)
        try:
            return session.api.change(slug, {**fixed, **edited}, key, version)
        except Outdated:
            if not left:
                raise
            session.screen.note(f"{slug} was changed meanwhile; reading it again.")
    raise AssertionError("returned or raised by now")
