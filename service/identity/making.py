"""Putting the parts of identity together, and having them run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from database import migrations
from database.pool import Database
from liveconfig.publisher import Publisher
from service.identity import Identity
from service.identity.hints import listen
from service.identity.keys import Keys
from service.identity.lockout import Lockout
from service.identity.login import LogIn
from service.identity.mail import Mailer
from service.identity.mailed import Mailed
from service.identity.passwords import Passwords
from service.identity.seal import Seal
from service.identity.sessions import Sessions
from service.identity.settings import IdentitySettings
from service.identity.verifier import Verifier
from service.identity.view import View
from service.metrics import Metrics

_SINCE = 10  # the migration from which on there is identity


def made(
    settings: IdentitySettings, database: Database, publisher: Publisher, metrics: Metrics, *,
    reader: Database | None = None,
) -> Identity:  # fmt: skip
    """The parts, at rest. `reader` has connections that nobody else takes, so that the view is read under any load."""
    seal, view = Seal(settings.seal_keys), View(reader or database)
    keys, passwords = Keys(database, seal), Passwords()
    mailer = Mailer(settings.smtp_url, settings.mail_folder, settings.mail_from, metrics.mails)
    login = LogIn(database, passwords, Lockout(database, seal, "log-in"))
    sessions = Sessions(settings.issuer_url, database, view, keys, seal, login, publisher.publish)
    verifier = Verifier(settings.issuer_url, view)
    return Identity(
        settings.issuer_url, verifier, view, keys, sessions, passwords, mailer,
        Mailed(database, mailer, settings.api_url), seal, Lockout(database, seal, "reset"),
    )  # fmt: skip


@asynccontextmanager
async def running(identity: Identity, settings: IdentitySettings, database: Database) -> AsyncIterator[None]:
    """Have a signing key and a view that is read all the time; raise NotConfigured if a key cannot be opened.

    A database without the tables yet is waited for: housekeeping makes the first key then.
    """
    if await migrations.current_version(database) >= _SINCE:
        await identity.keys.tend()
        await identity.keys.check()
        await identity.view.read_now()
    tasks = [asyncio.create_task(identity.view.run(), name="view")]
    if settings.listener_url:
        hints = listen(settings.listener_url, identity.view.hint, ca_file=settings.redis_ca_file)
        tasks.append(asyncio.create_task(hints, name="revocation hints"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        identity.passwords.close()
