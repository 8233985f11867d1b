"""Work that depends on other work: whatever can run at the same time does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from localplane.errors import Interrupted


@dataclass(frozen=True)
class Task:
    """Something to do after the tasks it needs; names of tasks that do not exist are taken as done."""

    run: Callable[[], None]
    needs: Sequence[str] = ()


class _Skipped(Exception):
    """What this task needs was not reached."""


def run(tasks: Mapping[str, Task], cancelled: threading.Event) -> None:
    """Run all tasks; the first failure is raised once everything that had begun has come to its end.

    ``tasks`` are in an order that satisfies their needs. Ctrl-C sets ``cancelled`` and raises Interrupted;
    tasks run in other threads, so that none is cut off between making a process and remembering it.
    """
    futures: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(tasks))) as pool:
        for name, task in tasks.items():
            before = [futures[need] for need in task.needs if need in futures]
            futures[name] = pool.submit(_run_after, task, before)
        try:
            wait(futures.values())
        except KeyboardInterrupt as problem:
            cancelled.set()
            raise Interrupted("stopped while servers were starting") from problem
    _raise_first(futures.values())


def _run_after(task: Task, before: Sequence[Future[None]]) -> None:
    if any(future.exception() for future in before):
        raise _Skipped
    task.run()


def _raise_first(futures: Iterable[Future[None]]) -> None:
    for problem in [future.exception() for future in futures]:
        if problem is not None and not isinstance(problem, _Skipped):
            raise problem
