"""The session that is kept in a file: read by every command, renewed before it ends, by one process for all."""

import time
from collections.abc import Callable

from pydantic import BaseModel, Field, ValidationError

from cli.bearers import LOG_IN
from cli.errors import Misused, Refused, Unreachable
from cli.identity.answers import Tokens
from cli.identity.api import IdentityApi
from cli.identity.files import PrivateFile
from cli.identity.undisturbed import undisturbed
from cli.settings import Settings

EARLY = 60.0  # seconds before its end at which a token is renewed
ENDED = "session-ended"


class Kept(BaseModel):
    """What is in the file; `expires_at` is the access token's, in seconds since 1970."""

    email: str
    organization: str | None = None
    access_token: str = Field(repr=False)
    expires_at: float
    refresh_token: str = Field(repr=False)


class Keeper:
    """A person's session, as the bearer of calls."""

    def __init__(
        self, settings: Settings, api: IdentityApi, hide: Callable[..., None], now: Callable[[], float] = time.time
    ) -> None:
        self._settings, self._api, self._hide, self._now = settings, api, hide, now
        self._file = PrivateFile(settings.session_file)
        #: What else could act when nobody is logged in, as a sentence, or `""`.
        self.instead = ""
        #: What `token` keeps for kubectl: it goes with the session.
        self.cluster_file = PrivateFile(settings.session_file.with_suffix(".kubernetes.json"))

    def kept(self) -> Kept | None:
        """The session, or None; raise Misused if the file is none of ours. From now on its tokens are hidden."""
        text = self._file.read()
        if text is None:
            return None
        try:
            kept = Kept.model_validate_json(text)
        except ValidationError:
            raise Misused(f"{self._file.path} holds no session.", f"Remove it. {LOG_IN}") from None
        self._hide(kept.access_token, kept.refresh_token)
        return kept

    def organization(self) -> str:
        """Which one the session is for; raise Misused if it is for none."""
        slug = self._present().organization
        if slug is None:
            raise Misused("You act for no organization.", "`python -m cli switch SLUG` chooses one of yours.")
        return slug

    def token(self) -> str:
        """An access token that lives for some time yet; raise Misused if nobody is logged in."""
        self._settings.check_private("your session")
        kept = self._present()
        return kept.access_token if self._lasts(kept) else self._renewed(lambda found: not self._lasts(found))

    def another(self, refused: str) -> str | None:
        """A newer token than the refused one: a role that changed ends tokens, and not the session."""
        return self._renewed(lambda found: found.access_token == refused or not self._lasts(found))

    def way_out(self, status: int, kind: str) -> str:
        """Log in again, or look at who one is."""
        if status == 401:
            return LOG_IN
        if status == 403:
            return "`python -m cli whoami` shows what your role allows."
        if status == 404 and kind == "no-such-organization":
            return "`python -m cli whoami` shows your organizations, `python -m cli switch SLUG` goes to another."
        return ""

    def keep(self, tokens: Tokens) -> None:
        """Have this session from now on, instead of another one."""
        with self._file.locked():
            self._write(tokens)
            self.cluster_file.remove()

    def switch(self, organization: str) -> Tokens:
        """Speak for another organization from now on; raise Refused (`not-a-member`)."""
        self._settings.check_private("your session")
        with self._file.locked():
            tokens = self._refresh(self._present(), organization)
            self.cluster_file.remove()
        return tokens

    def forget(self) -> None:
        """Have no session any more."""
        with self._file.locked():
            self._file.remove()
            self.cluster_file.remove()

    def _present(self) -> Kept:
        kept = self.kept()
        if kept is None:
            raise Misused(f"Nobody is logged in at {self._settings.url}.", f"{LOG_IN} {self.instead}".strip())
        return kept

    def _lasts(self, kept: Kept) -> bool:
        return self._now() < kept.expires_at - EARLY

    def _renewed(self, needed: Callable[[Kept], bool]) -> str:
        """The access token, renewed unless another process has done so while we waited for the file."""
        with self._file.locked():
            kept = self._present()
            return self._refresh(kept, None).access_token if needed(kept) else kept.access_token

    def _refresh(self, kept: Kept, organization: str | None) -> Tokens:
        """With the file locked: the next tokens, written down.

        Ctrl-C waits for that: a token that was used and whose successor is not known would end the session.
        """
        with undisturbed():
            tokens = self._next(kept, organization)
            self._write(tokens)
        return tokens

    def _next(self, kept: Kept, organization: str | None) -> Tokens:
        try:
            return self._asked(kept.refresh_token, organization)
        except Refused as refused:
            if refused.kind == ENDED:
                self._file.remove()
                self.cluster_file.remove()
                refused.next_step = f"Log in again: python -m cli login {kept.email}"
            raise

    def _asked(self, refresh_token: str, organization: str | None) -> Tokens:
        """A lost answer is asked for again at once: the API gives the same one, but for half a minute only."""
        try:
            return self._api.refresh(refresh_token, organization)
        except Unreachable:
            return self._api.refresh(refresh_token, organization)

    def _write(self, tokens: Tokens) -> None:
        self._hide(tokens.access_token, tokens.refresh_token)
        kept = Kept(
            email=tokens.user.email, organization=tokens.organization.slug if tokens.organization else None,
            access_token=tokens.access_token, expires_at=self._now() + tokens.expires_in,
            refresh_token=tokens.refresh_token,
        )  # fmt: skip
        self._file.write(kept.model_dump_json())
