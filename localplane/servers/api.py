"""The API of this checkout (``python -m service``), once the catalog is deployed: it needs the schema."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localplane import envfile
from localplane.files import private_folder
from localplane.probes import http_ok
from localplane.servers.base import Server

#: The rooms that it runs: a change of their files means a restart.
ROOMS = ("service", "engine", "components", "provider", "cluster", "database", "tenants", "liveconfig")
SUFFIXES = (".py", ".sql", ".yaml")


class Api(Server):
    """One replica, in the background; it listens as the issuer too, over TLS."""

    name = "service"
    part = "pulumi"  # its engines are pulumi's
    port_names = ("api", "issuer")
    needs = ("kube-apiserver", "postgres", "redis")
    stop_seconds = 45.0  # what is at work comes to its end

    def prepare(self) -> None:
        private_folder(self.data)

    def command(self) -> Sequence[str]:
        return [str(self.layout.local / "venv" / "bin" / "python"), "-m", "service"]

    def inputs(self) -> Sequence[Path | str]:
        found = (path for room in ROOMS for path in (self.layout.root / room).rglob("*"))
        return sorted(path for path in found if path.suffix in SUFFIXES and path.is_file())

    def environment(self) -> dict[str, str]:
        """What ``.local/env`` says, and where the rooms are."""
        return {
            **super().environment(), **envfile.read(self.layout.env),
            "PYTHONPATH": str(self.layout.root), "PYTHONUNBUFFERED": "1",
        }  # fmt: skip

    def probe(self) -> None:
        http_ok(self.port, "/readyz")
