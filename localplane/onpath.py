"""Parts that are already on this machine: on PATH, or in the folder where their kind usually lies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from localplane.sources import Found, output_of
from localplane.table import Part, part, version_in

#: Debian keeps PostgreSQL's servers off PATH.
POSTGRES_FOLDERS = Path("/usr/lib/postgresql")
#: What the official language host needs beside it, and where it needs to lie itself.
WITH_COMPANIONS = ("pulumi", "postgres")
HOST = ("pulumi-language-python", "pulumi-language-python-exec")


def find(wanted: Part) -> Found | str:
    """The first candidate that fits; otherwise why there is none, in words for `make doctor`."""
    if wanted.name.startswith("pulumi-resource-"):
        return _installed_plugin(wanted)
    if wanted.name == HOST[0]:
        return _beside_pulumi(wanted)
    refusals = []
    for path in _candidates(wanted.name):
        version = version_in(output_of([path, *wanted.show]))
        problem = _problem(wanted, path, version)
        if not problem:
            return Found(wanted.name, version, path, "path", f"{path} was there and fits ({wanted.rule})")
        refusals.append(f"{path} {problem}")
    return "; ".join(refusals) or "none on PATH"


def _candidates(name: str) -> Iterator[Path]:
    seen = set()
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    if name == "postgres":
        versions = [path for path in POSTGRES_FOLDERS.glob("*/bin") if path.parent.name.isdigit()]
        folders += sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    for folder in folders:
        found = shutil.which(name, path=str(folder))
        if found is None or _is_ours(folder):
            continue
        # Companions lie where a link leads to. Only then is it followed: redis-server is a link by design.
        path = Path(found).resolve() if name in WITH_COMPANIONS else Path(found)
        if path not in seen:
            seen.add(path)
            yield path


def _is_ours(folder: Path) -> bool:
    """Whether this is the folder of links that some checkout's `.local/env` puts first on PATH."""
    return (folder.parent / "plane.json").exists()


def _problem(wanted: Part, path: Path, version: str) -> str:
    if not version:
        return "does not say its version"
    if not wanted.fits(version):
        return f"is {version}, {wanted.rule}"
    beside = HOST if wanted.name == "pulumi" else wanted.beside
    missing = [name for name in beside if not path.with_name(name).exists()]
    return f"is {version}, without {', '.join(missing)} beside it" if missing else ""


def _beside_pulumi(wanted: Part) -> Found | str:
    """CLI and language host belong together: one from PATH is used with the other or not at all."""
    pulumi = find(part("pulumi"))
    if isinstance(pulumi, str):
        return pulumi
    return Found(wanted.name, pulumi.version, pulumi.path.with_name(wanted.name), "path", pulumi.why)


def _installed_plugin(wanted: Part) -> Found | str:
    """Providers are looked for where Pulumi installs them: there the folder's name tells the version."""
    name = wanted.name.removeprefix("pulumi-")
    path = Path.home() / ".pulumi" / "plugins" / f"{name}-v{wanted.version}" / wanted.name
    if os.access(path, os.X_OK):
        return Found(wanted.name, wanted.version, path, "path", f"{path} was installed by Pulumi")
    return f"no {name}-v{wanted.version} in {path.parent.parent}"
