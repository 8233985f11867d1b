"""Tokens that are mailed: who brings one shows that the address is theirs, and sets its password."""

from database import users
from database.pool import Database
from service.identity.mail import Mailer
from service.identity.opaque import digest, new_token

LIFETIME = 86400.0  # seconds


class Mailed:
    """Makes and mails them. `address` is where the API's callers find it."""

    def __init__(self, database: Database, mailer: Mailer, address: str) -> None:
        self._database, self._mailer, self.address = database, mailer, address

    async def invite_to_set_password(self, email: str, subject: str, opening: str) -> None:
        """Mail a token that sets the password once, with `opening` as the text's first lines. Raise DatabaseError."""
        token = new_token()
        async with self._database.transaction() as connection:
            await users.add_password_token(connection, email, digest(token), seconds=LIFETIME)
        await self._mailer.send(email, subject, _TEXT.format(opening=opening, token=token, address=self.address))


_TEXT = """\
{opening}

Set your password within 24 hours, with this token:

{token}

    agent-ready password set
    (or POST {address}/v1/auth/password with "token" and "password")

Whoever has this message can set the password: delete it afterwards, and if you did not expect it. It changes nothing
by itself.
"""
