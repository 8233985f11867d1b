"""Parts from the distribution's packages, unpacked into the cache: no root, nothing installed.

apt-get works with folders of its own for state and downloads. Which packages are already installed it reads
from the system, so it fetches the part and only those shared libraries that this machine lacks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localplane.lock import exclusive
from localplane.sources import Found, StepFailed, ToolMissing, cache_folder, output_of, run
from localplane.table import Part, part, version_in

#: Called with a step, what is done of it, how much there is (0: unknown), and how many parts are finished.
Report = Callable[[str, int, int, int], None]

UNPACKED = "debian"
#: What is installed on this machine, as dpkg records it.
INSTALLED = Path("/var/lib/dpkg/status")
SYSTEM_CACHE = Path("/var/cache/agent-ready-k8s/tools")
HINT = "Check the network and the package sources (/etc/apt), or install the package yourself, and repeat the command."


def find(wanted: Part) -> Found | None:
    """The part from the cache, when it was unpacked there."""
    root = folder(wanted)
    for path in _programs(root, wanted):
        environment = _libraries(root)
        version = _version_file(root)
        if version.is_file():
            why = f"unpacked from Debian's package {wanted.debian} into the cache, installed nowhere"
            return Found(wanted.name, version.read_text().strip(), path, "debian", why, environment)
    return None


def folder(wanted: Part) -> Path:
    """Where the part lies. PostgreSQL refuses to run as root: root's must be open to another user."""
    base = cache_folder()
    if wanted.name == "postgres" and os.geteuid() == 0 and not _open_to_others(base):
        base = SYSTEM_CACHE
    return base / wanted.name / f"{wanted.version}-{UNPACKED}"


def _open_to_others(path: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents) if place.exists())


def obtain(names: Sequence[str], report: Report) -> None:
    """Fetch and unpack the packages of these parts; raises ToolMissing without apt, StepFailed otherwise."""
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise ToolMissing(
                f"{', '.join(names)}: not on PATH, and {tool} is not there to fetch Debian's package. Install "
                f"{', '.join(part(name).debian for name in names)} by this system's means and repeat the command."
            )
    for name in names:
        base = folder(part(name)).parent
        base.mkdir(parents=True, exist_ok=True)
        with exclusive(base / "lock", "apt-get", lambda text: report(text, 0, 0, 0)):
            if find(part(name)) is None:
                _obtain(part(name), base, report)


def _obtain(wanted: Part, base: Path, report: Report) -> None:
    log = base / "apt.log"
    log.unlink(missing_ok=True)
    with _apt(base) as options:
        fetched = 0

        def count(line: str) -> None:
            nonlocal fetched
            fetched += line.startswith("Get:")

        def step(text: str, *command: str | Path) -> None:
            nonlocal fetched
            fetched = 0
            run(command, part=wanted.name, log=log, hint=HINT, on_line=count,
                tick=lambda: report(text, fetched, 0, 0))  # fmt: skip

        step("reading package lists", "apt-get", *options, "update")
        step("fetching packages", "apt-get", *options, "install", "--download-only", "--yes",
             "--no-install-recommends", "--reinstall", wanted.debian)  # fmt: skip
        archives = sorted((base / "apt" / "cache" / "archives").glob("*.deb"))
        root = base / "apt" / "root"
        for number, archive in enumerate(archives, 1):
            report("unpacking packages", number, len(archives), 0)
            run(["dpkg", "--extract", archive, root], part=wanted.name, log=log, hint=HINT)
        _install(wanted, root, log)


@contextmanager
def _apt(base: Path) -> Iterator[list[str]]:
    """apt-get's options for a state of its own, below ``base / "apt"``, gone afterwards."""
    place = base / "apt"
    shutil.rmtree(place, ignore_errors=True)  # left by one that was killed
    for name in ("state/lists/partial", "cache/archives/partial", "root"):
        (place / name).mkdir(parents=True)
    settings = {
        "Dir::State": place / "state",
        "Dir::State::status": INSTALLED,
        "Dir::State::extended_states": place / "extended_states",
        "Dir::Cache": place / "cache",
        "Dir::Log": place,
        "Debug::NoLocking": "true",  # the system's locks are root's, and nothing of the system is changed
        "APT::Sandbox::User": "root",  # root's own folders are closed to the user that apt would become
        "Acquire::Languages": "none",
        "Acquire::http::Timeout": "30",
        "Acquire::https::Timeout": "30",
        "Acquire::Retries": "2",
    }
    try:
        yield ["-q", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _install(wanted: Part, root: Path, log: Path) -> None:
    """Run the program from where it was unpacked, then rename the tree into place."""
    for path in _programs(root, wanted):
        version = version_in(output_of([path, *wanted.show], _libraries(root)))
        if version and wanted.fits(version):
            _version_file(root).write_text(version + "\n")
            final = folder(wanted)
            shutil.rmtree(final, ignore_errors=True)
            root.rename(final)
            return
    raise StepFailed(
        f"{wanted.name}: Debian's package {wanted.debian} was unpacked, but holds no {wanted.name} that runs "
        f"here and fits ({wanted.rule}); see {log}. Nothing was installed."
    )


def _version_file(root: Path) -> Path:
    return root / "agent-ready-version"


def _programs(root: Path, wanted: Part) -> Iterator[Path]:
    if wanted.name == "postgres":  # its programs find their data by where they lie
        yield from sorted(root.glob("usr/lib/postgresql/*/bin/postgres"), reverse=True)
    else:
        yield from (path for path in (root / "usr" / "bin" / wanted.name,) if path.exists())


def _libraries(root: Path) -> Mapping[str, str]:
    found = (*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*"))
    folders = [path for path in found if path.is_dir()]
    return {"LD_LIBRARY_PATH": os.pathsep.join(map(str, sorted(folders)))} if folders else {}
