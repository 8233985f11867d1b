"""The OpenID Connect issuer: where it is, and a code become tokens."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx2
from pydantic import Field

from cli.answers import Answer
from cli.connection import Connection
from cli.errors import BadAnswer, Misused, Refused, Unavailable, Unreachable
from cli.reading import parse, read
from cli.settings import SOURCE, is_loopback

CLIENT = "agent-ready-cli"
SCOPE = "openid offline_access"
TIMEOUT = 30.0  # seconds
_HOST = "Is API_URL the address of this API?"


class Discovery(Answer):
    """What the issuer says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    code_challenge_methods_supported: tuple[str, ...] = ()


class Exchanged(Answer):
    """What the token endpoint gives for a code."""

    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)


class OAuthFailure(Answer):
    """RFC 6749, 5.2."""

    error: str
    error_description: str = ""


def discover(connection: Connection) -> Discovery:
    """What the API says of its issuer; raise BadAnswer for one that no password should be typed into."""
    response = connection.call("GET", "/.well-known/openid-configuration", anonymous=True)
    found = read(Discovery, response)
    home = _origin(found.issuer)
    for address in (found.authorization_endpoint, found.token_endpoint):
        if _origin(address) != home:
            raise BadAnswer(f"The issuer is {found.issuer}, and {address} is somewhere else.", _HOST)
    if "S256" not in found.code_challenge_methods_supported:
        raise BadAnswer(f"The issuer {found.issuer} takes no PKCE with S256.", _HOST)
    return found


@dataclass(frozen=True)
class Issuer:
    """One that was found; `ca_file` is the authority of its certificate, or None for those of this machine."""

    found: Discovery
    ca_file: Path | None

    def address(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Where the browser logs in."""
        asked = {
            "response_type": "code", "client_id": CLIENT, "redirect_uri": redirect_uri, "scope": SCOPE, "state": state,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self.found.authorization_endpoint}?{urlencode(asked)}"

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> Exchanged:
        """The tokens for a code; raise Refused, Unavailable or Misused."""
        form = {
            "grant_type": "authorization_code", "client_id": CLIENT, "code": code, "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }  # fmt: skip
        url = self.found.token_endpoint
        try:
            with httpx2.Client(verify=_trust(self.ca_file), timeout=TIMEOUT, trust_env=not _is_here(url)) as client:
                response = client.post(url, data=form)
        except httpx2.ConnectError as failed:
            hint = "ISSUER_CA_FILE names the authority of its certificate; " + SOURCE
            raise Unreachable(f"{url} cannot be reached: {failed}.", hint) from failed
        except httpx2.RequestError as failed:
            raise Unreachable(f"{url} did not answer.", "Log in again.") from failed
        if not response.is_success:
            raise _refusal(response)
        return read(Exchanged, response)


def _refusal(response: httpx2.Response) -> Refused | Unavailable:
    if response.status_code >= 500:
        return Unavailable(f"The issuer cannot log you in now (HTTP {response.status_code}).")
    told = parse(OAuthFailure, response.content)
    return Refused(f"The issuer refuses: {told.error_description or told.error} (HTTP {response.status_code})")


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    try:
        if ca_file:
            trust.load_verify_locations(ca_file)
    except OSError as failed:  # what is no certificate is an OSError too
        raise Misused(f"ISSUER_CA_FILE is {ca_file}, which holds no certificate.", SOURCE) from failed
    return trust


def _origin(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; raise BadAnswer unless it is https, or this machine."""
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL as invalid:
        raise BadAnswer(f"The issuer's address {address!r} is none.", _HOST) from invalid
    if not url.host or (url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host))):
        raise BadAnswer(f"The issuer's address {address} is not https.", _HOST)
    return url.scheme, url.host, url.port


def _is_here(address: str) -> bool:
    return is_loopback(httpx2.URL(address).host)
