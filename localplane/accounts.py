"""Running a server as somebody else: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from localplane.errors import StartFailed

#: Read and walk anywhere, write nowhere: what is missing when the checkout lies below a folder such as /root.
WALK = "dac_read_search"
CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give a file or folder to this account."""
        os.chown(path, self.uid, self.gid)


def unprivileged(owned: Path) -> Account | None:
    """Who runs the server that owns this folder; None when we are not root and stay who we are.

    A folder that exists keeps its owner, so that data stay readable when a package later brings its own user.
    """
    if os.geteuid() != 0:
        return None
    if owned.exists() and owned.stat().st_uid != 0:
        return _account(pwd.getpwuid(owned.stat().st_uid))
    for name in CANDIDATES:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise StartFailed(
        f"PostgreSQL refuses to run as root, and none of the users {', '.join(CANDIDATES)} exists.\n"
        "Make one with `adduser --system postgres`, or run as a user who is not root."
    )


def as_account(account: Account | None, argv: Sequence[str], paths: Iterable[Path]) -> list[str]:
    """The command that runs ``argv`` as the account, with WALK only if ``paths`` need it."""
    if account is None:
        return list(argv)
    plain = _setpriv(account, capability=None)
    if all(_reaches(plain, path) for path in paths):
        return [*plain, *argv]
    walking = _setpriv(account, capability=WALK)
    for path in paths:
        if not _reaches(walking, path):
            raise StartFailed(
                f"{path} cannot be reached by the user {account.name}, which PostgreSQL runs as, and the "
                f"capability {WALK} cannot be given on this machine.\n"
                "Move the checkout below a folder others may walk through, or run as a user who is not root."
            )
    return [*walking, *argv]


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _setpriv(account: Account, capability: str | None) -> list[str]:
    kept = f"-all,+{capability}" if capability else "-all"
    return [
        "setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", "--no-new-privs",
        f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}",
    ]  # fmt: skip


def _reaches(prefix: Sequence[str], path: Path) -> bool:
    """Asked by walking there: modes, access lists and capabilities count (``test -r`` would miss the last)."""
    try:
        return subprocess.run([*prefix, "test", "-e", str(path)], capture_output=True).returncode == 0
    except FileNotFoundError as problem:
        raise StartFailed(
            "setpriv is missing, and as root PostgreSQL needs it to change the user.\nInstall the package util-linux."
        ) from problem
