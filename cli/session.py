"""What every command begins with: settings, a connection, a screen; and how a command waits for an operation."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from cli import acting
from cli.acting import By
from cli.answers import COMMITTED, Answer, Operation, Problem, Step
from cli.api import Api
from cli.connection import Connection
from cli.errors import Interrupted, Misused, OperationFailed, Unreachable
from cli.events import Follower
from cli.identity.api import IdentityApi
from cli.identity.keeper import Keeper
from cli.screen import Screen
from cli.settings import Settings


class Session:
    """One run of one command."""

    def __init__(self, settings: Settings, connection: Connection, screen: Screen) -> None:
        self.settings, self.connection, self.screen = settings, connection, screen
        self.api, self.identity = Api(connection), IdentityApi(connection)
        self.keeper = Keeper(settings, self.identity, screen.hide)

    @classmethod
    @contextmanager
    def open(cls, *, wait: bool = False, by: By = By.OPERATOR) -> Iterator["Session"]:
        """A session by the environment's settings, closed in the end; raise Misused if they do not suffice."""
        screen = Screen.current()
        settings = Settings.read(os.environ)
        connection = Connection(settings, wait=wait, say=screen.note)
        try:
            session = cls(settings, connection, screen)
            connection.act_as(acting.bearer(by, settings, session.keeper))
            yield session
        finally:
            connection.close()

    def show(self, answer: Answer, as_json: bool, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A list, as a table or as JSON."""
        if as_json:
            self.screen.json(answer.plain())
        else:
            self.screen.table(heads, rows)

    def tell(self, answer: Answer, as_json: bool, facts: Mapping[str, object]) -> None:
        """One thing, as lines of facts or as JSON."""
        if as_json:
            self.screen.json(answer.plain())
        else:
            self.screen.facts(facts)

    def follow(self, operation_id: str, token: SecretStr | None = None) -> Operation:
        """The operation, COMMITTED, its steps shown as they come.

        Raise OperationFailed, or Interrupted, which says that the operation goes on and how to see it.
        """
        again = f"python -m cli watch {operation_id}"
        with going_on("The operation goes on by itself.", f"Watch it: {again}"):
            ended = self._until_the_end(operation_id, token.get_secret_value() if token else None)
        if ended.state == COMMITTED:
            return ended
        raise OperationFailed(f"{ended.kind} {ended.slug or ''} FAILED: {_reason(ended)}", f"Its steps again: {again}")

    def _until_the_end(self, operation_id: str, token: str | None) -> Operation:
        with self.screen.progress(f"operation {operation_id}") as ticker:

            def show(step: Step) -> None:
                ticker.now(step.step)
                ticker.note(f"  {step.at}  {step.step}{f': {step.detail}' if step.detail else ''}")

            return Follower(self.api, operation_id, token=token, on_step=show, say=self.screen.note).run()


@contextmanager
def going_on(what: str, next_step: str) -> Iterator[None]:
    """Around a call that goes on without us: say so upon Ctrl-C, and when the answer is lost."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted. {what}", next_step) from None
    except Unreachable as lost:
        lost.next_step = " ".join(filter(None, [lost.next_step, next_step]))
        raise


def idempotency_key(given: str | None) -> str:
    """A new key, or the one given; raise Misused if it cannot stand in a header."""
    if given is None:
        return str(uuid4())
    if not given or not given.isascii() or not given.isprintable() or given != given.strip():
        raise Misused("--key takes the key that an earlier call printed: plain characters, no blanks around them.")
    return given


def _reason(operation: Operation) -> str:
    if not operation.problem:
        return "the API does not say why"
    return Problem.model_validate({"title": "", **operation.problem}).sentence
