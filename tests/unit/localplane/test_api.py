"""The API as one of the platform's processes: what it is started with, and that it ends before what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from localplane import envfile, variables
from localplane.errors import PlaneError
from localplane.layout import Layout
from localplane.parts import Found
from localplane.pki import Pki
from localplane.servers import ALL, EVERYTHING, Api, Ground


def api(root: Path) -> Api:
    layout = Layout(root)
    found = {"pulumi": Found("pulumi", "3", Path("/usr/bin/pulumi"), "path", "", {})}
    return Api(Ground(layout, {"api": 20_001}, Pki(layout.pki), found))


def test_the_env_file_is_read_back_as_a_shell_does(tmp_path: Path) -> None:
    file = tmp_path / "env"
    awkward = {"A": "it's $HOME \\", "URL": "postgresql://u:p@h/d?x=1&y=2"}
    file.write_text(variables.render(awkward, [Path("/a b/bin")], tmp_path / "settings"))
    read = envfile.read(file)
    assert {name: read[name] for name in awkward} == awkward
    assert read["PATH"].startswith("/a b/bin:"), "our programs come first"
    assert "PWD" not in read, "nothing of the shell that read it"
    with pytest.raises(PlaneError, match="`make up` writes it"):
        envfile.read(tmp_path / "none")


def test_it_runs_this_checkouts_rooms_with_what_the_env_file_says(tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "env").write_text("export API_URL=http://127.0.0.1:20001\n")
    server = api(tmp_path)
    assert server.environment()["PYTHONPATH"] == str(tmp_path)
    assert server.environment()["API_URL"] == "http://127.0.0.1:20001"
    before = server.fingerprint()
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "app.py").write_text("changed\n")
    assert server.fingerprint() != before, "changed code means a restart"
    before = server.fingerprint()
    (tmp_path / ".local" / "env").write_text("export API_URL=http://127.0.0.1:20002\n")
    assert server.fingerprint() != before, "and so do changed settings"


def test_it_is_started_on_its_own_and_stopped_with_everything() -> None:
    assert Api not in ALL and Api in EVERYTHING, "`up` comes before the catalog, and so before the schema"
    assert {"postgres", "kube-apiserver", "redis"} <= set(Api.needs), "these outlive it, so that it can drain"
