"""Whether a password is right, and the setting of one: the same work and the same answers whoever asks."""

from database import sessions, users
from database.pool import Connection, Database
from database.users import Account, User
from service.identity.endings import end_sessions, revoke_tokens
from service.identity.lockout import Lockout
from service.identity.opaque import digest
from service.identity.passwords import Passwords
from service.limits import network_of
from service.problems import Problem

_SET, _CHANGED = "the password was set", "the password was changed"


class LogIn:
    """Judges passwords, throttled by `lockout`."""

    def __init__(self, database: Database, passwords: Passwords, lockout: Lockout) -> None:
        self._database, self._passwords, self._lockout = database, passwords, lockout

    async def authenticate(self, email: str, password: str, network: str) -> Account:
        """Whose password it is; raise a Problem: 401 login-refused, 429 login-throttled, 503 busy.

        It may be another by now: who gives something for it calls `check_still` in that transaction.
        """
        email = email.strip().lower().encode("ascii", "replace").decode().replace("\0", "?")  # as addresses are
        taken = await self._lockout.take(email, network)
        async with self._database.statement() as connection:
            account = await users.by_email(connection, email)
        hashed = account.password_hash if account else None
        is_right = await self._passwords.verify(hashed, password, network_of(network))
        if account is None or not is_right:
            raise _refused()
        await self._lockout.give_back(taken)
        await self._know(email, network)
        return account

    async def set_by_mail(self, token: str, password: str, network: str) -> User:
        """Set the password of whom the token was mailed to; who calls has it announced that sessions have ended.

        Raise a Problem: 410 if the token does not count any more, 422 for a weak password.
        """
        async with self._database.statement() as connection:
            email = await users.password_token(connection, digest(token))
        if email is None:
            raise _used_up()
        self._passwords.check_new(password, email)
        hashed = await self._passwords.hash(password, network_of(network))
        async with self._database.transaction(actor=email, reason="set by a mailed token") as connection:
            if await users.use_password_token(connection, digest(token)) is None:
                raise _used_up()
            ending = await end_sessions(connection, email=email, why=_SET)
            user = await users.put_password(connection, email, hashed)
            await revoke_tokens(connection, ending, _SET)
        await self._know(email, network)
        return user

    async def change(self, user: User, session_id: str, current: str, new: str, network: str) -> None:
        """Change the password of whoever knows it; all log-ins end but the session's, and mailed tokens count no more.

        Who calls has it announced. Raise a Problem as `authenticate` does, and 422 for a weak password.
        """
        account = await self.authenticate(user.email, current, network)
        self._passwords.check_new(new, user.email)
        hashed = await self._passwords.hash(new, network_of(network))
        async with self._database.transaction(actor=user.email, reason="changed by its owner") as connection:
            await users.use_password_tokens(connection, user.email)
            own = await sessions.owner(connection, session_id)
            but = own.root if own else session_id
            ending = await end_sessions(connection, email=user.email, but=but, why=_CHANGED)
            await check_still(connection, account)
            await users.put_password(connection, user.email, hashed)
            await revoke_tokens(connection, ending, _CHANGED)

    async def _know(self, email: str, network: str) -> None:
        async with self._database.statement() as connection:
            await users.know_network(connection, email, self._lockout.network(network))


async def check_still(connection: Connection, account: Account) -> None:
    """Whether the password that was right still is, of a user who is held or locked; raise a Problem (401)."""
    if not await users.is_password(connection, account):
        raise _refused()


def _refused() -> Problem:
    return Problem(401, "login-refused", "The log-in was refused", "the address or the password is wrong")


def _used_up() -> Problem:
    return Problem(
        410, "token-used-up", "This token does not count any more",
        "it was used, has expired, or another was used since; POST /v1/auth/password/reset mails a new one",
    )  # fmt: skip
