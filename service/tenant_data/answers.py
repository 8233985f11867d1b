"""How rows are answered: as JSON with an `ETag`, or not at all."""

from typing import Any

from fastapi.responses import JSONResponse

from database.tenant_rows import Kept
from service.problems import Problem
from service.tenant_data.preconditions import tag

_TIMES = ("created_at", "updated_at", "deleted_at")


def shown(row: Kept) -> dict[str, Any]:
    """The row as its readers see it."""
    times = {name: at.isoformat() if (at := getattr(row, name)) else None for name in _TIMES}
    ids = {name: str(value) for name, value in vars(row).items() if name in ("id", "project_id") and value is not None}
    return vars(row) | times | ids


def answer(row: Kept, status: int = 200, location: str = "") -> JSONResponse:
    """The row and its version."""
    return JSONResponse(shown(row), status, headers={"ETag": tag(row), **({"Location": location} if location else {})})


def missing(what: str, where: str) -> Problem:
    """There is none, or it is hidden, or it is another organization's: the answer is the same."""
    return Problem(404, f"no-such-{what}", f"There is no such {what}", f"GET {where} lists those that there are")
