"""PostgreSQL: TLS and scram-sha-256 on loopback only, durable, ready for point-in-time recovery."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from localplane import processes
from localplane.accounts import Account, as_account, unprivileged
from localplane.errors import NotReady, StartFailed
from localplane.files import keep_secret, private_folder, write_private
from localplane.pki import CLUSTER
from localplane.psql import Psql, SqlRefused
from localplane.servers.base import Ground, Server
from localplane.servers.postgres_roles import (
    DATABASE_NAME,
    STATE_DATABASE_NAME,
    closed_statement,
    database_statement,
    role_statement,
)

SUPERUSER, PLATFORM, APPLICATION = "postgres", "agent_ready_platform", "agent_ready_app"
RELAY = "agent_ready_relay"  # reads settings of every organization, to hand them to its pods
STATE = "agent_ready_state"  # keeps self-service stacks' state in a database of its own, if that is configured
RIGHTS = {
    PLATFORM: "LOGIN CREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS",
    APPLICATION: "LOGIN NOCREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS",
    RELAY: "LOGIN NOCREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS",
    STATE: "LOGIN NOCREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS",
}
#: How long the sessions of a killed postmaster may take to notice.
ORPHAN_SECONDS = 10.0
ONLY_TLS = "hostssl all all 127.0.0.1/32 scram-sha-256\n"


class Postgres(Server):
    """The source of truth. When we are root it runs as another user, who owns its folder."""

    name = "postgres"
    part = "postgres"
    port_names = ("postgres",)
    stop_signal = signal.SIGINT  # "fast shutdown": sessions are ended, everything is written
    stop_seconds = 60.0

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._account: Account | None = unprivileged(self.data)

    @property
    def cluster(self) -> Path:
        """The data directory proper."""
        return self.data / "data"

    def password(self, role: str) -> str:
        return keep_secret(self.layout.secret(f"postgres-{role}"))

    def url(self, role: str, database: str = DATABASE_NAME) -> str:
        """How a role reaches a database, with the server's name verified."""
        return (
            f"postgresql://{role}:{self.password(role)}@127.0.0.1:{self.port}/{database}"
            f"?sslmode=verify-full&sslrootcert={quote(str(self.pki.certificate(CLUSTER)))}"
        )

    def psql(self, role: str = SUPERUSER, database: str = "postgres") -> Psql:
        settings = {
            "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGDATABASE": database,
            "PGUSER": role, "PGPASSWORD": self.password(role),
            "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.pki.certificate(CLUSTER)),
        }  # fmt: skip
        return Psql(self.found.path.with_name("psql"), settings, self.found.environment)

    def prepare(self) -> None:
        private_folder(self.data)
        self._give(self.data)
        for name, content in self._files().items():
            write_private(self.data / name, content)
            self._give(self.data / name)
        if not self.cluster.exists():
            self._initialize()
        elif self._account is not None and self.cluster.stat().st_uid != self._account.uid:
            self._give_all()  # a copy or a restored backup belongs to whoever made it

    def command(self) -> Sequence[str]:
        program = [
            str(self.found.path),
            "-D",
            str(self.cluster),
            f"--config-file={self.data / 'postgresql.conf'}",
        ]
        return as_account(self._account, program, [self.found.path, self.data])

    def inputs(self) -> Sequence[Path | str]:
        return [self.data / name for name in self._files()]

    def clear(self) -> None:
        """Wait for what a killed postmaster left, then remove its lock file.

        The file would stop the next start when its pid has been given to somebody else meanwhile.
        """
        deadline = time.monotonic() + ORPHAN_SECONDS
        while orphans := processes.working_in(self.cluster, "postgres"):
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.cluster} is in use by a PostgreSQL that this command did not start "
                    f"(pid {orphans[0].pid}).\nStop it first: kill -INT {orphans[0].pid}"
                )
            time.sleep(0.05)
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def probe(self) -> None:
        try:
            self.psql().run("SELECT 1")
        except SqlRefused as problem:
            raise NotReady(str(problem)) from problem

    def settle(self) -> None:
        statements = [role_statement(role, rights, self.password(role)) for role, rights in RIGHTS.items()]
        databases = [
            database_statement(DATABASE_NAME, PLATFORM),
            database_statement(STATE_DATABASE_NAME, STATE), closed_statement(STATE_DATABASE_NAME),
        ]  # fmt: skip
        self.psql().run("\n".join([*statements, *databases]))

    def _give(self, path: Path) -> None:
        if self._account is not None:
            self._account.own(path)

    def _give_all(self) -> None:
        self._give(self.cluster)
        for path in self.cluster.rglob("*"):
            self._give(path)

    def _files(self) -> dict[str, str]:
        return {
            "postgresql.conf": self._configured(),
            "pg_hba.conf": ONLY_TLS,
            "server.crt": self.pki.certificate("postgres").read_text(),
            "server.key": self.pki.key("postgres").read_text(),
        }

    def _initialize(self) -> None:
        """Make the data directory under another name: one that was cut off is never taken for a whole one."""
        unfinished = self.data / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        given = self.data / "first-password"
        write_private(given, self.password(SUPERUSER) + "\n")
        self._give(given)
        initdb = self.found.path.with_name("initdb")
        command = [
            str(initdb), "-D", str(unfinished), f"--username={SUPERUSER}", f"--pwfile={given}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
        ]  # fmt: skip
        wrapped = as_account(self._account, command, [initdb, self.data])
        try:
            done = subprocess.run(
                wrapped,
                env=self.environment(),
                cwd=self.data,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
            )
        finally:
            given.unlink()
        if done.returncode != 0:
            raise StartFailed(f"initdb could not make {self.cluster}:\n{done.stderr.strip() or done.stdout.strip()}")
        unfinished.rename(self.cluster)

    def _configured(self) -> str:
        folder = str(self.data).replace("'", "''")
        return f"""\
# Written by localplane on each `up`; ALTER SYSTEM still works.
hba_file = '{folder}/pg_hba.conf'
listen_addresses = '127.0.0.1'
port = {self.port}
unix_socket_directories = ''
ssl = on
ssl_cert_file = '{folder}/server.crt'
ssl_key_file = '{folder}/server.key'
ssl_min_protocol_version = 'TLSv1.2'
password_encryption = 'scram-sha-256'
fsync = on
wal_level = replica
archive_mode = off
max_wal_senders = 4
max_wal_size = 512MB
shared_buffers = 64MB
max_connections = 200
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
"""
