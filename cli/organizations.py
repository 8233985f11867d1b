"""`list`, `show`, `export`, `delete`."""

import os
import shlex
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from cli import options
from cli.answers import Organization, OrganizationPage
from cli.errors import BadAnswer, Misused
from cli.screen import Screen
from cli.session import Session, going_on, idempotency_key

_LIST = """\
Examples
  python -m cli list                                     # the first page, and how to get the next
  python -m cli list --all --json | jq -r '.items[].slug'
"""
_EXPORT = """\
Examples
  python -m cli export zephyr-foods -o tenants/orgs/zephyr-foods.yaml
  python -m cli export zephyr-foods | diff - tenants/orgs/zephyr-foods.yaml
"""
_DELETE = """\
Examples
  python -m cli delete zephyr-foods
  python -m cli delete zephyr-foods --yes --confirm zephyr-foods    # protected, in a script
"""
After = Annotated[
    str | None, typer.Option("--after", help="Cursor that the page before ended with.", show_default=False)
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="Organizations a page.")]
All = Annotated[bool, typer.Option("--all", help="All pages.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", dir_okay=False, help="A file, not standard output.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm", metavar="SLUG", help="The slug once more, for a protected one.", show_default=False),
]


def add_to(built: typer.Typer, panel: str) -> None:
    """Add this module's commands."""
    built.command("list", epilog=_LIST, rich_help_panel=panel)(list_)
    built.command("show", rich_help_panel=panel)(show)
    built.command("export", epilog=_EXPORT, rich_help_panel=panel)(export)
    built.command("delete", epilog=_DELETE, rich_help_panel=panel)(delete)


def list_(
    after: After = None, limit: Limit = 50, everything: All = False, as_json: options.Json = False,
    wait: options.Wait = False,
) -> None:  # fmt: skip
    """List organizations, page by page."""
    with Session.open(wait=wait) as session:
        page = _all(session, after, limit) if everything else session.api.organizations(after, limit)
        if as_json:
            session.screen.json(page.plain())
            return
        rows = [[o.slug, o.name, o.plan, o.status, o.namespace, o.managed_by] for o in page.items]
        session.screen.table(["SLUG", "NAME", "PLAN", "STATUS", "NAMESPACE", "MANAGED BY"], rows)
        if page.next:
            session.screen.note(f"There are more: python -m cli list --limit {limit} --after {shlex.quote(page.next)}")


def _all(session: Session, after: str | None, limit: int) -> OrganizationPage:
    whole: list[Organization] = []
    with session.screen.progress("organizations") as ticker:
        while True:
            page = session.api.organizations(after, limit)
            whole += page.items
            ticker.now(f"{len(whole)} organizations")
            if page.next is None:
                return OrganizationPage(items=whole, next=None)
            if page.next == after:
                raise BadAnswer(f"The page after {after} names itself as the next one.")
            after = page.next


def show(slug: options.Slug, as_json: options.Json = False, wait: options.Wait = False) -> None:
    """Show one organization."""
    with Session.open(wait=wait) as session:
        organization = session.api.organization(slug)
        if as_json:
            session.screen.json(organization.plain())
        else:
            session.screen.facts({name.replace("_", " "): value for name, value in organization.plain().items()})


def export(slug: options.Slug, output: Output = None, force: Force = False, wait: options.Wait = False) -> None:
    """Write an organization as a catalog file.

    The catalog can adopt what this file describes without replacing anything. A file that exists stays, unless --force.
    """
    if output and output.exists() and not force:
        raise Misused(f"{output} exists.", "--force replaces it.")
    with Session.open(wait=wait) as session:
        text = session.api.export(slug)
        if output is None:
            session.screen.raw(text)
            return
        _write(output, text)
        session.screen.note(f"{output} written")


def _write(path: Path, text: str) -> None:
    """The whole file or none of it."""
    try:
        with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False) as file:
            file.write(text)
        Path(file.name).chmod(0o666 & ~_umask())
        Path(file.name).replace(path)
    except OSError as failed:
        raise Misused(f"{path} cannot be written: {failed.strerror}.") from failed


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def delete(
    slug: options.Slug, yes: options.Yes = False, confirm: Confirm = None, key: options.Key = None,
    wait: options.Wait = False,
) -> None:  # fmt: skip
    """Delete an organization with everything in it.

    It asks first; --yes does not. A protected one is deleted only if its slug is given once more: typed when asked, or
    as --confirm. What the catalog manages is deleted by removing its file, not here. A slug is never given out again.
    """
    own_key = idempotency_key(key)
    with Session.open(wait=wait) as session:
        found = session.api.organization(slug)
        _agree(session.screen, found, yes=yes, confirm=confirm)
        session.screen.note(f"Idempotency-Key {own_key}")
        with going_on("The deletion may go on.", f"Repeat it with --key {own_key}, or: python -m cli show {slug}"):
            accepted = session.api.delete(slug, own_key, confirm=found.protected)
        session.follow(accepted.operation_id)
        session.screen.line(f"{slug} is deleted. Its slug is never given out again.")


def _agree(screen: Screen, found: Organization, *, yes: bool, confirm: str | None) -> None:
    """Raise Misused unless the operator wants exactly this organization deleted."""
    if confirm is not None and confirm != found.slug:
        raise Misused(f"--confirm says {confirm!r}, the organization is {found.slug!r}. Nothing was done.")
    if confirm is None and found.protected and yes:
        raise Misused(
            f"{found.slug} is protected, as what holds data is; --yes alone does not delete it. Nothing was done.",
            f"If you mean it, add --confirm {found.slug}",
        )
    if yes:
        return
    screen.ask_about(
        f"This deletes {found.name} ({found.slug}): namespace {found.namespace} with every object and volume in it, "
        "its database login and its rows. The slug is never given out again."
    )
    if not _answer(found, confirm):
        raise Misused("Nothing was done.")


def _answer(found: Organization, confirm: str | None) -> bool:
    try:
        if not found.protected or confirm:
            return typer.confirm("Delete it?", err=True)
        return str(typer.prompt("It is protected. Type its slug to delete it", err=True)) == found.slug
    except typer.Abort:
        raise Misused("Nobody answered. Nothing was done.", "In a script: --yes, and --confirm if protected.") from None
