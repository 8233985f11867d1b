"""`clients`: services that log people in by the issuer, such as those behind OAuth2-Proxy."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.acting import By
from cli.admin.api import OrganizationApi
from cli.admin.options import SlugOrPlatform
from cli.errors import Misused
from cli.identity.files import replace
from cli.session import Session

_EXAMPLES = """\
Examples
  python -m cli clients set zephyr-foods wiki --name "Our wiki" --redirect-uri https://wiki.example/oauth2/callback \\
      --secret-file wiki.secret
  python -m cli clients set zephyr-foods wiki --new-secret --secret-file wiki-2.secret …
  python -m cli clients list zephyr-foods
  python -m cli clients remove zephyr-foods wiki --reason "gone"
"""
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log.", show_default=False)]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="Its id: a-z, 0-9 and hyphens.")]
Name = Annotated[str, typer.Option("--name", help="What people see when they log in.")]
RedirectUri = Annotated[
    list[str],
    typer.Option("--redirect-uri", metavar="URI", help="Where people come back to, to the letter. Repeatable."),
]
NewSecret = Annotated[bool, typer.Option("--new-secret", help="Another secret; the one before ends at once.")]
SecretFile = Annotated[
    Path | None,
    typer.Option("--secret-file", metavar="FILE", help="Where a new secret goes, mode 0600.", show_default=False),
]

app = typer.Typer(no_args_is_help=True, help="Services that log people in by the issuer.", epilog=_EXAMPLES)


@app.command("list")
def list_(slug: SlugOrPlatform, as_json: options.Json = False, wait: options.Wait = False) -> None:
    """List what is registered."""
    with Session.open(wait=wait, by=By.PERSON) as session:
        found = OrganizationApi(session.connection, slug).clients()
        rows = [[one.client_id, one.name, ", ".join(one.redirect_uris), one.created_by] for one in found.items]
        session.show(found, as_json, ["CLIENT", "NAME", "REDIRECT URIS", "BY"], rows)


@app.command("set", epilog=_EXAMPLES)
def set_(
    slug: SlugOrPlatform, client: ClientId, name: Name, redirect_uri: RedirectUri, reason: Reason = "",
    new_secret: NewSecret = False, secret_file: SecretFile = None, as_json: options.Json = False,
    wait: options.Wait = False,
) -> None:  # fmt: skip
    """Register a service, or change what is registered. Its secret goes into a file, once."""
    if secret_file and secret_file.exists():
        raise Misused(f"{secret_file} exists.", "Name another file, or move that one away.")
    body = {"name": name, "redirect_uris": redirect_uri, "reason": reason}
    with Session.open(wait=wait, by=By.PERSON) as session:
        api = OrganizationApi(session.connection, slug)
        if not secret_file and (new_secret or not _is_there(api, slug, client)):
            raise Misused(f"{client} gets a secret, which is told once.", "--secret-file FILE says where it goes.")
        made = api.put_client(client, body | ({"new_secret": True} if new_secret else {}))
        if made.client_secret and secret_file:
            session.screen.hide(made.client_secret)
            _write(secret_file, made.client_secret)
            session.screen.note(f"{secret_file} written")
        session.tell(made, as_json, {"client": made.client_id, "redirect uris": ", ".join(redirect_uri)})


@app.command("remove", epilog=_EXAMPLES)
def remove(slug: SlugOrPlatform, client: ClientId, reason: Reason = "", wait: options.Wait = False) -> None:
    """Have a service log nobody in any more."""
    with Session.open(wait=wait, by=By.PERSON) as session:
        OrganizationApi(session.connection, slug).remove_client(client, reason)
        session.screen.note(f"{client} is removed.")


def _is_there(api: OrganizationApi, slug: str, client: str) -> bool:
    """An organization's own ids begin with its slug everywhere else."""
    return any(one.client_id in (client, f"{slug}.{client}") for one in api.clients().items)


def _write(file: Path, secret: str) -> None:
    try:
        replace(file, secret)  # no line end: OAuth2-Proxy takes the whole file for the secret
    except OSError as failed:
        raise Misused(
            f"{file} cannot be written: {failed.strerror}. The secret is lost.", "Set it anew with --new-secret."
        ) from failed
