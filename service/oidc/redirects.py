"""Redirect URIs: which may be registered, which of them a request names, and what is sent there."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, urlencode, urlsplit

_LONGEST = 512
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")  # RFC 3986 without `#`
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_PORT = re.compile(r":\d{1,5}\Z")


def problem_of(uri: str) -> str | None:
    """What is wrong with a redirect URI that somebody registers, or None."""
    if len(uri) > _LONGEST or not _PLAIN.fullmatch(uri):
        return f"is no plain URI of at most {_LONGEST} characters without a fragment"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "has a host or a port that cannot be read"
    if not host or not _HOST.fullmatch(parts.netloc):
        return "needs one host of letters, digits, hyphens and dots, without user name and wildcard"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts)):
        return None
    return "is not https; http is only for this very machine (127.0.0.1, [::1], localhost)"


def is_registered(uri: str, registered: Sequence[str], *, public: bool) -> bool:
    """Whether it is, to the letter, one of them; a public client's may have any port on loopback (RFC 8252, 7.3)."""
    if uri in registered:
        return True
    if not public or problem_of(uri):
        return False
    return is_loopback(urlsplit(uri)) and _portless(uri) in {_portless(one) for one in registered}


def is_loopback(parts: SplitResult) -> bool:
    """Whether what it names is the machine of whoever follows it."""
    if parts.scheme != "http":
        return False
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def with_parameters(uri: str, parameters: Mapping[str, str | None]) -> str:
    """The URI with these parameters behind its own; None is left out."""
    added = urlencode({name: value for name, value in parameters.items() if value is not None})
    if not added:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{added}"


def form_source(uri: str) -> str:
    """What a page's `form-action` names so that a form's answer may lead to the URI."""
    parts = urlsplit(uri)
    # The grammar of Content-Security-Policy has no IPv6 address.
    return f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"


def _portless(uri: str) -> str:
    """The same without a port, spelled as it was otherwise."""
    parts = urlsplit(uri)
    return parts._replace(netloc=_PORT.sub("", parts.netloc)).geturl()
