"""The issuer's pages: plain HTML without a script, every value escaped, and a policy that lets nothing else in."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from fastapi.responses import HTMLResponse

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:12vh auto;padding:0 1rem;color:#1b1f24}"
    "label{display:block;margin-top:1rem}input{width:100%;box-sizing:border-box;font:inherit;padding:.5rem}"
    "button{margin-top:1.5rem;font:inherit;padding:.5rem 1.5rem}.wrong{color:#a40000}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.2rem 1.5rem .2rem 0}"
)
# Of the style above, and of nothing else.
_STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def page(title: str, body: str, *, status: int = 200, form_action: Iterable[str] = ()) -> HTMLResponse:
    """A page; `body` is HTML, `title` text. `form_action` are the sources that a form's answer may lead to."""
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(html, status, headers=_headers(form_action))


def log_in(action: str, client: str, *, leads_to: str, wrong: str = "", status: int = 200) -> HTMLResponse:
    """The form that asks who somebody is. `action` is where it goes, `leads_to` the source of the client's address."""
    body = (
        f"<p>to go on to {escape(client)}</p>"
        + (f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else "")
        + f'<form method="post" action="{escape(action)}">'
        '<label>E-mail address<input name="email" type="email" autocomplete="username" maxlength="254" required '
        "autofocus></label>"
        '<label>Password<input name="password" type="password" autocomplete="current-password" maxlength="128" '
        "required></label><button>Log in</button></form>"
    )
    return page("Log in", body, status=status, form_action=("'self'", leads_to))


def refusal(detail: str, status: int = 400) -> HTMLResponse:
    """What went wrong, for a person who cannot be sent back."""
    body = f"<p>{escape(detail)}</p><p>Close this page and begin again where you came from.</p>"
    return page("This did not work", body, status=status)


def ask_to_go_on(action: str, client: str, email: str, *, leads_to: str) -> HTMLResponse:
    """A question on behalf of a client that could be anybody on the person's machine."""
    what = f"{client} on this machine is to act as {email}. If you did not just start it, close this page."
    return _go_on(action, what, leads_to)


def ask_to_tell(action: str, client: str, organization: str, email: str, *, leads_to: str) -> HTMLResponse:
    """A question on behalf of an organization's client, which anybody may have registered."""
    what = (
        f"{client}, a service of the organization {organization}, is to learn that you are {email}, and your role "
        "there. If you do not know it, close this page."
    )
    return _go_on(action, what, leads_to)


def _go_on(action: str, what: str, leads_to: str) -> HTMLResponse:
    body = f'<form method="post" action="{escape(action)}"><p>{escape(what)}</p><button>Go on</button></form>'
    return page("Go on?", body, form_action=("'self'", leads_to))


def ask_to_log_out(action: str, *, leads_to: str) -> HTMLResponse:
    """A question, because a link on any page could have led here."""
    body = (
        f'<form method="post" action="{escape(action)}"><p>End your log-in here and in every service that you '
        "reached by it?</p><button>Log out</button></form>"
    )
    return page("Log out?", body, form_action=("'self'", leads_to))


def logged_out() -> HTMLResponse:
    """That it is done."""
    return page("Logged out", "<p>You are logged out here and in every service that you reached by this log-in.</p>")


def logged_out_of(client: str) -> HTMLResponse:
    """That one client's part is done."""
    return page("Logged out", f"<p>You are logged out of {escape(client)}. Your log-in here goes on.</p>")


def _headers(form_action: Iterable[str]) -> dict[str, str]:
    sources = " ".join(filter(None, form_action)) or "'none'"
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src '{_STYLE_HASH}'; form-action {sources}; "
        "base-uri 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        # The browser's Origin header of a form is "null" with no-referrer; it is what tells our form from others'.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # The issuer is https, always; over anything else browsers do not heed it.
        "Strict-Transport-Security": "max-age=31536000",
    }
