"""People of a checkout's platform: an account by mail, and a browser that logs in at the issuer's page."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from html import unescape
from pathlib import Path

import httpx2

from tests.e2e.checkout import Checkout
from tests.e2e.replicas import until

SHOWN, SHOWN_OWNER = "shown", "ada@shown.example"  # the organization in the catalog of the platform `served`
PASSWORD = "seventeen violet teapots on wheels"
_TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


def mailed(platform: Checkout, email: str) -> list[str]:
    """The tokens that were mailed to an address, the newest last."""
    found = sorted(Path(platform.environment["MAIL_FOLDER"]).glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    mails = [message_from_bytes(path.read_bytes()) for path in found]
    texts = [mail.get_payload(decode=True) for mail in mails if mail["To"] == email]
    return [token for text in texts if isinstance(text, bytes) for token in _TOKEN.findall(text.decode())]


def account(platform: Checkout, email: str) -> None:
    """Set PASSWORD by the token that a reset mails."""
    before = len(mailed(platform, email))
    with httpx2.Client(base_url=platform.environment["API_URL"], trust_env=False) as api:
        assert api.post("/v1/auth/password/reset", json={"email": email}).status_code == 202
        until(lambda: len(mailed(platform, email)) > before, 10, "the mail")
        token = mailed(platform, email)[-1]
        answer = api.post("/v1/auth/password", json={"token": token, "password": PASSWORD})
        assert answer.status_code == 204, answer.text


@contextmanager
def browser(platform: Checkout) -> Iterator[httpx2.Client]:
    """It keeps cookies, trusts the platform's authority, and follows nothing by itself."""
    trust = ssl.create_default_context(cafile=platform.environment["ISSUER_CA_FILE"])
    with httpx2.Client(verify=trust, trust_env=False, timeout=20) as client:
        yield client


def follow(client: httpx2.Client, answer: httpx2.Response, *, until_at: str = "") -> httpx2.Response:
    """Where redirects lead in the end; or the one that leads to that address, which is not followed."""
    while answer.is_redirect:
        place = str(answer.url.join(answer.headers["location"]))
        if until_at and place.startswith(until_at):
            return answer
        answer = client.get(place)
    return answer


def log_in(client: httpx2.Client, page: httpx2.Response, email: str) -> httpx2.Response:
    """Fill in the issuer's form, and agree if it asks for that; its answer."""
    answer = submit(client, page, email=email, password=PASSWORD)
    return submit(client, answer) if "<title>Go on?</title>" in answer.text else answer


def submit(client: httpx2.Client, page: httpx2.Response, **fields: str) -> httpx2.Response:
    """Send the form of one of the issuer's pages; its answer."""
    found = re.search(r'<form method="post" action="([^"]+)"', page.text)
    assert found, page.text
    place = page.url.join(unescape(found[1]))
    headers = {"Origin": f"https://{page.url.netloc.decode()}"}
    return client.post(place, data=fields, headers=headers)
