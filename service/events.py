"""An operation as server-sent events: each step as it is recorded, then its end. Any replica can tell them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from database import operations
from database.operations import Operation, Step
from database.pool import Database

PAUSE, LONGEST_PAUSE, HEARTBEAT, LONGEST = 0.05, 1.0, 15.0, 900.0  # seconds


def shown(operation: Operation, steps: list[Step]) -> dict[str, Any]:
    """The operation as its readers see it."""
    ended = operation.state != "PENDING"
    return {
        "id": operation.id, "kind": operation.kind, "slug": operation.slug, "state": operation.state,
        "undoing": operation.undoing and not ended, "attempt": operation.attempt, "way": operation.way,
        "created_at": operation.created_at.isoformat(), "ended_at": _time(operation.ended_at),
        "saved_at": _time(operation.saved_at), "reason": operation.reason,
        "answer": operation.answer if operation.state == "COMMITTED" else None, "problem": operation.problem,
        "steps": [shown_step(step) for step in steps],
    }  # fmt: skip


def shown_step(step: Step) -> dict[str, Any]:
    """One step as readers see it."""
    return {"id": step.id, "step": step.step, "detail": step.detail, "at": step.at.isoformat()}


def is_over(operation: Operation) -> bool:
    """Whether nothing more will happen."""
    return operation.state == "FAILED" or (operation.state == "COMMITTED" and operation.saved_at is not None)


async def stream(database: Database, operation_id: str, after: int) -> AsyncIterator[str]:
    """Steps above the id `after`, as they come; `state` when the operation has an answer, `end` when all is done."""
    pause, began, told, spoke = PAUSE, time.monotonic(), "", time.monotonic()
    while time.monotonic() - began < LONGEST:
        async with database.transaction() as connection:
            operation = await operations.read(connection, operation_id)
        if operation is None:
            return
        new = await operations.steps(database, operation_id, after)
        for step in new:
            after = step.id
            yield _event("step", shown_step(step), str(step.id))
        if operation.state != told and operation.state != "PENDING":
            told = operation.state
            yield _event("state", shown(operation, []))
        if is_over(operation):
            yield _event("end", shown(operation, []))
            return
        if time.monotonic() - spoke > HEARTBEAT:
            spoke = time.monotonic()
            yield ": still here\n\n"
        if new:
            pause = PAUSE
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _event(kind: str, data: dict[str, Any], number: str = "") -> str:
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data)}\n\n"


def _time(value: Any) -> str | None:
    return value.isoformat() if value else None
