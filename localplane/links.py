"""``.local/bin``: the programs that were found, under their usual names, and our own command line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from localplane.files import write_private
from localplane.layout import Layout
from localplane.parts import Found

#: Parts to have on PATH, each with what usually lies beside it and is of use too.
OFFERED: Mapping[str, tuple[str, ...]] = {
    "pulumi": (),
    "pulumi-language-python": ("pulumi-language-python-exec",),
    "kubectl": (),
    "postgres": ("psql", "pg_dump", "pg_restore", "pg_basebackup"),
    "redis-server": ("redis-cli",),
    "oauth2-proxy": (),
}
#: The command line of this repository.
COMMAND = "agent-ready"


def command(layout: Layout) -> str:
    """A script that runs this checkout's ``cli`` from any folder, whatever modules lie in that one."""
    root, python = (shlex.quote(os.fspath(path)) for path in (layout.root, layout.local / "venv" / "bin" / "python"))
    return f'#!/bin/sh\nPYTHONPATH={root} exec {python} -P -m cli "$@"\n'


def refresh(folder: Path, found: Mapping[str, Found], scripts: Mapping[str, str]) -> None:
    """Make the folder hold exactly the offered programs that exist, and these scripts by name."""
    wanted = {path.name: (path, found[part].environment) for part in OFFERED if part in found
              for path in _programs(part, found[part])}  # fmt: skip
    for entry in folder.iterdir():
        if entry.name not in wanted and entry.name not in scripts:
            entry.unlink()
    for name, (path, environment) in wanted.items():
        if environment:
            _place_script(folder / name, path, environment)
        else:
            _place_link(folder / name, path)
    for name, text in scripts.items():
        write_private(folder / name, text, mode=0o700)


def _programs(part: str, found: Found) -> Iterable[Path]:
    beside = [found.path.with_name(name) for name in OFFERED[part]]
    own = [] if part == "postgres" else [found.path]
    return [path for path in (*own, *beside) if path.exists()]


def _place_link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _place_script(script: Path, program: Path, environment: Mapping[str, str]) -> None:
    """A program that needs variables (one unpacked without being installed) gets them from a script."""
    if script.is_symlink():
        script.unlink()
    assignments = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    write_private(script, f'#!/bin/sh\n{assignments} exec {shlex.quote(os.fspath(program))} "$@"\n', mode=0o700)
