"""Slices: modules of which the kubernetes provider gets only the files that it uses, the rest left out.

``github.com/pulumi/pulumi-kubernetes/sdk/v4``: the provider uses ``yaml/v2.RegisterResource`` of it for what
Helm charts and YAML files contain. That function has a case for each kind of object, and so pulls in the Go types
of every API group: 26 MB of generated source, a third of the time that all builds take together. The cases
differ in the Go type of the answer only, which the provider does not look at; so the function is
replaced by its own default case, after a check that this is what all of them do.

``github.com/fluxcd/pkg/ssa``: the provider uses one file of it. The others need older Kubernetes modules than the
API server's, and with two versions of those everything that imports them would be compiled twice.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from localplane.sources import PartsError

FOLDER = "slices"
SDK = "github.com/pulumi/pulumi-kubernetes/sdk/v4"
KINDS = Path("go/kubernetes/yaml/v2/kinds.go")

#: A case of RegisterResource as generated: the kinds it is for, and the token it registers.
CASE = re.compile(
    r'((?:\tcase "[^\n]*\n)+)\t\tvar res \S+\n\t\terr := ctx\.RegisterResource\("([^"]+)", name, props, &res, '
    r"opts\.\.\.\)\n\t\tif err != nil \{\n\t\t\treturn nil, err\n\t\t\}\n\t\treturn &res, nil\n"
)


def cut(source: Path, patterns: Sequence[str], target: Path) -> None:
    """Copy go.mod and the files that the patterns match (relative to ``source``) to ``target``."""
    for pattern in ("go.mod", *patterns):
        for path in source.glob(pattern):
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def shorten(sdk: Path, shorter: str) -> None:
    """Replace RegisterResource in the slice of the SDK by ``shorter``, the text of a Go file.

    Raises PartsError when the SDK's function is not what the shorter one stands for.
    """
    path = sdk / KINDS
    kinds = path.read_text(encoding="utf-8")
    start, end = kinds.index("func IsListKind("), kinds.index("func RegisterResource(")
    check(kinds[end:])
    path.write_text(shorter + kinds[start:end], encoding="utf-8")


def check(function: str) -> None:
    """Raises PartsError unless every case registers what the shorter function would."""
    cases = [(kind, token) for kinds, token in CASE.findall(function) for kind in re.findall(r'"([^"]+)"', kinds)]
    odd = [kind for kind, token in cases if token != _token(kind)]
    if odd or len(cases) != function.count('case "'):
        raise PartsError(
            f"{SDK}: RegisterResource has cases that do more than its default ({', '.join(odd) or 'unreadable'}). "
            "Adapt localplane/slices.py, or take the SDK out of `slices` in parts.toml to build with all of it."
        )


def _token(full_kind: str) -> str:
    version, kind = full_kind.rsplit("/", 1)
    return f"kubernetes:{'core/v1' if version == 'v1' else version}:{kind}"
