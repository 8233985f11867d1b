"""What the issuer's routes are told from outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from service.errors import NotConfigured

_SHORTEST = 16


@dataclass(frozen=True)
class IssuerSettings:
    """URLs without a slash at the end. Each part is left out by leaving its variables out.

    `tls_cert` and `tls_key` make the process listen as the issuer; `kubernetes_ca` is the cluster's authority in PEM.
    """

    api_url: str = ""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    webhook_secret: str = field(default="", repr=False)
    console_url: str = ""
    console_client_secret: str = field(default="", repr=False)
    kubernetes_url: str = ""
    kubernetes_ca: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "IssuerSettings":
        """From `.local/env` or its like; raise NotConfigured with the variable that is wrong."""
        cert, key = (_path(environment, name) for name in ("ISSUER_TLS_CERT", "ISSUER_TLS_KEY"))
        if (cert is None) != (key is None):
            raise NotConfigured("ISSUER_TLS_CERT and ISSUER_TLS_KEY go together; set both or none")
        authority = _path(environment, "KUBERNETES_CA_FILE")
        return cls(
            api_url=_url(environment, "API_URL"), tls_cert=cert, tls_key=key,
            webhook_secret=_secret(environment, "TOKEN_WEBHOOK_SECRET"),
            console_url=_url(environment, "CONSOLE_URL"),
            console_client_secret=_secret(environment, "CONSOLE_CLIENT_SECRET"),
            kubernetes_url=_url(environment, "KUBERNETES_URL"),
            kubernetes_ca=authority.read_text(encoding="ascii") if authority else "",
        )  # fmt: skip


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    if not environment.get(name):
        return None
    path = Path(environment[name])
    if not path.is_file():
        raise NotConfigured(f"{name} is {str(path)!r}, which is no file; `make up` makes it")
    return path


def _url(environment: Mapping[str, str], name: str) -> str:
    url = environment.get(name, "").rstrip("/")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise NotConfigured(f"{name} is {url!r}; write an address such as https://127.0.0.1:8443")
    return url


def _secret(environment: Mapping[str, str], name: str) -> str:
    secret = environment.get(name, "")
    if secret and len(secret) < _SHORTEST:
        raise NotConfigured(f"{name} is shorter than {_SHORTEST} characters; `. .local/env` sets it")
    return secret
