"""What callers send to register a client."""

from pydantic import Field, field_validator

from service.bodies import ReasonOrNone, Strict
from service.oidc.redirects import problem_of
from tenants.fields import DisplayName


class PutClient(Strict):
    """A client as it is to be."""

    name: DisplayName = Field(description="What people are told that they log in to")
    redirect_uris: tuple[str, ...] = Field(
        min_length=1, max_length=10, strict=False, description="https, to the letter; http on loopback only"
    )
    reason: ReasonOrNone = ""
    new_secret: bool = Field(False, description="Replace the secret; the old one ends at once")

    @field_validator("redirect_uris")
    @classmethod
    def _plain(cls, uris: tuple[str, ...]) -> tuple[str, ...]:
        for uri in uris:
            if problem := problem_of(uri):
                raise ValueError(f"{uri!r} {problem}")
        if len(set(uris)) != len(uris):
            raise ValueError("names an address twice")
        return uris
