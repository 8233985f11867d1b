"""State in a folder of this machine, or of a file system that the replicas share."""

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from engine.stack import PROJECT


class FileStates:
    """`States` in files: each stack in a folder of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def variables(self) -> Mapping[str, str]:
        return {}

    def url(self, stack: str) -> str:
        return f"file://{self._folder}/{stack}?metadata=skip"

    async def read(self, stack: str, name: str) -> str | None:
        path = self._path(stack, name)
        return await asyncio.to_thread(path.read_text) if path.exists() else None

    async def write(self, stack: str, name: str, text: str) -> None:
        path = self._path(stack, name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text)

    async def names(self, stack: str, folder: str) -> list[str]:
        return [f"{folder}/{path.name}" for path in self._path(stack, folder).glob("*")]

    async def remove(self, stack: str, name: str) -> None:
        self._path(stack, name).unlink(missing_ok=True)

    async def forget(self, stack: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folder / stack, ignore_errors=True)

    async def ages(self) -> Mapping[str, float]:
        now = time.time()
        kept = self._folder.glob(f"*/.pulumi/stacks/{PROJECT}/*.json")
        return {path.stem: now - path.stat().st_mtime for path in kept}

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _path(self, stack: str, name: str) -> Path:
        return self._folder / stack / ".pulumi" / name
