"""Updating an environment: the platform's stack first, then every stack whose plan changed, a few at a time."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from database import deployments
from database.deployments import Deployment
from database.pool import Database
from engine.errors import NotConfigured, Protected
from engine.move import move
from engine.shards import Wanted, changed, check_places, wanted
from engine.stack import Stack

_UP = ("up", "--yes", "--skip-preview", "--suppress-outputs", "--non-interactive", "--parallel", "32")
_DESTROY = ("destroy", "--yes", "--skip-preview", "--suppress-outputs", "--non-interactive", "--run-program")
# The program registers nothing as protected then; the state follows before anything is deleted.
_UNPROTECTED = (*_DESTROY, "--config", "agent-ready-k8s:unprotect=true")
_POLICIES = ("--policy-pack", "policies")
_TAIL = 40  # lines of a failed stack's log


class Environment:
    """One environment of this checkout: its stacks, and the record of what they hold."""

    def __init__(self, root: Path, name: str, *, at_once: int | None = None) -> None:
        self._root, self._name = root, name
        self._at_once = at_once or max(os.cpu_count() or 1, 1)
        self._logs = root / ".local" / "logs"

    async def up(self, *, everything: bool = False) -> int:
        """Deploy what changed (`everything`: all stacks); return 0, or 1 if a stack failed. Safe to repeat."""
        stacks = wanted(self._root, self._name)
        async with _database() as database:
            deployed = await self._deployed(database)
            check_places(stacks, deployed)
            self._check_nothing_protected_leaves(stacks, deployed)
            todo = stacks if everything else changed(stacks, self._standing(stacks, deployed))
            self._say_skipped(stacks, todo)
            shared = [w for w in todo if w.shard.has_platform]
            others = [w for w in todo if not w.shard.has_platform]

            async def deploy(w: Wanted, position: str) -> bool:
                await deployments.begin(database, self._name, w.stack, w.slugs)
                if not await self._run(w, (*_UP, *_POLICIES), position, alone=not others):
                    return False
                await deployments.finish(database, self._name, w.stack, w.digest, w.slugs)
                return True

            return 0 if await self._all(shared, deploy) and await self._all(others, deploy) else 1

    async def changed_stacks(self) -> tuple[Stack, ...]:
        """The stacks that an update would run; raise CatalogError for a broken catalog."""
        stacks = wanted(self._root, self._name)
        async with _database() as database:
            deployed = await self._deployed(database)
        check_places(stacks, deployed)
        todo = changed(stacks, self._standing(stacks, deployed))
        return tuple(Stack(self._root, self._name, w.shard) for w in todo)

    async def move(self) -> int:
        """Move organizations to the stacks that they belong to since the number of shards changed; return 0."""
        async with _database() as database:
            moved = await move(self._root, self._name, database)
        print(f"{moved} organizations moved; `python -m engine up` has nothing to change in them", flush=True)
        return 0

    async def destroy(self, *, unprotect: bool = False) -> int:
        """Remove every organization, then the platform's own objects; return 0, or 1 if a stack failed.

        Protected organizations stop it before anything is removed, unless `unprotect` says that they are meant too.
        """
        stacks = [w for w in wanted(self._root, self._name) if Stack(self._root, self._name, w.shard).exists()]
        async with _database() as database:

            async def remove(w: Wanted, position: str) -> bool:
                await deployments.begin(database, self._name, w.stack, w.slugs)
                if not await self._run(w, _UNPROTECTED if unprotect else _DESTROY, position, alone=len(stacks) == 1):
                    return False
                await deployments.forget(database, self._name, w.stack)
                return True

            if not unprotect:
                self._check_unprotected(stacks)
            others = [w for w in stacks if not w.shard.has_platform]
            shared = [w for w in stacks if w.shard.has_platform]
            return 0 if await self._all(others, remove) and await self._all(shared, remove) else 1

    def _check_unprotected(self, stacks: Sequence[Wanted]) -> None:
        for stack in (Stack(self._root, self._name, w.shard) for w in stacks):
            stack.prepare()
            if protected := sorted(stack.protected()):
                raise Protected(
                    f"{len(protected)} resources of stack {stack.name} are protected ({', '.join(protected[:6])}…); "
                    "nothing was removed. Set `protected: false` in the catalog files and deploy that, or confirm that "
                    "all of them are meant: `make destroy UNPROTECT=yes`"
                )

    def _check_nothing_protected_leaves(self, stacks: Sequence[Wanted], deployed: dict[str, Deployment]) -> None:
        """Raise Protected before an engine starts, if the catalog has lost an organization that it protected."""
        staying = {slug for w in stacks for slug in w.slugs}
        for w in stacks:
            leaving = set(deployed[w.stack].slugs) - staying if w.stack in deployed else set()
            if not leaving:
                continue
            stack = Stack(self._root, self._name, w.shard)
            stack.prepare()
            kept = sorted(leaving & {name.removesuffix("-row") for name in stack.protected()})
            if kept:
                raise Protected(
                    f"{', '.join(kept)} left the catalog but is protected; nothing was changed. Put the file back with "
                    "`protected: false`, deploy that, then remove it"
                )

    async def _deployed(self, database: Database) -> dict[str, Deployment]:
        return {record.stack: record for record in await deployments.read_all(database, self._name)}

    def _standing(self, stacks: Sequence[Wanted], deployed: dict[str, Deployment]) -> dict[str, Deployment]:
        """The records of stacks whose state still exists: a lost state has to be made again."""
        alive = {w.stack for w in stacks if Stack(self._root, self._name, w.shard).exists()}
        return {stack: record for stack, record in deployed.items() if stack in alive}

    def _say_skipped(self, stacks: Sequence[Wanted], todo: Sequence[Wanted]) -> None:
        if len(todo) < len(stacks):
            print(
                f"{len(stacks) - len(todo)} of {len(stacks)} stacks have nothing to change "
                "(`python -m engine up --all` runs them all the same)",
                flush=True,
            )

    async def _all(self, stacks: Sequence[Wanted], act: Callable[[Wanted, str], Awaitable[bool]]) -> bool:
        """Act on every stack, a few at a time; the others go on when one fails."""
        limit = asyncio.Semaphore(self._at_once)

        async def one(number: int, w: Wanted) -> bool:
            async with limit:
                return await act(w, f"[{number}/{len(stacks)}]")

        return all(await asyncio.gather(*(one(n, w) for n, w in enumerate(stacks, 1))))

    async def _run(self, w: Wanted, arguments: Sequence[str], position: str, *, alone: bool) -> bool:
        """Run Pulumi on one stack: in full view if it is the only one, else into a log, with a line when it ends."""
        stack = Stack(self._root, self._name, w.shard)
        if alone:
            return await stack.run(arguments) == 0
        log, began = self._logs / f"stack-{w.stack}.log", time.monotonic()
        code = await stack.run(arguments, log)
        verdict = "done" if code == 0 else f"FAILED (exit code {code})"
        seconds = time.monotonic() - began
        print(f"{position} {w.stack}: {len(w.slugs)} organizations, {verdict} after {seconds:.1f} s", flush=True)
        if code:
            print("\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:]), flush=True)
        return code == 0


def _database() -> Database:
    url = os.environ.get("PLATFORM_DATABASE_URL")
    if not url:
        raise NotConfigured("PLATFORM_DATABASE_URL is not set; run `make up`, then `. .local/env`")
    return Database(url, size=2)
