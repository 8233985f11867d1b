"""Identity at rest, and signed tokens without a database."""

from pathlib import Path

from database.pool import Database
from service.identity import Identity, making
from service.identity.settings import IdentitySettings
from service.metrics import Metrics
from tests.unit.service.test_sweeper import FakePublisher

ISSUER = "https://issuer.test"
SEAL_KEY = "c2VhbCBrZXkgb2YgdGhlc2UgdGVzdHMsIDMyIGJ5dGU="


def settings(mail: Path | None = None) -> IdentitySettings:
    return IdentitySettings(ISSUER, (SEAL_KEY,), api_url="http://api.test", mail_folder=mail)


def resting(database: Database) -> Identity:
    """The parts, of which nothing runs and whose view was never read."""
    return making.made(settings(), database, FakePublisher(), Metrics())
