"""What looks like a secret, by its name or by itself. Settings are read by every pod; a secret among them is a leak."""

import re
from collections.abc import Iterator
from typing import Any

_NAMES = re.compile(
    r"(^|[^a-z0-9])(pass(word|wd|phrase)?|pwd|secrets?|token|api_?key|(private|signing|encryption|access)_?key|"
    r"credentials?|client_?secret)([^a-z0-9]|$)"
)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # camelCase
_VALUES = {
    "a private key": re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"),
    "an address with a password": re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE),
    "a JSON Web Token": re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"),
    "an access key of a cloud": re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{35}"),
    "a token": re.compile(
        r"\b(gh[opusr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|"
        r"sk[-_](live|test|proj|ant)[-_][\w-]{10,}|sk-[A-Za-z0-9]{32,})"
    ),
    "an Authorization header": re.compile(r"\b(bearer|basic) [A-Za-z0-9._~+/-]{16,}=*", re.IGNORECASE),
}


def name_looks_secret(name: str) -> bool:
    """Whether a name, such as `smtp/password` or `apiKey`, is that of a secret."""
    return _NAMES.search(_WORDS.sub("_", name).lower()) is not None


def looks_secret(value: Any) -> str | None:
    """What in the value looks like a secret, in words without the value itself; None if nothing does."""
    return next(_found(value), None)


def _found(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (what for what, pattern in _VALUES.items() if pattern.search(value))
    elif isinstance(value, list):
        for part in value:
            yield from _found(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, str) and part and name_looks_secret(str(key)):
                yield f"`{key}`"
            yield from _found(str(key))
            yield from _found(part)
