"""kube-apiserver: RBAC only, nobody anonymous, Secrets encrypted at rest, every change in the audit log."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from localplane.files import keep_secret, private_folder, write_private
from localplane.pki import CLUSTER, ETCD, SERVICE_RANGE
from localplane.probes import https_ok, trust
from localplane.servers.base import Server

AUDIT_POLICY = Path(__file__).with_name("audit-policy.yaml")


class ApiServer(Server):
    """The Kubernetes API, with the default admission plugins, PodSecurity among them."""

    name = "kube-apiserver"
    part = "kube-apiserver"
    port_names = ("kube-apiserver",)
    needs = ("etcd",)

    @property
    def _encryption(self) -> Path:
        return self.data / "encryption.json"

    def prepare(self) -> None:
        private_folder(self.data)
        secret = keep_secret(self.layout.secret("cluster-encryption"))
        key = b64encode(hashlib.sha256(secret.encode()).digest()).decode()
        write_private(self._encryption, _encryption_configuration(key))

    def command(self) -> Sequence[str]:
        address = f"https://127.0.0.1:{self.port}"
        return [
            str(self.found.path),
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--advertise-address=127.0.0.1",
            # Endpoints of the Service "kubernetes" may not be loopback addresses, and no pod would use them.
            "--endpoint-reconciler-type=none",
            f"--etcd-servers=https://127.0.0.1:{self.ports['etcd']}",
            f"--etcd-cafile={self.pki.certificate(ETCD)}",
            f"--etcd-certfile={self.pki.certificate('etcd-client-apiserver')}",
            f"--etcd-keyfile={self.pki.key('etcd-client-apiserver')}",
            f"--tls-cert-file={self.pki.certificate('apiserver')}",
            f"--tls-private-key-file={self.pki.key('apiserver')}",
            f"--client-ca-file={self.pki.certificate(CLUSTER)}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={address}",
            f"--service-account-signing-key-file={self.pki.token_key}",
            f"--service-account-key-file={self.pki.token_public_key}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--encryption-provider-config={self._encryption}",
            f"--audit-policy-file={AUDIT_POLICY}",
            f"--audit-log-path={self.layout.logs / 'audit.log'}",
            "--audit-log-maxsize=20",
            "--audit-log-maxbackup=3",
            "--event-ttl=15m",
            "--profiling=false",
            "--shutdown-delay-duration=0s",
            # Watches are told to end; otherwise one open watch delays the stop by a minute.
            "--shutdown-watch-termination-grace-period=2s",
        ]

    def inputs(self) -> Sequence[Path | str]:
        names = ("apiserver", "etcd-client-apiserver", CLUSTER, ETCD)
        return [AUDIT_POLICY, self._encryption, self.pki.token_key, *map(self.pki.certificate, names)]

    def probe(self) -> None:
        """Asked as a user without a group: every authenticated one may read /readyz once RBAC is set up."""
        client = self.pki.certificate("client-health"), self.pki.key("client-health")
        https_ok(self.port, "/readyz", trust(self.pki.certificate(CLUSTER), *client))


def _encryption_configuration(key: str) -> str:
    """Secrets are written with XSalsa20 and Poly1305; ``identity`` reads what was never encrypted."""
    return f"""\
{{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": [
  {{"resources": ["secrets"], "providers": [
    {{"secretbox": {{"keys": [{{"name": "local", "secret": "{key}"}}]}}}},
    {{"identity": {{}}}}
  ]}}
]}}
"""
