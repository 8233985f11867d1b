"""The relay of this checkout (``python -m liveconfig.relay``): hands changed settings to the pods of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localplane import envfile
from localplane.files import private_folder
from localplane.pki import CLUSTER
from localplane.probes import http_ok, tls_ok, trust
from localplane.servers.base import Server

#: What it runs: a change of these files means a restart.
ROOM = "liveconfig"


class Relay(Server):
    """One relay, in the background. It reads as a role of its own, and needs that role's tables."""

    name = "relay"
    part = "pulumi"  # it is of Python alone; this one is always there, and adds nothing to its environment
    port_names = ("relay", "relay-metrics")
    needs = ("postgres", "redis")

    def prepare(self) -> None:
        private_folder(self.data)

    def command(self) -> Sequence[str]:
        return [str(self.layout.local / "venv" / "bin" / "python"), "-m", "liveconfig.relay"]

    def inputs(self) -> Sequence[Path | str]:
        code = (self.layout.root / ROOM).rglob("*.py")
        return [*sorted(code), self.pki.certificate("relay"), self.pki.certificate(CLUSTER)]

    def environment(self) -> dict[str, str]:
        """What ``.local/env`` says of its ways in, and where the room is."""
        said = envfile.read(self.layout.env)
        return {
            **super().environment(),
            "RELAY_DATABASE_URL": said["RELAY_DATABASE_URL"],
            "REDIS_URL": said["RELAY_REDIS_URL"],
            "REDIS_CA_FILE": said["REDIS_CA_FILE"],
            "RELAY_TLS_CERT": str(self.pki.certificate("relay")),
            "RELAY_TLS_KEY": str(self.pki.key("relay")),
            "RELAY_LISTEN": f"127.0.0.1:{self.port}",
            "RELAY_METRICS": f"127.0.0.1:{self.ports['relay-metrics']}",
            "PYTHONPATH": str(self.layout.root), "PYTHONUNBUFFERED": "1",
        }  # fmt: skip

    def probe(self) -> None:
        """It has read PostgreSQL, and answers pods."""
        http_ok(self.ports["relay-metrics"], "/readyz")
        tls_ok(self.port, trust(self.pki.certificate(CLUSTER)))
