"""`token`, `kubeconfig`: what kubectl needs to act for the person who is logged in."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, Field, ValidationError

from cli import options
from cli.acting import By
from cli.errors import BadAnswer, CliError, Misused
from cli.identity.api import IdentityApi
from cli.identity.files import PrivateFile, replace
from cli.identity.keeper import EARLY
from cli.session import Session

_PLUGIN = """\
A kubeconfig names it as its exec credential plugin; `kubeconfig` gives such a one. Exit code 0, or 1 with the reason on
standard error, as kubectl expects.
"""
_KUBECONFIG = """\
Examples
  python -m cli kubeconfig zephyr-foods --output ~/.kube/zephyr-foods
  KUBECONFIG=~/.kube/zephyr-foods kubectl get pods
"""
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", dir_okay=False, help="A file, mode 0600, not standard output.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that holds something else.")]


def add_to(built: typer.Typer, panel: str) -> None:
    """Add this module's commands."""
    built.command("token", epilog=_PLUGIN, rich_help_panel=panel)(token)
    built.command("kubeconfig", epilog=_KUBECONFIG, rich_help_panel=panel)(kubeconfig)


class Credential(BaseModel):
    """A token for the Kubernetes API that was given to the process `given_to`; `expires_at` in seconds since 1970."""

    token: str = Field(repr=False)
    expires_at: float
    given_to: int


def token() -> None:
    """Print a token for kubectl, as a client.authentication.k8s.io/v1 ExecCredential.

    It lives for ten minutes and is kept until a minute before its end; the session behind it renews itself.
    """
    try:
        with Session.open(by=By.SELF) as session:
            kept = current(session.identity, session.keeper.cluster_file, asked_by=os.getppid(), now=time.time)
            session.screen.raw(json.dumps(_exec_credential(kept)) + "\n")
    except CliError as error:
        error.exit_code = 1
        raise


def current(api: IdentityApi, file: PrivateFile, *, asked_by: int, now: Callable[[], float]) -> Credential:
    """The credential that is kept, or a new one; one process asks for all that come at the same time.

    kubectl asks a second time in one run only if the API server refused the first: then the token was revoked.
    """
    with file.locked():
        kept = _kept(file)
        if kept is None or now() >= kept.expires_at - EARLY or kept.given_to == asked_by:
            given = api.cluster_token()
            kept = Credential(token=given.token, expires_at=_seconds(given.expires_at), given_to=asked_by)
        else:
            kept = kept.model_copy(update={"given_to": asked_by})
        file.write(kept.model_dump_json())
        return kept


def kubeconfig(slug: options.Slug, output: Output = None, force: Force = False, wait: options.Wait = False) -> None:
    """Write a kubeconfig for the namespace of one of your organizations.

    There is no secret in it: kubectl runs `token` with your session. A file that holds something else stays, unless
    --force.
    """
    with Session.open(wait=wait, by=By.PERSON) as session:
        text = session.identity.kubeconfig(slug)
        if output is None:
            session.screen.raw(text)
            return
        _write(output, text, force=force)
        session.screen.note(f"{output} written. Use it: KUBECONFIG={output} kubectl get pods")


def _kept(file: PrivateFile) -> Credential | None:
    """What is kept; None also for what cannot be read, which the next one replaces."""
    try:
        return Credential.model_validate_json(file.read() or "")
    except ValidationError:
        return None


def _seconds(when: str | float) -> float:
    if isinstance(when, int | float):
        return float(when)
    try:
        return datetime.fromisoformat(when).timestamp()
    except ValueError:
        raise BadAnswer(f"The API's token expires at {when!r}, which is no time.") from None


def _exec_credential(kept: Credential) -> dict[str, object]:
    expires = datetime.fromtimestamp(kept.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": kept.token, "expirationTimestamp": expires},
    }  # fmt: skip


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        if path.exists() and not force and path.read_bytes() != text.encode():
            raise Misused(f"{path} exists and holds something else.", "--force replaces it.")
        replace(path, text)
    except OSError as failed:
        raise Misused(f"{path} cannot be written: {failed.strerror}.") from failed
