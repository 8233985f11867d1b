"""Kubeconfig files with everything inside, so that each can be copied as one file."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from localplane.certificates import Pair
from localplane.files import write_private

CONTEXT = "agent-ready"


def write(path: Path, server: str, authority: bytes, client: Pair, user: str) -> bool:
    """Write one; ``server`` is the address with scheme and port. True when the file changed."""
    return write_private(path, render(server, authority, client, user))


def write_with_token(path: Path, server: str, authority: bytes, token: str) -> bool:
    """Write one of a client that shows a token: what the API server reads to reach a webhook."""
    return write_private(path, _rendered(server, authority, CONTEXT, f"token: {token}"))


def render(server: str, authority: bytes, client: Pair, user: str) -> str:
    """The kubeconfig of one client certificate."""
    certificate = f"client-certificate-data: {_encoded(client.certificate)}"
    return _rendered(server, authority, user, f"{certificate}\n    client-key-data: {_encoded(client.key)}")


def _rendered(server: str, authority: bytes, user: str, credentials: str) -> str:
    return f"""\
apiVersion: v1
kind: Config
current-context: {CONTEXT}
clusters:
- name: {CONTEXT}
  cluster:
    server: {server}
    certificate-authority-data: {_encoded(authority)}
contexts:
- name: {CONTEXT}
  context:
    cluster: {CONTEXT}
    user: {user}
users:
- name: {user}
  user:
    {credentials}
"""


def _encoded(data: bytes) -> str:
    return b64encode(data).decode()
