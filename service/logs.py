"""Logs as JSON, one object a line, with the request's id and without a secret."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
HIDDEN = "…"
# Passwords in addresses, tokens in headers, and whatever is named like a secret.
_PATTERNS = (
    re.compile(r"(?P<kept>[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@]+(?=@)", re.IGNORECASE),
    re.compile(r"(?P<kept>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE),
    re.compile(
        r"(?P<kept>[\w-]*(?:password|passphrase|secret|token|api[_-]?key)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}]+",
        re.IGNORECASE,
    ),
)  # fmt: skip


class Redaction:
    """Takes secrets out of text: those that are `known`, and what looks like one."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = sorted({secret for secret in known if len(secret) >= 8}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\g<kept>{HIDDEN}", text)
        return text


class JsonFormatter(logging.Formatter):
    """A record as one JSON object; `extra={"fields": {…}}` adds members."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redact(record.getMessage()),
            **({"request_id": REQUEST_ID.get()} if REQUEST_ID.get() else {}),
            **{key: self._plain(value) for key, value in getattr(record, "fields", {}).items()},
        }
        if record.exc_info:
            entry["error"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)

    def _plain(self, value: object) -> object:
        return value if isinstance(value, int | float | bool | None) else self._redact(str(value))


def configure(redact: Redaction, level: int = logging.INFO) -> None:
    """Send every log of the process to standard error, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(redact))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx2", "httpx", "httpcore2", "uvicorn.access", "procrastinate"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
