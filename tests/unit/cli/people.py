"""Somebody who logs in, and what the API gives them."""

import json
from pathlib import Path
from typing import Any

from tests.unit.cli.fake_api import FakeApi

ADA = "ada@zephyr.example"
PASSWORD = "hidden-password-of-ada"
ZEPHYR = {"slug": "zephyr", "name": "Zephyr", "role": "owner"}
ACME = {"slug": "acme", "name": "Acme", "role": "viewer"}
LOGIN, REFRESH = "POST /v1/auth/login", "POST /v1/auth/refresh"
SECRET = "hidden-"  # begins everything that must not be printed
ENDED = {"type": "https://agent-ready.io/problems/session-ended", "title": "The session has ended", "detail": "log in"}
UNKNOWN = {"type": "https://agent-ready.io/problems/unauthorized", "title": "The caller is not known"}


def tokens(number: int = 1, *, lives: int = 3600, organization: dict[str, str] | None = ZEPHYR) -> dict[str, Any]:
    """What a log-in or a renewal gives; `lives` is seconds."""
    return {
        "access_token": access(number), "token_type": "Bearer", "expires_in": lives, "refresh_token": refresh(number),
        "user": {"id": "u-1", "email": ADA, "platform_role": None}, "organization": organization,
        "organizations": [ZEPHYR, ACME],
    }  # fmt: skip


def access(number: int) -> str:
    """The access token of that number."""
    return f"{SECRET}access-{number}"


def refresh(number: int) -> str:
    """The refresh token of that number."""
    return f"{SECRET}refresh-{number}"


def bearers(api: FakeApi, call: str) -> list[str | None]:
    """By which tokens that was asked."""
    sent = [asked.headers.get("Authorization") for asked in api.asked if asked.call == call]
    return [one.removeprefix("Bearer ") if one else None for one in sent]


def session_files(state: Path) -> list[Path]:
    """What is kept, but locks."""
    return sorted(path for path in (state / "agent-ready").iterdir() if path.suffix != ".lock")


def kept(state: Path) -> dict[str, Any]:
    """What the one session file holds."""
    (file,) = [path for path in session_files(state) if ".kubernetes" not in path.name]
    found: dict[str, Any] = json.loads(file.read_text())
    return found
