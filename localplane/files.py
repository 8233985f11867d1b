"""Files that others must not read, written whole or not at all."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path


def write_private(path: Path, content: str | bytes, mode: int = 0o600) -> bool:
    """Write ``content`` atomically with ``mode``; False when the file already said so."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        path.chmod(mode)
        return False
    private_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def private_folder(path: Path, mode: int = 0o700) -> Path:
    """Make the folder if it is missing; one that exists keeps the mode it has."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
        path.chmod(mode)
    return path


def keep_secret(path: Path, size: int = 32) -> str:
    """The secret in ``path``, made of ``size`` random bytes the first time and never changed afterwards."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(size) + "\n")
    return path.read_text().strip()


def rotate(path: Path, limit: int = 5_000_000, keep: int = 3) -> None:
    """Move a log above ``limit`` bytes to ``.1``, older ones one further, and forget those past ``keep``."""
    if not path.exists() or path.stat().st_size <= limit:
        return
    for number in range(keep, 0, -1):
        older = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, indented for an error message; empty when there is no log."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join(f"    {line[:400]}" for line in text.splitlines()[-lines:])
