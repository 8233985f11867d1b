"""Real planes in temporary checkouts: one that all tests share, and a second one below a closed folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.localplane.checkouts import Checkout, make_checkout


@pytest.fixture(scope="session")
def plane() -> Iterator[Checkout]:
    """A running plane in a folder that everybody may walk through. Tests leave it running and healthy."""
    above = Path(tempfile.mkdtemp(prefix="plane-"))
    above.chmod(0o755)
    checkout = make_checkout(above / "check out")
    try:
        checkout.up()
        yield checkout
    finally:
        checkout.down()
        shutil.rmtree(above)


@pytest.fixture(scope="session")
def second() -> Iterator[Checkout]:
    """Another checkout, not started, below a folder closed to everybody else."""
    above = Path(tempfile.mkdtemp(prefix="plane-closed-"))
    checkout = make_checkout(above / "checkout")
    try:
        yield checkout
    finally:
        checkout.down()
        shutil.rmtree(above)
