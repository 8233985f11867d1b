"""A copy of this checkout with a platform of its own, driven by the same commands that a user types."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_LONGEST = 600  # seconds; a hanging command is a failure, not a hanging suite


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str

    def ok(self) -> "Result":
        """The same, if the command succeeded."""
        assert self.code == 0, f"exit code {self.code}:\n{self.out[-6000:]}"
        return self


class Checkout:
    """One copy, with its own `.local/`; the Python environment is the original's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = run(["git", "ls-files", "-co", "--exclude-standard", "-z"], ROOT).ok().out
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / ".local").mkdir()
        (folder / ".local" / "venv").symlink_to(ROOT / ".local" / "venv")

    @property
    def catalog(self) -> Path:
        """The folder of catalog files."""
        return self.folder / "tenants" / "orgs"

    @cached_property
    def environment(self) -> dict[str, str]:
        """What `.local/env` sets, on top of this process's environment."""
        printed = run(["/bin/sh", "-c", ". .local/env && env -0"], self.folder).ok().out
        return dict(line.split("=", 1) for line in printed.split("\0") if "=" in line)

    def plane(self, *arguments: str) -> Result:
        """Run `python -m localplane`."""
        return run([sys.executable, "-m", "localplane", *arguments], self.folder)

    def python(self, *arguments: str) -> Result:
        """Run Python with what `.local/env` sets."""
        return run([sys.executable, *arguments], self.folder, self.environment)

    def start_python(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start Python with what `.local/env` sets and do not wait."""
        return _start([sys.executable, *arguments], self.folder, self.environment)

    def pulumi(self, *arguments: str) -> Result:
        """Run `pulumi` on this checkout's stack."""
        return self.python("-m", "engine", "pulumi", "--", *arguments)

    def up(self) -> dict[str, int]:
        """`pulumi up`; what the engine counted, such as {"same": 90, "update": 1}."""
        self.pulumi("up", "--yes", "--skip-preview", "--non-interactive").ok()
        return self.last_changes()

    def last_changes(self) -> dict[str, int]:
        """What the last operation changed, from the stack's own history."""
        printed = self.pulumi("stack", "history", "--json", "--page-size", "1", "--page", "1").ok().out
        newest = json.loads(printed[printed.index("[") :])[0]
        changes: dict[str, int] = newest["resourceChanges"]
        return changes

    def kubectl(self, *arguments: str, user: str | None = None, stdin: str | None = None) -> Result:
        """Run kubectl as the cluster's administrator, or as `user`."""
        acting = ["--as", user] if user else []
        return run(["kubectl", *arguments, *acting], self.folder, self.environment, stdin)

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """The items that `kubectl get` finds."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "-o", "json").ok().out)["items"]
        return found

    def sql(self, statement: str, role: str = "PLATFORM_DATABASE_URL") -> list[list[str]]:
        """Rows of `statement`, run as the role whose URL that variable of `.local/env` holds."""
        url = self.environment[role]
        command = ["psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-qAtF", "\t", "-c", statement]
        printed = run(command, self.folder, {**self.environment, "PGSERVICEFILE": os.devnull, **_libpq(url)}).ok().out
        return [line.split("\t") for line in printed.splitlines()]

    def edit(self, organization: str, **changes: Any) -> None:
        """Change top-level keys of a catalog file; a new one is not protected, so that it can be removed again."""
        path = self.catalog / f"{organization}.yaml"
        data = yaml.safe_load(path.read_text()) if path.exists() else {"protected": False}
        path.write_text(yaml.safe_dump({**data, **changes}, sort_keys=False))


@contextmanager
def serving(folder: Path, slug: str, owner: str, **more: Any) -> Iterator[Checkout]:
    """A platform of its own as `make up` leaves it, with that organization alone in the catalog, until the end."""
    made = Checkout(folder)
    for path in made.catalog.glob("*.yaml"):
        path.unlink()
    made.edit(slug, name=slug, members=[{"email": owner, "role": "owner"}], **more)
    try:
        made.plane("up").ok()
        made.up()
        made.plane("serve").ok()
        yield made
    finally:
        made.plane("down")


def _libpq(url: str) -> dict[str, str]:
    """libpq's variables for a URL, so that its password is no argument."""
    from psycopg.conninfo import conninfo_to_dict

    names = {"dbname": "PGDATABASE", "sslrootcert": "PGSSLROOTCERT", "sslmode": "PGSSLMODE"}
    return {names.get(key, f"PG{key.upper()}"): str(value) for key, value in conninfo_to_dict(url).items()}


def run(
    command: Sequence[str], folder: Path, environment: dict[str, str] | None = None, stdin: str | None = None
) -> Result:
    """Run it to its end, with exactly that environment if one is given."""
    done = subprocess.run(
        command, cwd=folder, env=environment, input=stdin or "", timeout=_LONGEST, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return Result(done.returncode, done.stdout)


def _start(command: Sequence[str], folder: Path, environment: dict[str, str] | None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
