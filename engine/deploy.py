"""Updating an environment: what killed updates left half way, then the platform's stack, then all that changed."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from database import deployments, migrations
from database.deployments import Record
from database.pool import Database
from engine.adopt import adopt
from engine.errors import EngineError, Locked, NotConfigured, Protected, Unfinished
from engine.move import move
from engine.review_command import review, review_broken
from engine.runs import Run, everything, needed, unfinished
from engine.shards import Wanted, check_places, digest, shards, wanted
from engine.stack import Stack, known_stacks
from tenants.errors import CatalogError
from tenants.shards import Shard

_UP = ("up", "--yes", "--skip-preview", "--suppress-outputs", "--non-interactive", "--parallel", "32")
_DESTROY = ("destroy", "--yes", "--skip-preview", "--suppress-outputs", "--non-interactive", "--run-program")
# The program registers nothing as protected then; the state follows before anything is deleted.
_UNPROTECTED = (*_DESTROY, "--config", "agent-ready-k8s:unprotect=true")
_POLICIES = ("--policy-pack", "policies")
_DEPLOYING = frozenset({"up", "update", "destroy"})  # Pulumi's commands that an update's record must know of
# Pulumi's documented exit codes after which the state was written; it has none for having been killed.
_ENDED = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 9})
_TAIL = 40  # lines of a failed stack's log


class Environment:
    """One environment of this checkout: its stacks, and the record of what they hold."""

    def __init__(self, root: Path, name: str, *, at_once: int | None = None) -> None:
        self._root, self._name = root, name
        self._at_once = at_once or max(os.cpu_count() or 1, 1)
        self._logs = root / ".local" / "logs"

    async def up(self, *, all_stacks: bool = False) -> int:
        """Deploy what changed (`all_stacks`: everything); return 0, or 1 if a stack failed. Safe to repeat."""
        stacks = wanted(self._root, self._name)
        async with _alone(self._name) as database:
            if not await deployments.is_kept(database):
                await migrations.migrate(database)  # nothing may begin that could not be recorded
            record = await self._record(database, stacks)
            self._check_nothing_protected_leaves(stacks, record)
            record = await self._finished(database, stacks, record)
            self._check_nothing_protected_leaves(stacks, record)
            todo = self._everything(stacks, record) if all_stacks else needed(stacks, record, known_stacks())
            self._say_skipped(stacks, todo)
            return 0 if await self._deploy(database, todo, record) else 1

    async def review(self) -> int:
        """Print what an update would do, as Markdown; return an Outcome. Changes nothing."""
        try:
            stacks = wanted(self._root, self._name)
        except CatalogError as broken:
            return review_broken(broken)
        async with _database() as database:
            record = await self._record(database, stacks)
        catalog = [organization for w in stacks for organization in w.organizations]
        return review(self._root, self._name, catalog, needed(stacks, record, known_stacks()))

    async def pulumi(self, arguments: Sequence[str], shard: Shard | None = None) -> int:
        """Run any Pulumi command on one stack, the whole of which it is taken to be about; return its exit code."""
        parts = shards(self._root, self._name)
        if shard is None and len(parts) > 1:
            raise NotConfigured(
                f"the environment {self._name!r} has {len(parts)} stacks; name one with --shard "
                f"({parts[0]} is the platform's, {parts[1]} the first of the organizations')"
            )
        shard = shard or parts[0]
        if shard not in parts:
            raise NotConfigured(f"{shard} is no shard of {self._name!r}; it has {', '.join(map(str, parts))}")
        if not _DEPLOYING.intersection(arguments[:1]):
            return await Stack(self._root, self._name, shard).run(arguments)
        stacks = wanted(self._root, self._name)
        async with _alone(self._name) as database:
            record = await self._record(database, stacks)
            if unfinished(stacks, record, known_stacks()):
                raise Unfinished(
                    "an update was killed and the catalog was edited since; nothing was changed. "
                    "Run `python -m engine up`, which finishes that update first"
                )
            run = everything(next(w for w in stacks if w.shard == shard), record)
            async with self._recorded(database, run, record, removing=arguments[0] == "destroy") as ended:
                return ended(await Stack(self._root, self._name, shard).run(arguments))

    async def move(self) -> int:
        """Move organizations to the stacks that they belong to since the number of shards changed; return 0."""
        async with _alone(self._name) as database:
            moved = await move(self._root, self._name, database)
        print(f"{moved} organizations moved; `python -m engine up` has nothing to change in them", flush=True)
        return 0

    async def adopt(self, slug: str) -> int:
        """Take a self-service organization, whose file is in the catalog, into its stack; return 0."""
        async with _alone(self._name) as database:
            await adopt(self._root, self._name, slug, database)
        print(f"{slug} is the catalog's now; `python -m engine up` has nothing to change in it", flush=True)
        return 0

    async def destroy(self, *, unprotect: bool = False) -> int:
        """Remove every organization, then the platform's own objects; return 0, or 1 if a stack failed.

        Protected organizations stop it before anything is removed, unless `unprotect` says that they are meant too.
        """
        stacks = wanted(self._root, self._name)
        async with _alone(self._name) as database:
            record = await self._finished(database, stacks, await self._record(database, stacks))
            standing = known_stacks()
            runs = self._everything([w for w in stacks if w.stack in standing], record)

            async def remove(run: Run, position: str) -> bool:
                async with self._recorded(database, run, record, removing=True) as ended:
                    arguments = _UNPROTECTED if unprotect else _DESTROY
                    if ended(await self._run(run, arguments, position, alone=len(runs) == 1)):
                        return False
                await deployments.forget(database, self._name, run.stack.stack)
                return True

            if not unprotect:
                self._check_unprotected(runs)
            return 0 if await self._in_turn(_by_turn(runs)[::-1], remove) else 1

    def _everything(self, stacks: Sequence[Wanted], record: Record) -> tuple[Run, ...]:
        return tuple(everything(w, record) for w in stacks)

    async def _record(self, database: Database, stacks: Sequence[Wanted]) -> Record:
        record = await deployments.read(database, self._name)
        check_places(stacks, record)
        return record

    async def _finished(self, database: Database, stacks: Sequence[Wanted], record: Record) -> Record:
        """Finish what killed updates began; return the record then.

        Whatever comes of it: when an engine has ended by itself, its state knows what was made.
        """
        left = unfinished(stacks, record, known_stacks())
        if not left:
            return record
        wanted_now = {slug for stack in stacks for slug in stack.slugs}
        slugs = [slug for run in left for slug in run.slugs]
        print(
            f"an update was killed and the catalog was edited since; {', '.join(slugs[:6])}"
            f"{' …' if len(slugs) > 6 else ''} is finished first as it was meant then",
            flush=True,
        )
        if not await self._deploy(database, left, record):
            lost = [slug for slug in slugs if slug not in wanted_now]
            if lost:  # what is still in the catalog is deployed as it says now
                raise Unfinished(
                    f"what a killed update has begun with {', '.join(lost)} could not be finished, and nothing else "
                    "was begun. Mend what is said above and repeat; docs/runbooks/ says how to give it up"
                )
        return await self._record(database, stacks)

    async def _deploy(self, database: Database, runs: Sequence[Run], record: Record) -> bool:
        async def deploy(run: Run, position: str) -> bool:
            targets = run.targets(Stack(self._root, self._name, run.stack.shard).urns)
            if targets is not None:
                async with self._recorded(database, run, record) as ended:
                    if ended(await self._run(run, (*_UP, *_POLICIES, *targets), position, alone=len(runs) == 1)):
                        return False
            await deployments.finish(
                database, self._name, run.stack.stack,
                frame=run.stack.frame if run.whole else None,
                deployed={organization.slug: digest(organization) for organization in run.register},
                deleted=run.leaving,
            )  # fmt: skip
            return True

        return await self._in_turn(_by_turn(runs), deploy)

    @asynccontextmanager
    async def _recorded(
        self, database: Database, run: Run, record: Record, *, removing: bool = False
    ) -> AsyncIterator[Callable[[int], int]]:
        """Record what an update means to do, and forget it when its engine has ended by itself.

        The body passes Pulumi's exit code through the function that it is given. If it never comes to that, or Pulumi
        was killed, the intent stays for the next update to find. So does one that `record` had open before: an update
        that fails may have done so before it found what the killed one made.
        """
        deploying = {} if removing else {o.slug: o.model_dump_json(exclude_defaults=True) for o in run.register}
        deleting = [slug for slug in run.slugs if slug not in deploying]
        if await deployments.is_kept(database):
            await deployments.begin(
                database, self._name, run.stack.stack, deploying=deploying, deleting=deleting, whole=run.whole
            )
        codes: list[int] = []

        def ended(code: int) -> int:
            codes.append(code)
            return code

        yield ended
        if _ENDED.intersection(codes):
            known = [slug for slug in run.slugs if slug not in record.open]
            await deployments.settle(database, self._name, known)

    def _check_unprotected(self, runs: Sequence[Run]) -> None:
        for stack in (Stack(self._root, self._name, run.stack.shard) for run in runs):
            stack.prepare()
            if protected := sorted(stack.protected()):
                raise Protected(
                    f"{len(protected)} resources of stack {stack.name} are protected ({', '.join(protected[:6])}…); "
                    "nothing was removed. Set `protected: false` in the catalog files and deploy that, or confirm that "
                    "all of them are meant: `make destroy UNPROTECT=yes`"
                )

    def _check_nothing_protected_leaves(self, stacks: Sequence[Wanted], record: Record) -> None:
        """Raise Protected before an engine starts, if the catalog has lost an organization that it protected."""
        standing = known_stacks()
        for run in self._everything(stacks, record):
            if not run.leaving or run.stack.stack not in standing:
                continue
            stack = Stack(self._root, self._name, run.stack.shard)
            stack.prepare()
            kept = sorted(set(run.leaving) & {name.removesuffix("-row") for name in stack.protected()})
            if kept:
                raise Protected(
                    f"{', '.join(kept)} left the catalog but is protected; nothing was changed. Put the file back with "
                    "`protected: false`, deploy that, then remove it"
                )

    def _say_skipped(self, stacks: Sequence[Wanted], todo: Sequence[Run]) -> None:
        if len(todo) < len(stacks):
            print(
                f"{len(stacks) - len(todo)} of {len(stacks)} stacks have nothing to change "
                "(`python -m engine up --all` runs them all the same)",
                flush=True,
            )
        for run in todo:
            if not run.whole:
                print(f"{run.stack.stack}: {', '.join(run.slugs[:6])}{' …' if len(run.slugs) > 6 else ''}", flush=True)

    async def _in_turn(self, turns: Sequence[Sequence[Run]], act: Callable[[Run, str], Awaitable[bool]]) -> bool:
        """Act on every run of a turn, a few at a time, before the next turn, which waits for the success of all."""
        limit = asyncio.Semaphore(self._at_once)

        async def one(run: Run, position: str) -> bool:
            async with limit:
                try:
                    return await act(run, position)
                except EngineError as error:
                    print(f"{position} {run.stack.stack}: {error}", file=sys.stderr, flush=True)
                    return False

        for turn in turns:
            if not all(await asyncio.gather(*(one(run, f"[{n}/{len(turn)}]") for n, run in enumerate(turn, 1)))):
                return False
        return True

    async def _run(self, run: Run, arguments: Sequence[str], position: str, *, alone: bool) -> int:
        """Run Pulumi on one stack: in full view if it is the only one, else into a log, with a line when it ends."""
        stack = Stack(self._root, self._name, run.stack.shard)
        if alone:
            return await stack.run(arguments, holding=run.holding)
        log, began = self._logs / f"stack-{stack.name}.log", time.monotonic()
        code = await stack.run(arguments, holding=run.holding, log=log)
        verdict = "done" if code == 0 else f"FAILED (exit code {code})"
        seconds = time.monotonic() - began
        print(f"{position} {stack.name}: {len(run.slugs)} organizations, {verdict} after {seconds:.1f} s", flush=True)
        if code:
            print("\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:]), flush=True)
        return code


def _by_turn(runs: Sequence[Run]) -> list[list[Run]]:
    """The platform's stack, then the others."""
    turns = ([run for run in runs if run.stack.shard.has_platform is platform] for platform in (True, False))
    return [turn for turn in turns if turn]


@asynccontextmanager
async def _alone(environment: str) -> AsyncIterator[Database]:
    """The database, while nobody else updates this environment; raise Locked if somebody does."""
    async with _database() as database, deployments.alone(database, environment) as alone:
        if not alone:
            raise Locked(f"another update of {environment!r} holds its lock; wait until that has ended, then repeat")
        yield database


def _database() -> Database:
    url = os.environ.get("PLATFORM_DATABASE_URL")
    if not url:
        raise NotConfigured("PLATFORM_DATABASE_URL is not set; run `make up`, then `. .local/env`")
    return Database(url, size=4)
