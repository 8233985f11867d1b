"""Whether a password is right, and the setting of one: the same work and the same answers whoever asks."""

from database import users
from database.pool import Database
from database.users import User
from service.identity.endings import end_sessions, revoke_tokens
from service.identity.lockout import Lockout
from service.identity.opaque import digest
from service.identity.passwords import Passwords
from service.problems import Problem

_SET = "the password was set"


class LogIn:
    """Judges passwords, throttled by `lockout`."""

    def __init__(self, database: Database, passwords: Passwords, lockout: Lockout) -> None:
        self._database, self._passwords, self._lockout = database, passwords, lockout

    async def authenticate(self, email: str, password: str, network: str) -> User:
        """Whose password it is; raise a Problem: 401 login-refused, 429 login-throttled, 503 busy."""
        email = email.strip().lower().encode("ascii", "replace").decode().replace("\0", "?")  # as addresses are
        taken = await self._lockout.take(email, network)
        async with self._database.statement() as connection:
            account = await users.by_email(connection, email)
        is_right = await self._passwords.verify(account.password_hash if account else None, password)
        if account is None or not is_right:
            raise Problem(401, "login-refused", "The log-in was refused", "the address or the password is wrong")
        await self._lockout.give_back(taken)
        await self._know(email, network)
        return account.user

    async def set_by_mail(self, token: str, password: str, network: str) -> User:
        """Set the password of whom the token was mailed to; who calls has it announced that sessions have ended.

        Raise a Problem: 410 if the token does not count any more, 422 for a weak password.
        """
        async with self._database.statement() as connection:
            email = await users.password_token(connection, digest(token))
        if email is None:
            raise _used_up()
        self._passwords.check_new(password, email)
        hashed = await self._passwords.hash(password)
        async with self._database.transaction(actor=email, reason="set by a mailed token") as connection:
            if await users.use_password_token(connection, digest(token)) is None:
                raise _used_up()
            ending = await end_sessions(connection, email=email, why=_SET)
            user = await users.put_password(connection, email, hashed)
            await revoke_tokens(connection, ending, _SET)
        await self._know(email, network)
        return user

    async def change(self, user: User, current: str, new: str, network: str) -> None:
        """Change the password of whoever knows it; raise a Problem as `authenticate` does, and 422 for a weak one."""
        await self.authenticate(user.email, current, network)
        self._passwords.check_new(new, user.email)
        hashed = await self._passwords.hash(new)
        async with self._database.transaction(actor=user.email, reason="changed by its owner") as connection:
            await users.put_password(connection, user.email, hashed)

    async def _know(self, email: str, network: str) -> None:
        async with self._database.statement() as connection:
            await users.know_network(connection, email, self._lockout.network(network))


def _used_up() -> Problem:
    return Problem(
        410, "token-used-up", "This token does not count any more",
        "it was used, has expired, or another was used since; POST /v1/auth/password/reset mails a new one",
    )  # fmt: skip
