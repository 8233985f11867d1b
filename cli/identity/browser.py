"""Logging in with the browser: an authorization code with PKCE, on a redirect to this machine (RFC 8252, RFC 7636)."""

import hashlib
import secrets
import webbrowser
from base64 import urlsafe_b64encode
from collections.abc import Callable

from cli.errors import BadAnswer, Interrupted, Misused, Refused
from cli.identity.callback import Answer, listening
from cli.identity.issuer import Exchanged, Issuer

PATIENCE = 300.0  # seconds for somebody to log in


def log_in(
    issuer: Issuer, say: Callable[[str], None], *, show: Callable[[str], object] = webbrowser.open,
    patience: float = PATIENCE,
) -> Exchanged:  # fmt: skip
    """What the issuer gives whoever logs in in the browser that `show` opens.

    Raise Refused if they do not or may not, Interrupted upon Ctrl-C, Misused if `patience` seconds are over.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    try:
        with listening(state) as callback:
            address = issuer.address(callback.uri, state, challenge(verifier))
            say(f"Log in in the browser. If none opens, open this one on this machine:\n{address}")
            show(address)
            answer = callback.wait(patience)
            uri = callback.uri
    except KeyboardInterrupt:
        raise Interrupted("Interrupted. Nobody was logged in.") from None
    if answer is None:
        raise Misused(f"Nobody logged in within {patience:.0f} s.", "Once more: python -m cli login --browser")
    return issuer.exchange(_code(answer, issuer.found.issuer), uri, verifier)


def challenge(verifier: str) -> str:
    """PKCE's S256 of a verifier."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _code(answer: Answer, issuer: str) -> str:
    """The code of an answer whose `state` is ours; raise Refused or BadAnswer."""
    if answer.get("iss", issuer) != issuer:  # RFC 9207: an answer of another issuer is not sent on to this one
        raise BadAnswer(f"The browser came back from {answer['iss']}, not from {issuer}. Nobody was logged in.")
    if error := answer.get("error"):
        raise Refused(f"Nobody was logged in: {answer.get('error_description') or error}.")
    if not answer.get("code"):
        raise BadAnswer("The browser came back without a code. Nobody was logged in.")
    return answer["code"]
