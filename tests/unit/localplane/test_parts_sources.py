"""Each part comes from the first source that works, and says which and why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localplane import debian, gobuild, onpath, parts, table
from localplane.sources import Found, Progress

RANDOM = "pulumi-resource-random"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty PATH, home and cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(onpath, "POSTGRES_FOLDERS", tmp_path / "postgresql")
    monkeypatch.setattr(debian, "SYSTEM_CACHE", tmp_path / "system")
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(path: Path, says: str) -> Path:
    """An executable that prints ``says`` whatever it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_nothing_is_found_on_an_empty_machine() -> None:
    assert all(parts.locate(name) is None for name in table.parts())


def test_a_program_on_path_whose_version_fits_is_taken(machine: Path) -> None:
    path = program(machine / "bin" / "etcd", "etcd Version: 3.6.1")
    found = parts.locate("etcd")
    assert found is not None
    assert (found.path, found.version, found.source) == (path, "3.6.1", "path")


def test_one_that_does_not_fit_is_passed_over_and_the_reason_is_told(machine: Path) -> None:
    program(machine / "bin" / "kubectl", "Client Version: v1.32.4")
    built(machine, "kubectl")
    found = parts.locate("kubectl")
    assert found is not None
    assert found.source == "build"
    assert "is 1.32.4, needs 1.35 ≤ version < 1.38" in found.why


def test_the_next_one_on_path_may_fit(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine / "bin" / "redis-server", "Redis server v=6.0.1")
    path = program(machine / "new" / "redis-server", "Redis server v=7.2.0")
    monkeypatch.setenv("PATH", f"{machine / 'bin'}{os.pathsep}{machine / 'new'}")
    found = parts.locate("redis-server")
    assert found is not None
    assert found.path == path


def test_pulumi_without_its_language_host_beside_it_is_not_taken(machine: Path) -> None:
    program(machine / "bin" / "pulumi", "v3.260.0")
    assert parts.locate("pulumi") is None
    for name in onpath.HOST:
        program(machine / "bin" / name, "")
    found = {name: parts.locate(name) for name in ("pulumi", "pulumi-language-python")}
    assert [there.version for there in found.values() if there] == ["3.260.0", "3.260.0"]


def test_postgres_is_taken_from_the_newest_folder_with_all_its_programs(machine: Path) -> None:
    for version in (15, 16, 17):
        for name in ("postgres", *table.part("postgres").beside):
            if (version, name) != (17, "initdb"):
                program(machine / "postgresql" / str(version) / "bin" / name, f"postgres (PostgreSQL) {version}.2")
    found = parts.locate("postgres")
    assert found is not None
    assert found.version == "16.2", "17 lacks initdb"


def test_a_link_that_makes_the_program_is_not_followed(machine: Path) -> None:
    program(machine / "bin" / "redis-check-rdb", "Redis server v=7.0.15")
    (machine / "bin" / "redis-server").symlink_to("redis-check-rdb")
    found = parts.locate("redis-server")
    assert found is not None
    assert found.path.name == "redis-server"


def test_a_provider_that_pulumi_installed_is_taken_at_exactly_its_version(machine: Path) -> None:
    version = table.part(RANDOM).version
    plugins = machine / "home" / ".pulumi" / "plugins"
    program(plugins / "resource-random-v4.0.0" / RANDOM, "")
    assert parts.locate(RANDOM) is None
    path = program(plugins / f"resource-random-v{version}" / RANDOM, "")
    found = parts.locate(RANDOM)
    assert found is not None
    assert found.path == path


def built(machine: Path, name: str) -> Path:
    build = table.builds()[table.part(name).build]
    return program(gobuild.folder(build) / "bin" / name, f"v{table.part(name).version}")


def test_what_was_built_from_another_recipe_is_not_taken(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(machine, "etcd")
    assert parts.locate("etcd") is not None
    monkeypatch.setattr(gobuild, "FLAGS", ("-race",))
    assert parts.locate("etcd") is None


def test_what_was_unpacked_from_debian_comes_with_its_libraries(machine: Path) -> None:
    root = debian.folder(table.part("redis-server"))
    program(root / "usr" / "bin" / "redis-server", "")
    libraries = root / "usr" / "lib" / "x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    (root / "agent-ready-version").write_text("7.0.15\n")
    found = parts.locate("redis-server")
    assert found is not None
    assert (found.source, found.version) == ("debian", "7.0.15")
    assert found.environment == {"LD_LIBRARY_PATH": str(libraries)}


def test_obtain_without_work_reports_nothing_and_keeps_the_order(machine: Path) -> None:
    program(machine / "bin" / "redis-server", "Redis server v=7.0.15")
    program(machine / "bin" / "etcd", "etcd Version: 3.6.8")
    found = parts.obtain(["redis-server", "etcd", "redis-server"], lambda progress: pytest.fail(str(progress)))
    assert list(found) == ["redis-server", "etcd"]


def test_without_go_the_error_says_what_to_do() -> None:
    with pytest.raises(parts.ToolMissing, match=r"needs Go 1\.26 or newer"):
        parts.obtain(["etcd"], lambda progress: None)


def test_an_old_go_is_refused(machine: Path) -> None:
    program(machine / "bin" / "go", "go1.24.2")
    with pytest.raises(parts.ToolMissing, match=r"go on PATH is 1\.24\.2"):
        parts.obtain(["etcd"], lambda progress: None)


def test_without_apt_the_error_says_what_to_install() -> None:
    with pytest.raises(parts.ToolMissing, match="Install redis-server by this system's means"):
        parts.obtain(["redis-server"], lambda progress: None)


FAKE_GO = """#!/bin/sh
PATH=/usr/bin:/bin
case "$1" in
env) echo go1.26.1 ;;
list) echo example.org/one; echo example.org/two ;;
build)
  while [ "$1" != -o ]; do shift; done
  [ -e "{failure}" ] && {{ echo example.org/one; echo 'main.go:1: it is broken'; exit 1; }}
  printf '#!/bin/sh\\ncase $0 in */etcd) echo etcd Version: 3.6.8 ;; *) echo Version: {version} ;; esac\\n' \\
    > "$2/kubernetes"
  chmod +x "$2/kubernetes"
  echo example.org/one; echo example.org/two ;;
esac
"""


def fake_go(machine: Path, version: str) -> None:
    path = machine / "bin" / "go"
    path.write_text(FAKE_GO.format(failure=machine / "failure", version=version))
    path.chmod(0o755)


def test_a_build_is_checked_by_running_it_and_then_found(machine: Path) -> None:
    fake_go(machine, "v1.36.3")
    seen: list[Progress] = []
    found = parts.obtain(["kubectl", "etcd"], seen.append)
    assert {name: (there.source, there.version) for name, there in found.items()} == {
        "kubectl": ("build", "1.36.3"),
        "etcd": ("build", "3.6.8"),
    }
    (machine / "bin" / "go").unlink()
    assert parts.obtain(["kubectl", "etcd"], seen.append) == found, "the second time needs no Go"


def test_a_build_that_answers_another_version_is_not_installed(machine: Path) -> None:
    fake_go(machine, "v1.0.0")
    with pytest.raises(parts.StepFailed, match=r"answers version 1\.0\.0 instead of"):
        parts.obtain(["kubectl"], lambda progress: None)
    assert parts.locate("kubectl") is None
    assert not list((machine / "cache" / "agent-ready-k8s" / "tools").glob("workshop-*")), "a workshop was left"


def test_a_build_that_fails_shows_the_end_of_its_log(machine: Path) -> None:
    fake_go(machine, "v1.36.3")
    (machine / "failure").touch()
    with pytest.raises(parts.StepFailed, match="it is broken") as caught:
        parts.obtain(["kubectl"], lambda progress: None)
    assert "    example.org/one" not in str(caught.value), "the names of compiled packages hide the error"
    assert "What was compiled is kept" in str(caught.value)


def found_provider(path: Path, version: str = "4.21.4") -> dict[str, Found]:
    return {RANDOM: Found(RANDOM, version, path, "build", ""), "pulumi": Found("pulumi", "3", path, "build", "")}


def test_the_pulumi_home_holds_the_providers_by_version(tmp_path: Path) -> None:
    first, second = program(tmp_path / "one" / RANDOM, ""), program(tmp_path / "two" / RANDOM, "")
    parts.pulumi_home(tmp_path / "home", found_provider(first))
    link = tmp_path / "home" / "plugins" / "resource-random-v4.21.4" / RANDOM
    assert link.resolve() == first
    parts.pulumi_home(tmp_path / "home", found_provider(second))
    assert link.resolve() == second
    assert [entry.name for entry in link.parent.iterdir()] == [RANDOM]


def test_the_engine_finds_a_file_where_it_would_log_everything(tmp_path: Path) -> None:
    (tmp_path / "home" / "logs").mkdir(parents=True)
    (tmp_path / "home" / "logs" / "pulumi-20261125T195219-25902.log").touch()
    for _ in range(2):
        parts.pulumi_home(tmp_path / "home", {})
        assert (tmp_path / "home" / "logs").is_file(), "no folder, so no log; what was logged before is gone"
