"""Every side effect of the sagas by name, and the record of what an operation has done.

A fault test enumerates the names: before and after each of them the process may die.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from database import operations
from database.errors import LeaseLost
from database.operations import Lease
from database.pool import Database

RESERVE, DEPLOY, RECORD, SAVE, MARK_SAVED, PUBLISH = "reserve", "deploy", "record", "save", "mark-saved", "publish"
CONVERGE = "converge"
BEGIN_UNDO, UNDO_NAMESPACE, UNDO_ROW, UNDO_STACK, FAIL = (
    "begin-undo",
    "undo-namespace",
    "undo-row",
    "undo-stack",
    "fail",
)
ENFORCE, SET_QUOTA, RESTORE_CLUSTER, RESTORE_ROW = "enforce", "set-quota", "restore-cluster", "restore-row"
RESTORE_STACK = "restore-stack"
MEMBERS, RESTORE_MEMBERS = "members", "restore-members"
DESTROY, COMMIT = "destroy", "commit"

FORWARD = (RESERVE, DEPLOY, RECORD, SAVE, MARK_SAVED, PUBLISH)
UNDO = (BEGIN_UNDO, UNDO_NAMESPACE, UNDO_ROW, UNDO_STACK, FAIL)
QUOTA = (RESERVE, ENFORCE, SET_QUOTA, CONVERGE, MARK_SAVED)
QUOTA_UNDO = (RESTORE_CLUSTER, RESTORE_ROW, FAIL)
CHANGE = (RESERVE, ENFORCE, MEMBERS, CONVERGE, COMMIT, PUBLISH)
CHANGE_UNDO = (RESTORE_MEMBERS, RESTORE_STACK, FAIL)
REPAIR = (RESERVE, CONVERGE, COMMIT)
DELETE = (RESERVE, DESTROY, UNDO_NAMESPACE, UNDO_ROW, UNDO_STACK, COMMIT)


_TOGETHER = 0.05  # seconds


class StepRecord:
    """Writes steps in their order without making whoever does them wait, together what comes together."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database, self._lease = database, lease
        self._waiting: list[tuple[str, str]] = []
        self._any, self._ended = asyncio.Event(), asyncio.Event()

    def add(self, step: str, detail: str = "") -> None:
        """Have it recorded soon."""
        self._waiting.append((step, detail))
        self._any.set()

    async def write(self) -> None:
        """Write until the end was announced; a lease that is lost ends it too."""
        with contextlib.suppress(LeaseLost):
            while await self._some():
                done, self._waiting = self._waiting, []
                await operations.add_steps(self._database, self._lease, done)

    async def _some(self) -> bool:
        """Whether there is something to write; waits a moment for more to come with it, unless the end has come."""
        if not self._ended.is_set():
            await self._any.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TOGETHER):
                    await self._ended.wait()
            self._any.clear()
        return bool(self._waiting)

    def end(self) -> None:
        """Announce that nothing more comes."""
        self._ended.set()
        self._any.set()


@asynccontextmanager
async def recorded(database: Database, lease: Lease) -> AsyncIterator[StepRecord]:
    """A record for as long as the body runs; everything is written when it ends without an error."""
    record = StepRecord(database, lease)
    writing = asyncio.create_task(record.write(), name=f"steps of {lease.operation_id}")
    try:
        yield record
    finally:
        record.end()
        await writing
