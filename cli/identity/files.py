"""A file that holds secrets: one person's, written whole or not at all, changed by one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from cli.errors import Misused

FILE, FOLDER = 0o600, 0o700


class PrivateFile:
    """Mode 0600, in a folder of mode 0700 that is made when something is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> str | None:
        """Its text, or None if it is not there; raise Misused."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as failed:
            raise Misused(f"{self.path} cannot be read: {_why(failed)}.", "Remove it, and log in again.") from failed

    def write(self, text: str) -> None:
        """Have this text; raise Misused. Whoever reads meanwhile has the text before, or this one."""
        try:
            self._make_folder()
            replace(self.path, text)
        except OSError as failed:
            raise Misused(f"{self.path} cannot be written: {_why(failed)}.") from failed

    def remove(self) -> None:
        """Be gone."""
        self.path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else holds it meanwhile, in this process or another; raise Misused. Whoever dies lets go of it."""
        try:
            self._make_folder()
            descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE)
        except OSError as failed:
            raise Misused(f"{self.path.parent} cannot be written: {_why(failed)}.") from failed
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self) -> None:
        folder = self.path.parent
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=FOLDER, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(FOLDER)


def replace(path: Path, text: str) -> None:
    """The whole text in the file, with mode 0600, or the file as it was; raise OSError."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False) as file:
        try:  # made with mode 0600
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _why(failed: Exception) -> str:
    return (failed.strerror if isinstance(failed, OSError) else None) or str(failed)
