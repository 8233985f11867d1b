"""Redis, TLS only, as the channel of hints: nothing in it is worth keeping, nothing is written to disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from localplane.files import keep_secret, private_folder, write_private
from localplane.pki import CLUSTER
from localplane.probes import redis_ping, trust
from localplane.servers.base import Server

HANDSHAKE = "+auth +hello +ping +quit +client|setname"
LISTENING = "+subscribe +psubscribe +unsubscribe +punsubscribe"

#: Who may do what. Only hints are published, about configuration and revoked tokens; whoever may use ACL could take
#: the rest.
RULES = {
    "publisher": f"resetkeys resetchannels &config:* &revocations -@all {HANDSHAKE} +publish",
    "operator": f"resetkeys resetchannels &config:* -@all {HANDSHAKE} +acl +info +client +pubsub +publish {LISTENING}",
    "listener": f"resetkeys resetchannels &revocations -@all {HANDSHAKE} +subscribe +unsubscribe",
    "relay": f"resetkeys resetchannels &config:* -@all {HANDSHAKE} {LISTENING}",
    "health": "resetkeys resetchannels -@all +auth +hello +ping +quit",
}


class Redis(Server):
    """The channel and its users."""

    name = "redis"
    part = "redis-server"
    port_names = ("redis",)

    @property
    def _configuration(self) -> Path:
        return self.data / "redis.conf"

    @property
    def users(self) -> Path:
        """The ACL file; ``ACL SAVE`` adds organizations' users to it."""
        return self.data / "users.acl"

    def password(self, user: str) -> str:
        return keep_secret(self.layout.secret(f"redis-{user}"))

    def prepare(self) -> None:
        private_folder(self.data)
        write_private(self._configuration, self._configured())
        write_private(self.users, "\n".join([*self._own_users(), *self._other_users()]) + "\n")

    def command(self) -> Sequence[str]:
        return [str(self.found.path), str(self._configuration)]

    def inputs(self) -> Sequence[Path | str]:
        """Our own users, not the file: others are added to it while Redis runs."""
        keys = self.pki.certificate("redis"), self.pki.certificate(CLUSTER)
        return [self._configuration, *self._own_users(), *keys]

    def probe(self) -> None:
        context = trust(self.pki.certificate(CLUSTER))
        redis_ping("127.0.0.1", self.port, context, "health", self.password("health"))

    def _own_users(self) -> list[str]:
        return ["user default off resetpass resetkeys resetchannels -@all"] + [
            f"user {name} on resetpass #{hashlib.sha256(self.password(name).encode()).hexdigest()} {rules}"
            for name, rules in RULES.items()
        ]

    def _other_users(self) -> list[str]:
        lines = self.users.read_text().splitlines() if self.users.exists() else []
        own = {"default", *RULES}
        return [line for line in lines if line.startswith("user ") and line.split()[1] not in own]

    def _configured(self) -> str:
        return f"""\
# Written by localplane on each `up`.
bind 127.0.0.1
port 0
tls-port {self.port}
tls-cert-file "{self.pki.certificate("redis")}"
tls-key-file "{self.pki.key("redis")}"
tls-ca-cert-file "{self.pki.certificate(CLUSTER)}"
tls-auth-clients no
tls-protocols "TLSv1.2 TLSv1.3"
aclfile "{self.users}"
dir "{self.data}"
save ""
appendonly no
maxmemory 64mb
daemonize no
always-show-logo no
# The title would be written over the mark by which we find our processes again.
set-proc-title no
"""
