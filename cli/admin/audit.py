"""`audit list`, `audit export`, `audit verify`."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options
from cli.acting import By
from cli.admin.answers import Head, Verified
from cli.admin.api import OrganizationApi
from cli.admin.chain import Chain
from cli.admin.options import SlugOrPlatform
from cli.errors import Differs, Misused
from cli.identity.files import replace
from cli.screen import Screen
from cli.session import Session

_EXAMPLES = """\
Examples
  python -m cli audit list zephyr-foods
  python -m cli audit export zephyr-foods --output audit.ndjson
  python -m cli audit verify audit.ndjson                    # on this machine, without the API
  python -m cli audit verify audit.ndjson --head 17:5b1f…    # and it still has what it had then
  python -m cli audit verify zephyr-foods                    # the API verifies
  python -m cli audit list platform

Keep what `verify` prints as the head: a log that was written anew as a whole does not hold it any more.
"""
LONGEST = 60  # characters of a value in a table
After = Annotated[int, typer.Option("--after", metavar="SEQ", min=0, help="Entries above this number.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many a page.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", dir_okay=False, help="A file, mode 0600, not standard output.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
What = Annotated[
    str,
    typer.Argument(
        metavar="FILE|SLUG", help="An export, whose name has a dot or a slash; or an organization, `platform`."
    ),
]
Kept = Annotated[
    str | None, typer.Option("--head", metavar="SEQ:HASH", help="A head that was kept earlier.", show_default=False)
]

app = typer.Typer(no_args_is_help=True, help="The audit log: who did what, when and why.", epilog=_EXAMPLES)


@app.command("list", epilog=_EXAMPLES)
def list_(
    slug: SlugOrPlatform, after: After = 0, limit: Limit = 100, as_json: options.Json = False,
    wait: options.Wait = False,
) -> None:  # fmt: skip
    """List entries, oldest first, from --after on. Long values are cut; --json shows all of them."""
    with Session.open(wait=wait, by=By.PERSON) as session:
        page = OrganizationApi(session.connection, slug).audit(after, limit)
        rows = [
            [one.seq, one.at, one.actor, one.action, one.target, one.old, one.new, one.reason] for one in page.items
        ]
        heads = ["SEQ", "AT", "ACTOR", "ACTION", "TARGET", "BEFORE", "AFTER", "REASON"]
        session.show(page, as_json, heads, rows)
        if page.next is not None and not as_json:
            session.screen.note(f"There are more: python -m cli audit list {slug} --limit {limit} --after {page.next}")


@app.command("export", epilog=_EXAMPLES)
def export(slug: SlugOrPlatform, output: Output = None, force: Force = False, wait: options.Wait = False) -> None:
    """Write all of the log, a JSON object a line, with what it takes to verify it."""
    if output and output.exists() and not force:
        raise Misused(f"{output} exists.", "--force replaces it.")
    with Session.open(wait=wait, by=By.PERSON) as session:
        text = OrganizationApi(session.connection, slug).export_audit()
        if output is None:
            session.screen.raw(text)
            return
        try:
            replace(output, text)
        except OSError as failed:
            raise Misused(f"{output} cannot be written: {failed.strerror}.") from failed
        session.screen.note(f"{output} written. Verify it: python -m cli audit verify {output}")


@app.command("verify", epilog=_EXAMPLES)
def verify(what: What, head: Kept = None, as_json: options.Json = False, wait: options.Wait = False) -> None:
    """Compute every hash anew: of an export, on this machine; or of the log itself, by the API.

    Exit code 1 if something was changed.
    """
    if "." in what or "/" in what:
        _tell(Screen.current(), _verified(Path(what), _head(head)), as_json)
        return
    if head:
        raise Misused("--head goes with an export.", "Export the log, and verify the file.")
    with Session.open(wait=wait, by=By.PERSON) as session:
        _tell(session.screen, OrganizationApi(session.connection, what).verify_audit(), as_json)


def _short(value: Any) -> str | None:
    text = None if value is None else json.dumps(value, ensure_ascii=False)
    return text if text is None or len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _verified(file: Path, head: Head | None) -> Verified:
    try:
        with file.open(encoding="utf-8", newline="\n") as lines:
            chain = Chain(head).read(lines)
    except UnicodeDecodeError as failed:
        raise Misused(f"{file} is no text in UTF-8.") from failed
    except OSError as failed:
        raise Misused(f"{file} cannot be read: {failed.strerror}.") from failed
    return Verified(valid=not chain.flaws, entries=chain.head.seq, head=chain.head, problems=chain.flaws)


def _tell(screen: Screen, found: Verified, as_json: bool) -> None:
    if as_json:
        screen.json(json.loads(found.model_dump_json()))
    else:
        screen.facts({"entries": found.entries, "head": str(found.head), "whole": "yes" if found.valid else "NO"})
        if found.problems:
            screen.table(["SEQ", "PROBLEM"], [[one.seq, one.problem] for one in found.problems])
    if not found.valid:
        raise Differs("The log is not as it was written.")


def _head(text: str | None) -> Head | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if not found:
        raise Misused(f"--head {text!r} is not of the form SEQ:HASH, as `verify` prints it.")
    return Head(seq=int(found[1]), hash=found[2])
