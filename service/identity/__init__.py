"""Who people are: accounts, sessions, signed tokens, and how any of it ends before its time (ADR 0017).

Here belongs what decides on passwords, sessions and tokens. HTTP does not: routes stand beside this package, OpenID
Connect in service/oidc/. What is bought from libraries is cryptography alone.
"""

from dataclasses import dataclass

from service.identity.keys import Keys
from service.identity.lockout import Lockout
from service.identity.mail import Mailer
from service.identity.mailed import Mailed
from service.identity.passwords import Passwords
from service.identity.seal import Seal
from service.identity.sessions import Sessions
from service.identity.verifier import Verifier
from service.identity.view import View


@dataclass(frozen=True)
class Identity:
    """The parts. `issuer_url` is the tokens' `iss`; `resets` bounds how often mail for a password is asked for."""

    issuer_url: str
    verifier: Verifier
    view: View
    keys: Keys
    sessions: Sessions
    passwords: Passwords
    mailer: Mailer
    mailed: Mailed
    seal: Seal
    resets: Lockout
