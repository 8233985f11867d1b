"""The table of pinned parts is complete, and versions are judged by its rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from localplane import slices, table
from localplane.sources import PartsError


def test_every_part_has_exactly_one_source_of_last_resort() -> None:
    for name, row in table.parts().items():
        assert bool(row.build) != bool(row.debian), f"{name} needs either a build or a Debian package"


def test_every_build_makes_the_parts_that_name_it() -> None:
    for name, row in table.parts().items():
        if row.build:
            assert name in table.builds()[row.build].programs, f"{name} is not among the build's programs"


def test_the_pinned_version_itself_fits() -> None:
    for row in table.parts().values():
        assert row.fits(row.version), f"{row.name} {row.version} would be refused"


@pytest.mark.parametrize(
    ("name", "version", "fits"),
    [
        ("pulumi", "3.229.9", False),
        ("pulumi", "3.230.0", True),
        ("pulumi", "4.0.0", False),
        ("kubectl", "1.32.4", False),
        ("kubectl", "1.35.0", True),
        ("kubectl", "1.37.2", True),
        ("postgres", "14.9", False),
        ("postgres", "15.18", True),
        ("redis-server", "6.2.0", False),
        ("redis-server", "7.0.15", True),
        ("pulumi-resource-random", "4.21.5", False),
        ("oauth2-proxy", "7.14.3", False),
        ("oauth2-proxy", "7.15.9", True),
        ("oauth2-proxy", "7.16.0", False),
    ],
)
def test_versions_are_accepted_by_rule(name: str, version: str, fits: bool) -> None:
    assert table.part(name).fits(version) is fits


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("v3.250.0\n", "3.250.0"),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0", "7.0.15"),
        ("etcd Version: 3.6.8\nGit SHA: x\nGo Version: go1.26.8", "3.6.8"),
        ("Client Version: v1.36.3\nKustomize Version: v5.8.1", "1.36.3"),
        ("go1.26.8".removeprefix("go"), "1.26.8"),
        ("oauth2-proxy v7.15.6 (built with go1.26.8)", "7.15.6"),
        ("usage: no version here", ""),
    ],
)
def test_the_version_is_read_from_what_programs_print(said: str, version: str) -> None:
    assert table.version_in(said) == version


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PartsError, match=r"no part 'minio'; parts.toml has pulumi, "):
        table.part("minio")


CASE = """\tcase "{kind}":
\t\tvar res x.Y
\t\terr := ctx.RegisterResource("{token}", name, props, &res, opts...)
\t\tif err != nil {{
\t\t\treturn nil, err
\t\t}}
\t\treturn &res, nil
"""


def test_the_shorter_sdk_accepts_cases_that_do_what_the_default_does() -> None:
    slices.check(
        CASE.format(kind="v1/Pod", token="kubernetes:core/v1:Pod")
        + CASE.format(kind="apps/v1/Deployment", token="kubernetes:apps/v1:Deployment")
    )


@pytest.mark.parametrize(
    "text", [CASE.format(kind="v1/Pod", token="kubernetes:pods:Pod"), '\tcase "v1/Pod": special()']
)
def test_the_shorter_sdk_refuses_a_case_that_does_something_else(text: str) -> None:
    with pytest.raises(PartsError, match="more than its default"):
        slices.check(text)


def test_a_slice_holds_the_named_files_and_the_shorter_function(tmp_path: Path) -> None:
    sdk, cut = tmp_path / "sdk", tmp_path / "cut"
    kinds = sdk / slices.KINDS
    kinds.parent.mkdir(parents=True)
    (sdk / "go.mod").write_text("module x\n")
    (sdk / "huge.go").touch()
    case = CASE.format(kind="v1/Pod", token="kubernetes:core/v1:Pod")
    kinds.write_text(f"import all\nfunc IsListKind() {{}}\nfunc RegisterResource() {{\n{case}}}\n")
    slices.cut(sdk, ["go/kubernetes/yaml/v2/*.go"], cut)
    slices.shorten(cut, "package v2\nfunc RegisterResource() {}\n")
    assert sorted(path.name for path in cut.rglob("*") if path.is_file()) == ["go.mod", "kinds.go"]
    assert (cut / slices.KINDS).read_text() == "package v2\nfunc RegisterResource() {}\nfunc IsListKind() {}\n"
