"""Where something listens."""

from dataclasses import dataclass

from liveconfig.errors import NotConfigured


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port."""

    host: str
    port: int

    @staticmethod
    def of(given: str, name: str) -> "Address":
        """Read `host:port`, IPv6 in brackets; raise NotConfigured, which says that it stands in `name`."""
        host, _, port = given.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise NotConfigured(f"{name}={given!r} is no host:port")
        return Address(host.removeprefix("[").removesuffix("]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
