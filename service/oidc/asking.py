"""What a client asks for at /oauth2/authorize, judged in the order that keeps redirects from strangers."""

from dataclasses import dataclass

from database import clients
from database.clients import Client
from database.pool import Database
from service.oidc import pkce, redirects
from service.oidc.errors import PageError, RedirectError
from service.oidc.parameters import Parameters

SCOPES = ("openid", "email", "profile", "offline_access")
PROMPTS = ("none", "login")
# Each would change what the answer means, and none is understood here.
_NOT_SUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
    "resource": "invalid_target",
    "max_age": "invalid_request",
}


@dataclass(frozen=True)
class Place:
    """A client and where its answer goes: both known, so that an answer may be sent there."""

    client: Client
    redirect_uri: str
    state: str | None

    def back(self, issuer: str, **answer: str) -> str:
        """The address with an answer; `iss` says whose it is (RFC 9207)."""
        return redirects.with_parameters(self.redirect_uri, {**answer, "state": self.state, "iss": issuer})


@dataclass(frozen=True)
class Asked:
    """A request that can be answered with a code. `prompt` is none, login or empty."""

    code_challenge: str
    nonce: str | None
    scope: str
    prompt: str


async def place(database: Database, given: Parameters) -> Place:
    """Where the answer goes; raise a PageError if that is not certain."""
    client = await clients.find(database, given.get("client_id", ""))
    if client is None:
        raise PageError("The service that sent you here is not known to us (client_id).")
    uri = given.get("redirect_uri", "")
    if not redirects.is_registered(uri, client.redirect_uris, public=client.is_public):
        raise PageError(f"{client.name} may not be answered at the address that it gave (redirect_uri).")
    return Place(client, uri, given.get("state"))


def asked(given: Parameters) -> Asked:
    """What is asked for; raise a RedirectError with the rule that it breaks."""
    for name, error in _NOT_SUPPORTED.items():
        if name in given:
            raise RedirectError(error, f"{name} is not supported; leave it out")
    _check_response(given)
    return Asked(_challenge(given), given.get("nonce"), _scope(given), _prompt(given))


def _check_response(given: Parameters) -> None:
    kind = given.get("response_type")
    if kind is None:
        raise RedirectError("invalid_request", "response_type is missing; ask for code")
    if kind != "code":
        raise RedirectError("unsupported_response_type", "ask for response_type=code")
    if given.get("response_mode", "query") != "query":
        raise RedirectError("invalid_request", "response_mode can only be query")


def _challenge(given: Parameters) -> str:
    challenge = given.get("code_challenge", "")
    if given.get("code_challenge_method") != pkce.METHOD or not pkce.is_challenge(challenge):
        raise RedirectError("invalid_request", "PKCE is required: send code_challenge and code_challenge_method=S256")
    return challenge


def _scope(given: Parameters) -> str:
    """The scopes that are known here, others being passed by (OpenID Connect Core, 3.1.2.1)."""
    wanted = given.get("scope", "").split(" ")
    if "openid" not in wanted:
        raise RedirectError("invalid_scope", "scope has to hold openid")
    return " ".join(scope for scope in SCOPES if scope in wanted)


def _prompt(given: Parameters) -> str:
    prompt = given.get("prompt", "")
    if prompt and prompt not in PROMPTS:
        raise RedirectError("invalid_request", f"prompt can be {' or '.join(PROMPTS)}")
    return prompt
