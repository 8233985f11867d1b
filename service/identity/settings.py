"""What identity is told from outside, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from service.errors import NotConfigured


@dataclass(frozen=True)
class IdentitySettings:
    """`issuer_url` is the `iss` of tokens, without a slash at its end; sealing keys come newest first.

    Mail comes from `mail_from` (`?from=` of SMTP_URL) and goes through `smtp_url`, or else into `mail_folder`. Without
    `listener_url` there are no hints, and what was revoked elsewhere is known a second later.
    """

    issuer_url: str
    seal_keys: tuple[str, ...] = field(repr=False)
    api_url: str = "http://127.0.0.1:8080"
    smtp_url: str = field(default="", repr=False)
    mail_folder: Path | None = None
    mail_from: str = "agent-ready <agent-ready@localhost>"
    listener_url: str = field(default="", repr=False)
    redis_ca_file: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "IdentitySettings":
        """From `.local/env` or its like; raise NotConfigured with the variable that is missing or wrong."""
        folder = environment.get("MAIL_FOLDER")
        return cls(
            issuer_url=_issuer(environment.get("ISSUER_URL", "")),
            seal_keys=tuple(environment.get("IDENTITY_SEAL_KEYS", "").split()),
            api_url=environment.get("API_URL") or cls.api_url,
            smtp_url=_smtp(environment.get("SMTP_URL", "")),
            mail_folder=Path(folder) if folder else None,
            mail_from=parse_qs(urlsplit(environment.get("SMTP_URL", "")).query).get("from", [cls.mail_from])[-1],
            listener_url=environment.get("REDIS_LISTENER_URL", ""),
            redis_ca_file=environment.get("REDIS_CA_FILE"),
        )


def _smtp(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
        raise NotConfigured(
            "SMTP_URL is not of the form smtps://user:password@host:465?from=us@acme.example, or smtp://"
        )
    return url


def _issuer(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or url.endswith("/"):
        raise NotConfigured(
            f"ISSUER_URL is {url!r}; write https://<host>, with a port and a path if need be, without / at the end"
        )
    return url
