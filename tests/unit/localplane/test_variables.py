"""``.local/env`` says the same to every ``sh``, whatever the values hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from localplane import external, links, psql, variables
from localplane.layout import Layout
from localplane.parts import Found

FOLDERS = [Path("/a b/venv/bin"), Path("/a b/bin")]
SETTINGS = Path("/a b/no such file")


def test_values_reach_the_shell_unchanged(tmp_path: Path) -> None:
    awkward = {"A": 'it\'s $HOME `id` "x" \\', "B": "", "C": "postgresql://u:p@h/d?sslmode=x&y=z", "D": "ä\tb"}
    file = tmp_path / "env"
    file.write_text(variables.render(awkward, FOLDERS, SETTINGS))
    for name, value in awkward.items():
        assert _sourced(file, f'printf %s "${name}"') == value


def test_the_values_are_exported(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(variables.render({"A": "1"}, FOLDERS, SETTINGS))
    assert "A=1" in _sourced(file, "env").splitlines()


def test_the_users_own_settings_come_last_and_are_exported(tmp_path: Path) -> None:
    file, own = tmp_path / "env", tmp_path / "own settings"
    file.write_text(variables.render({"A": "1", "B": "2"}, FOLDERS, own))
    own.write_text('B="$A$B"\nC=3\n')
    assert {"A=1", "B=12", "C=3"} <= set(_sourced(file, "env").splitlines())


def test_our_programs_come_first_on_the_path_and_only_once(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(variables.render({}, FOLDERS, SETTINGS))
    assert _sourced(file, f'. {file}; printf %s "$PATH"') == "/a b/venv/bin:/a b/bin:/usr/bin:/bin"


def test_a_program_that_needs_variables_is_offered_with_them(tmp_path: Path) -> None:
    program = tmp_path / "unpacked folder" / "redis-cli"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s|" "$LD_LIBRARY_PATH" "$@"\n')
    program.chmod(0o755)
    found = Found("redis-server", "7", program.with_name("redis-server"), "package", "", {"LD_LIBRARY_PATH": "/x y"})
    offered = tmp_path / "bin"
    offered.mkdir()
    (offered / "old").touch()
    links.refresh(offered, {"redis-server": found}, {})
    assert [path.name for path in offered.iterdir()] == ["redis-cli"]
    shown = subprocess.run([offered / "redis-cli", "a b"], capture_output=True, text=True, check=True)
    assert shown.stdout == "/x y|a b|"


def test_the_command_line_runs_from_any_folder_whatever_lies_there(tmp_path: Path) -> None:
    layout, offered = Layout(tmp_path / "check out"), tmp_path / "bin"
    (layout.root / "cli").mkdir(parents=True)
    (layout.root / "cli" / "__main__.py").write_text("import sys; print('ours', *sys.argv[1:])")
    (tmp_path / "cli.py").write_text("print('not ours')")
    python = layout.local / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    offered.mkdir()
    links.refresh(offered, {}, {links.COMMAND: links.command(layout)})
    links.refresh(offered, {}, {links.COMMAND: links.command(layout)})
    command = [offered / "agent-ready", "a b"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert shown.stdout == "ours a b\n"


def test_a_database_url_becomes_settings_without_the_process_list() -> None:
    url = "postgresql://a%40b:p%2Fw@db.example:6432/main?sslmode=verify-full&sslrootcert=%2Fx%20y.crt"
    assert psql.settings_of(url) == {
        "PGHOST": "db.example", "PGPORT": "6432", "PGUSER": "a@b", "PGPASSWORD": "p/w", "PGDATABASE": "main",
        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/x y.crt",
    }  # fmt: skip


def test_a_shown_address_holds_no_password() -> None:
    assert external.without_password("rediss://u:secret@h:1/0") == "rediss://u:…@h:1/0"
    assert external.without_password("rediss://h:1/0") == "rediss://h:1/0"


def _sourced(file: Path, script: str) -> str:
    command = ["sh", "-c", f". {file}; {script}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}).stdout
