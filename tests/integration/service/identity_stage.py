"""People for tests of identity: accounts, organizations and memberships, straight in the database."""

import re
import uuid
from email import message_from_bytes
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher

from service.identity.standing import Granted
from tests.integration.service.conftest import Replica, Stage, new_slug

PASSWORD = "correct-vehicle-lantern-9"
HERE = "192.0.2.1"  # where these tests log in from, if it matters
_NETWORKS = count(1)


@cache
def _hashed() -> str:
    return PasswordHasher(time_cost=2, memory_cost=24 * 1024, parallelism=1).hash(PASSWORD)


def new_email(start: str = "ada") -> str:
    """An address that no other test has used."""
    return f"{start}-{uuid.uuid4().hex[:8]}@acme.example"


def account(stage: Stage, email: str | None = None, *, platform_role: str | None = None) -> str:
    """Somebody who logs in with PASSWORD; the address."""
    email = email or new_email()
    stage.write(
        "insert into tenancy.users (email, password_hash, platform_role) values (%s, %s, %s)",
        email, _hashed(), platform_role,
    )  # fmt: skip
    return email


def committed(stage: Stage, slug: str | None = None) -> tuple[str, int]:
    """An organization that is there; its slug and number."""
    slug = slug or new_slug("org")
    stage.write(
        "insert into tenancy.organizations (slug, name, plan, managed_by, status, committed_at) "
        "values (%s, %s, 'starter', 'test', 'COMMITTED', now())", slug, slug.upper(),
    )  # fmt: skip
    return slug, int(stage.rows("select id from tenancy.organizations where slug = %s", slug)[0]["id"])


def join(stage: Stage, org_id: int, email: str, role: str = "member") -> None:
    """Have the address belong to the organization."""
    stage.write("insert into tenancy.memberships (org_id, email, role) values (%s, %s, %s)", org_id, email, role)


def leave(stage: Stage, org_id: int, email: str) -> None:
    """Have it belong no more."""
    stage.write("delete from tenancy.memberships where org_id = %s and email = %s", org_id, email)


async def logged_in(replica: Replica, email: str, organization: str | None = None) -> Granted:
    """What a log-in at the API gives."""
    # From a network of its own: together they are more than one network may.
    here = f"2001:db8:{next(_NETWORKS):x}::1"
    return await replica.services.identity.sessions.log_in(email, PASSWORD, here, organization)


def bearer(granted: Granted | str) -> dict[str, str]:
    """The header of requests."""
    return {"Authorization": f"Bearer {granted if isinstance(granted, str) else granted.access_token}"}


async def post(replica: Replica, path: str, body: Any = None, *, by: Granted | str | None = None) -> httpx2.Response:
    """POST to /v1/auth."""
    return await replica.client.post(f"/v1/auth{path}", json=body, headers=bearer(by) if by else {})


def letters(folder: Path, to: str) -> list[str]:
    """The texts of the messages that the address got, oldest first."""
    files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    found = [message_from_bytes(path.read_bytes()) for path in files]
    return [str(one.get_payload(decode=True), "utf-8") for one in found if one["To"] == to]  # type: ignore[arg-type]


def mailed_token(text: str) -> str:
    """The token in a message: alone on its line."""
    (token,) = re.findall(r"^([A-Za-z0-9_-]{43})$", text, re.MULTILINE)
    return str(token)
