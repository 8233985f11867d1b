"""What the issuer of tokens, the console in front of it and their clients are told: addresses, keys, secrets."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.fernet import Fernet

from localplane.external import Named
from localplane.files import keep_secret, write_private
from localplane.layout import Layout
from localplane.pki import CLUSTER
from localplane.servers import Ground


def facts(ground: Ground, named: Named) -> dict[str, str]:
    """The variables of ``.local/env``; of a cluster that was named, its address is the operator's to say."""
    authority = str(ground.pki.certificate(CLUSTER))
    return {
        "ISSUER_URL": address("issuer", ground.ports),
        "ISSUER_TLS_CERT": str(ground.pki.certificate("issuer")),
        "ISSUER_TLS_KEY": str(ground.pki.key("issuer")),
        "ISSUER_CA_FILE": authority,
        "IDENTITY_SEAL_KEYS": seal_keys(ground.layout),
        "TOKEN_WEBHOOK_SECRET": keep_secret(ground.layout.secret("token-webhook")),
        "MAIL_FOLDER": str(ground.layout.mail),
        "CONSOLE_URL": address("console", ground.ports),
        "CONSOLE_CLIENT_SECRET": keep_secret(ground.layout.secret("console-client")),
        "CONSOLE_COOKIE_SECRET": keep_secret(ground.layout.secret("console-cookie")),
        **({} if named.kubeconfig else {
            "KUBERNETES_URL": address("kube-apiserver", ground.ports), "KUBERNETES_CA_FILE": authority,
        }),
    }  # fmt: skip


def address(port_name: str, ports: Mapping[str, int]) -> str:
    """Where a server of this machine answers over TLS, without a slash at the end."""
    return f"https://127.0.0.1:{ports[port_name]}"


def seal_keys(layout: Layout) -> str:
    """Fernet keys, newest first, separated by blanks; to replace one, write another before it into the file."""
    path = layout.secret("identity-seal-keys")
    if not path.exists():
        write_private(path, Fernet.generate_key() + b"\n")
    return " ".join(path.read_text().split())
