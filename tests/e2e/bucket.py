"""An S3-compatible server for tests: versitygw, found or built like the platform's own parts, with one bucket."""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localplane.parts import ProgressLine, obtain

NAME = "state"


@dataclass(frozen=True)
class Bucket:
    """A bucket, whose objects are files below `folder`; the credentials are for its owner's environment."""

    folder: Path
    port: int
    credentials: dict[str, str]

    @property
    def url(self) -> str:
        """A folder in the bucket, as Pulumi names it."""
        return f"s3://{NAME}/self-service?region=us-east-1&endpoint=http://127.0.0.1:{self.port}&use_path_style=true"


@contextmanager
def bucket(folder: Path) -> Iterator[Bucket]:
    """Serve a bucket below the folder; building the server takes minutes the first time."""
    program = obtain(["versitygw"], ProgressLine())["versitygw"].path
    for name in ("objects", "attributes"):
        (folder / name).mkdir(parents=True)
    (folder / "objects" / NAME).mkdir()
    key, secret, port = secrets.token_hex(8), secrets.token_hex(16), _free_port()
    command = [program, "--port", f"127.0.0.1:{port}", "--quiet", "posix", "--sidecar",
               str(folder / "attributes"), str(folder / "objects")]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={"PATH": os.defpath, "HOME": str(folder), "ROOT_ACCESS_KEY_ID": key, "ROOT_SECRET_ACCESS_KEY": secret},
        )  # fmt: skip
    try:
        _wait(process, port, folder / "log")
        yield Bucket(folder / "objects" / NAME, port, {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret})
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
