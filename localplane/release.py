"""Providers fetched by the official Pulumi CLI, where one is on PATH: as it would itself on first use.

No other part is fetched ready-made: a download is only worth its SHA-256 pinned beforehand, and where these
versions were chosen the official hosts could not be reached to learn one. The CLI's own download is what its
user already trusts.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from localplane.sources import Found, cache_folder, run
from localplane.table import Part

#: Seconds that one provider may take (40 MB), before it is built instead.
LIMIT = 120.0
PREFIX = "pulumi-resource-"


def find(wanted: Part) -> Found | None:
    """The provider from the cache, when the official CLI put it there."""
    path = _folder(wanted) / "plugins" / f"resource-{_name(wanted)}-v{wanted.version}" / wanted.name
    if not path.exists():
        return None
    return Found(wanted.name, wanted.version, path, "release", "fetched by the official Pulumi CLI")


def obtain(wanted: Part, pulumi: Found, tick: Callable[[], None]) -> None:
    """Have ``pulumi plugin install`` fetch the provider into the cache; raises StepFailed."""
    base = _folder(wanted).parent
    base.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="fetching-", dir=base))
    try:
        run(
            [pulumi.path, "plugin", "install", "resource", _name(wanted), f"v{wanted.version}"],
            part=wanted.name, log=base / "release.log", hint="It is built from Go modules instead.", tick=tick,
            limit=LIMIT, environment={"PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "1", "HOME": str(home)},
        )  # fmt: skip
        if not _folder(wanted).exists():  # another checkout may have been faster
            home.rename(_folder(wanted))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _folder(wanted: Part) -> Path:
    return cache_folder() / wanted.name / f"{wanted.version}-release"


def _name(wanted: Part) -> str:
    return wanted.name.removeprefix(PREFIX)
