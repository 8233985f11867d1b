"""`token`, `kubeconfig`: what kubectl needs to act for the person who is logged in."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, Field, ValidationError

from cli import options
from cli.acting import By
from cli.errors import BadAnswer, CliError, Misused, Unavailable
from cli.identity.api import IdentityApi
from cli.identity.files import replace
from cli.identity.keeper import EARLY, Keeper
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
    """A token for the Kubernetes API that was given to the process `given_to`; `expires_at` in seconds since 1970.

    `gone_with` is the fingerprint of the access token that it was got by: what ends that one has ended this one too.
    """

    token: str = Field(repr=False)
    expires_at: float
    given_to: int
    gone_with: str


def token() -> None:
    """Print a token for kubectl, as a client.authentication.k8s.io/v1 ExecCredential.

    It lives for ten minutes and is kept until a minute before its end; the session behind it renews itself.
    """
    try:
        with Session.open(by=By.SELF) as session:
            kept = Credentials(session.identity, session.keeper).current(os.getppid())
            session.screen.raw(json.dumps(_exec_credential(kept)) + "\n")
    except CliError as error:
        error.exit_code = 1
        raise


class Credentials:
    """What is kept for kubectl, beside the session. One process asks for all that need a new one at the same time."""

    def __init__(self, api: IdentityApi, keeper: Keeper, now: Callable[[], float] = time.time) -> None:
        self._api, self._keeper, self._file, self._now = api, keeper, keeper.cluster_file, now

    def current(self, asked_by: int) -> Credential:
        """The credential that is kept, or a new one."""
        with self._file.locked():
            kept = self._kept()
            if kept is None or not self._serves(kept, asked_by):
                kept = self._new(asked_by)
            self._file.write(kept.model_copy(update={"given_to": asked_by}).model_dump_json())
            return kept

    def _serves(self, kept: Credential, asked_by: int) -> bool:
        """kubectl asks a second time in one run only if the API server refused the first: then it was revoked."""
        if self._now() >= kept.expires_at - EARLY or kept.given_to == asked_by:
            return False
        with suppress(Unavailable):  # an API that is away says nothing against it
            self._api.me()  # renews the access token if it does not count any more
        return kept.gone_with == self._fingerprint()

    def _new(self, asked_by: int) -> Credential:
        given = self._api.cluster_token()
        return Credential(
            token=given.token, expires_at=_seconds(given.expires_at), given_to=asked_by, gone_with=self._fingerprint()
        )

    def _kept(self) -> Credential | None:
        """None also for what cannot be read, which the next one replaces."""
        try:
            return Credential.model_validate_json(self._file.read() or "")
        except ValidationError:
            return None

    def _fingerprint(self) -> str:
        return sha256(self._keeper.token().encode()).hexdigest()


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
