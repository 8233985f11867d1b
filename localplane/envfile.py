"""Reading ``.local/env`` back as a shell does, for a process that is started without one."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from localplane.errors import PlaneError


def read(path: Path) -> dict[str, str]:
    """What the file sets in a shell that had nothing but the system's PATH."""
    if not path.exists():
        raise PlaneError(f"{path} does not exist yet. `make up` writes it.")
    command = ["sh", "-c", f". {shlex.quote(str(path))} && env -0"]
    done = subprocess.run(command, env={"PATH": os.defpath}, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise PlaneError(f"{path} cannot be read by sh: {done.stderr.strip()}. `make up` writes it anew.")
    variables = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    return {name: value for name, value in variables.items() if name not in ("PWD", "OLDPWD", "SHLVL", "_")}
