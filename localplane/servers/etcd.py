"""etcd, one member: mutual TLS for clients and for itself as a peer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localplane.files import private_folder
from localplane.pki import ETCD
from localplane.probes import https_ok, trust
from localplane.servers.base import Server


class Etcd(Server):
    """The cluster's memory; only the API server talks to it."""

    name = "etcd"
    part = "etcd"
    port_names = ("etcd", "etcd-peer")

    def prepare(self) -> None:
        private_folder(self.data)

    def command(self) -> Sequence[str]:
        client, peer = (f"https://127.0.0.1:{self.ports[name]}" for name in self.port_names)
        authority, certificate, key = self._keys()
        return [
            str(self.found.path),
            "--name=agent-ready",
            f"--data-dir={self.data}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=agent-ready={peer}",
            "--client-cert-auth",
            f"--trusted-ca-file={authority}",
            f"--cert-file={certificate}",
            f"--key-file={key}",
            "--peer-client-cert-auth",
            f"--peer-trusted-ca-file={authority}",
            f"--peer-cert-file={certificate}",
            f"--peer-key-file={key}",
            # A lone member has nobody to wait for: it elects itself after this many milliseconds.
            "--heartbeat-interval=10",
            "--election-timeout=100",
            "--log-level=warn",
        ]

    def inputs(self) -> Sequence[Path | str]:
        return self._keys()

    def probe(self) -> None:
        context = trust(self.pki.certificate(ETCD), self.pki.certificate("etcd-client"), self.pki.key("etcd-client"))
        https_ok(self.port, "/health", context)

    def _keys(self) -> tuple[Path, Path, Path]:
        return self.pki.certificate(ETCD), self.pki.certificate("etcd"), self.pki.key("etcd")
