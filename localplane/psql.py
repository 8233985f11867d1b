"""Talking to PostgreSQL through its own client: SQL on standard input, the password in the environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from localplane.errors import Misnamed, PlaneError

SCHEMES = ("postgresql", "postgres")
#: Parameters of a URL that libpq also takes from the environment, and how they are called there.
PARAMETERS = {
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT", "options": "PGOPTIONS", "channel_binding": "PGCHANNELBINDING",
    "host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD",
}  # fmt: skip
SECONDS = 30


class SqlRefused(PlaneError):
    """psql ended with an error; the text is its own."""


@dataclass(frozen=True)
class Psql:
    """One way in: the client's path, and libpq's settings as environment variables."""

    binary: Path
    settings: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, sql: str) -> str:
        """Run statements, stop at the first error; unaligned rows without headings."""
        environment = {
            "PATH": os.defpath, "LANG": "C.UTF-8", "PGCONNECT_TIMEOUT": "3", "PGAPPNAME": "localplane",
            **self.environment, **self.settings,
        }  # fmt: skip
        command = [str(self.binary), "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        try:
            done = subprocess.run(command, input=sql, env=environment, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired as problem:
            raise SqlRefused(f"no answer within {SECONDS} s") from problem
        if done.returncode != 0:
            raise SqlRefused(done.stderr.strip() or f"psql ended with code {done.returncode}")
        return done.stdout.strip()


def settings_of(url: str) -> dict[str, str]:
    """libpq's environment for a ``postgresql://`` URL; a URL would show the password in the process list."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise Misnamed(
            f"DATABASE_URL begins with {parts.scheme or url[:12]!r}; it has to be a URL like "
            "postgresql://user:password@host:5432/database?sslmode=verify-full."
        )
    try:
        port = parts.port
    except ValueError as problem:
        raise Misnamed(f"DATABASE_URL has a port that is none: {problem}.") from problem
    named = {
        "PGHOST": parts.hostname or "", "PGPORT": str(port or ""), "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""), "PGDATABASE": unquote(parts.path.lstrip("/")),
    }  # fmt: skip
    for name, value in parse_qsl(parts.query):
        if name not in PARAMETERS:
            raise Misnamed(f"DATABASE_URL has the parameter {name!r}; known here are {', '.join(PARAMETERS)}.")
        named[PARAMETERS[name]] = value
    return {name: value for name, value in named.items() if value}
