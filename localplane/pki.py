"""The keys of one checkout, in ``.local/pki/``: two authorities, a certificate for each server and client.

etcd has an authority of its own. It gives everything to whoever holds a certificate it trusts, so one
that is good for the API server must not open etcd.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from localplane.certificates import (
    Pair,
    Subject,
    expires_soon,
    is_current,
    is_matching,
    issue,
    make_authority,
    make_signing_key,
)
from localplane.files import write_private

CLUSTER, ETCD = "ca", "etcd-ca"
HOSTS = ("127.0.0.1", "localhost")

#: The first address of the service range is the API server's own, whoever asks for it in the cluster.
SERVICE_RANGE = "10.96.0.0/16"
API_HOSTS = (
    *HOSTS, "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)  # fmt: skip

#: Identities with a kubeconfig: admin is for people only, since system:masters passes every admission check.
ADMIN = Subject("agent-ready:admin", group="system:masters", client=True)
CONTROLLERS = Subject("system:kube-controller-manager", client=True)
PULUMI = Subject("agent-ready:pulumi", client=True)
SERVICE = Subject("agent-ready:service", client=True)
HEALTH = Subject("agent-ready:health", client=True)

LEAVES: Mapping[str, tuple[str, Subject]] = {
    "apiserver": (CLUSTER, Subject("kube-apiserver", hosts=API_HOSTS, server=True)),
    "controllers": (CLUSTER, Subject("kube-controller-manager", hosts=HOSTS, server=True)),
    "postgres": (CLUSTER, Subject("postgres", hosts=HOSTS, server=True)),
    "redis": (CLUSTER, Subject("redis", hosts=HOSTS, server=True)),
    "relay": (CLUSTER, Subject("relay", hosts=HOSTS, server=True)),
    "issuer": (CLUSTER, Subject("issuer", hosts=HOSTS, server=True)),
    "console": (CLUSTER, Subject("console", hosts=HOSTS, server=True)),
    "client-admin": (CLUSTER, ADMIN),
    "client-controllers": (CLUSTER, CONTROLLERS),
    "client-pulumi": (CLUSTER, PULUMI),
    "client-service": (CLUSTER, SERVICE),
    "client-health": (CLUSTER, HEALTH),
    # etcd's gateway to itself presents the server's certificate as a client's: it needs both purposes.
    "etcd": (ETCD, Subject("etcd", hosts=HOSTS, server=True, client=True)),
    "etcd-client-apiserver": (ETCD, Subject("kube-apiserver", client=True)),
    "etcd-client": (ETCD, Subject("agent-ready:etcd", client=True)),
}


class Pki:
    """Certificates and keys by name, on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    @property
    def token_key(self) -> Path:
        """The private key that signs service account tokens."""
        return self.folder / "service-account.key"

    @property
    def token_public_key(self) -> Path:
        return self.folder / "service-account.pub"

    def read(self, name: str) -> Pair:
        return Pair(self.certificate(name).read_bytes(), self.key(name).read_bytes())

    def ensure(self) -> list[str]:
        """Make what is missing, renew what ends within 30 days or no longer fits; says what was made."""
        made = [name for name in (CLUSTER, ETCD) if self._ensure_authority(name)]
        made += [name for name in LEAVES if self._ensure_leaf(name)]
        if not (self.token_key.exists() and self.token_public_key.exists()):
            private, public = make_signing_key()
            write_private(self.token_key, private)
            write_private(self.token_public_key, public)
            made.append("service-account")
        return made

    def _ensure_authority(self, name: str) -> bool:
        if self._exists(name) and is_matching(pair := self.read(name)) and not expires_soon(pair.certificate):
            return False
        self._write(name, make_authority(f"agent-ready {name}"))
        return True

    def _ensure_leaf(self, name: str) -> bool:
        signer, subject = LEAVES[name]
        authority = self.read(signer)
        if self._exists(name) and is_current(self.read(name), authority, subject):
            return False
        self._write(name, issue(authority, subject))
        return True

    def _exists(self, name: str) -> bool:
        return self.certificate(name).exists() and self.key(name).exists()

    def _write(self, name: str, pair: Pair) -> None:
        write_private(self.key(name), pair.key)
        write_private(self.certificate(name), pair.certificate)
