"""Named queries: `queries/<file>.sql` holds statements, each below a line `-- name: <name>`."""

import re
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

_QUERIES = Path(__file__).parent / "queries"
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def query(name: str) -> LiteralString:
    """The statement called `<file>.<name>`, e.g. `organizations.claim`; raise KeyError if there is none."""
    file, _, wanted = name.partition(".")
    _, *parts = _NAME.split((_QUERIES / f"{file}.sql").read_text(encoding="utf-8"))
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    if wanted not in found:
        raise KeyError(f"{file}.sql holds no query {wanted!r}; it has {', '.join(found)}")
    return cast(LiteralString, found[wanted].strip())  # ours and constant: it comes from a file of this package
