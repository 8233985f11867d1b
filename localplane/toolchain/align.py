"""Make three of the modules here require the same version of every module that two of them compile.

For maintainers, after a version has moved: `python localplane/toolchain/align.py`. Packages compiled for one
program then serve the others from Go's build cache, which is half of what a first build costs. Kept apart
on purpose: Pulumi's own Go packages, whose interfaces change from one minor version to the next, and
Kubernetes' modules, whose versions the go.mod of `kubernetes` fixes. `s3` is left out: only a test builds it. So is
`oauth2-proxy`: it is small, and wants newer modules than the others have.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "kubernetes": ("./...",),
    "pulumi": ("./...", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
    "terraform": ("./...",),
}
APART = re.compile(
    r"github\.com/pulumi/(pulumi/(pkg|sdk)/v3|pulumi-(yaml|java|dotnet).*)|k8s\.io/(?!klog|utils|kube-openapi).*"
)
ROUNDS = 8
MODULE = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}"


def main() -> None:
    for _ in range(ROUNDS):
        for name in PACKAGES:
            # -e: tests of the kubernetes provider's dependencies want API groups that are gone
            _go(name, "mod", "tidy", "-e")
        changed = _raise_all({name: _compiled(name) for name in PACKAGES})
        print(f"{changed} modules differed")
        if not changed:
            return
    raise SystemExit(f"still not aligned after {ROUNDS} rounds; look at `go mod graph` for what holds them apart")


def _compiled(name: str) -> dict[str, str]:
    """The modules whose packages are compiled, with their versions."""
    lines = _go(name, "list", "-e", "-deps", "-f", MODULE, *PACKAGES[name]).splitlines()
    return dict(line.split() for line in lines if line)


def _raise_all(modules: Mapping[str, Mapping[str, str]]) -> int:
    """Require the highest version wherever versions differ; how many modules did."""
    changed = 0
    for module in sorted(set().union(*modules.values())):
        versions = {name: found[module] for name, found in modules.items() if module in found}
        if len(set(versions.values())) == 1 or APART.fullmatch(module):
            continue
        changed += 1
        highest = max(versions.values(), key=_order)
        for name, version in versions.items():
            if version != highest:
                _go(name, "mod", "edit", f"-require={module}@{highest}")
    return changed


def _order(version: str) -> list[tuple[int, int, str]]:
    pieces = re.split(r"[.\-+]", version.removeprefix("v"))
    return [(0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in pieces]


def _go(name: str, *arguments: str) -> str:
    done = subprocess.run(["go", *arguments], cwd=HERE / name, capture_output=True, text=True, check=False)
    if done.returncode != 0 and "-e" not in arguments:
        raise SystemExit(f"go {' '.join(arguments)} failed in {name}:\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
