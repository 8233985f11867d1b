"""Whom a call is made by: nobody, an operator by the static token, or (`cli.identity.keeper`) a person by a session."""

from typing import Protocol

from cli.settings import SOURCE, TOKEN

LOG_IN = "`python -m cli login` logs you in."
_LIST = "`python -m cli list` shows which organizations there are."
_OURS = ("", "no-such-organization")  # problems that say that there is no such organization


class Bearer(Protocol):
    """Has the token of a call, and knows what to do when the API refuses it."""

    def token(self) -> str:
        """The token to send, or `""` for none; raise CliError if there should be one and is none."""

    def another(self, refused: str) -> str | None:
        """A newer token than the one that was refused, or None if that would not help."""

    def way_out(self, status: int, kind: str) -> str:
        """What to do about a refusal: its HTTP status, and the end of its problem's type. Perhaps `""`."""


class Nobody:
    """No token is sent."""

    def token(self) -> str:
        """None."""
        return ""

    def another(self, refused: str) -> str | None:
        """None."""
        return None

    def way_out(self, status: int, kind: str) -> str:
        """How to be somebody, unless it is a log-in itself that is refused."""
        if kind == "session-ended":
            return LOG_IN
        if status == 401 and kind in ("", "unauthorized"):
            return f"Nobody is logged in, and {TOKEN} is not set; {SOURCE} {LOG_IN}"
        return _LIST if status == 404 and kind in _OURS else ""


class Operator:
    """The static token of the environment."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        """The same for ever."""
        return self._token

    def another(self, refused: str) -> str | None:
        """None."""
        return None

    def way_out(self, status: int, kind: str) -> str:
        """The environment, mostly."""
        if status == 401:
            return f"The {TOKEN} of this shell is not this API's; `. .local/env` sets it."
        if status == 403:
            return "This token may not do that; the operator's may."
        return _LIST if status == 404 and kind in _OURS else ""
