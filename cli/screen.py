"""What is printed: results on standard output, everything else on standard error; spinners on a terminal only.

Every text passes `clean`: no secret and no terminal control sequence gets through, whatever the API answers.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.errors import CliError, Refused
from cli.program import renamed

UNBOUNDED = 4000  # columns of a pipe or a file: no line is broken
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # and turned directions
_COLOURS = {"COMMITTED": "green", "FAILED": "red", "PENDING": "yellow"}
Cells = Sequence[object]


class Screen:
    """Prints; `secrets` are replaced wherever they turn up. There is one of each run of the program."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = {secret for secret in secrets if secret}
        self._out, self._err = _console(stderr=False), _console(stderr=True)

    @classmethod
    def begin(cls, secrets: Iterable[str]) -> "Screen":
        """The screen of a run that begins, which `current` gives from now on."""
        screen = cls(secrets)
        _CURRENT.set(screen)
        return screen

    @classmethod
    def current(cls) -> "Screen":
        """The screen of this run."""
        return _CURRENT.get()

    def hide(self, *secrets: str) -> None:
        """Show none of these from now on."""
        self._secrets |= {secret for secret in secrets if secret}

    def clean(self, value: object) -> str:
        """A value as text that is safe to print; None is a dash."""
        text = "–" if value is None else value if isinstance(value, str) else _compact(value)
        for secret in sorted(self._secrets, key=len, reverse=True):  # one may be a part of another
            text = text.replace(secret, "***")
        return _harmless(text)

    def json(self, data: Any) -> None:
        """A result for scripts: one JSON document."""
        print(self.clean(json.dumps(data, indent=2, ensure_ascii=True)))

    def raw(self, text: str) -> None:
        """A document, byte for byte as it came; on a terminal nothing in it that a terminal obeys."""
        sys.stdout.write(_harmless(text) if sys.stdout.isatty() else text)

    def facts(self, facts: Mapping[str, object]) -> None:
        """A result of one thing: a line for each fact."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in facts.items():
            text = self.clean(value)
            table.add_row(self.clean(name), Text(text, style=_COLOURS.get(text, "")))
        self._out.print(table)

    def table(self, heads: Sequence[str], rows: Iterable[Cells], *, title: str = "") -> None:
        """A result of many things; a state's name gets its colour."""
        if title:
            self.line(title)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            texts = [self.clean(cell) for cell in row]
            table.add_row(*(Text(text, style=_COLOURS.get(text, "")) for text in texts))
        self._out.print(table)

    def line(self, text: str) -> None:
        """A sentence that belongs to the result."""
        self._out.print(Text(self._sentence(text)), soft_wrap=True)

    def note(self, text: str) -> None:
        """A sentence beside the result."""
        self._err.print(Text(self._sentence(text), style="dim"), soft_wrap=True)

    def ask_about(self, text: str) -> None:
        """What a question is about, on standard error and not to be overlooked."""
        self._err.print(Text(self.clean(text), style="yellow"), soft_wrap=True)

    def error(self, error: CliError) -> None:
        """An error, the fields it is about, and what to do next."""
        self._err.print(Text(self._sentence(str(error)), style="red"), soft_wrap=True)
        for name, problem in error.fields if isinstance(error, Refused) else ():
            self._err.print(Text(f"  {self.clean(name)}: {self.clean(problem)}"), soft_wrap=True)
        if error.next_step:
            self._err.print(Text(self._sentence(error.next_step)), soft_wrap=True)

    def _sentence(self, text: str) -> str:
        return self.clean(renamed(text))

    @contextmanager
    def progress(self, title: str, total: int | None = None) -> Iterator["Ticker"]:
        """A spinner, or a bar of `total`, that goes away when it is done; off a terminal its notes only."""
        if not self._err.is_terminal:
            yield Ticker(self.note, lambda _: None, lambda: None)
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
        counted = (TextColumn("{task.completed}/{task.total}"),) if total else ()
        with Progress(*columns, *counted, TimeElapsedColumn(), console=self._err, transient=True) as bar:
            task = bar.add_task(self.clean(title), total=total)
            yield Ticker(
                self.note,
                lambda text: bar.update(task, description=self.clean(text)),
                lambda: bar.advance(task),
            )


_CURRENT: ContextVar[Screen] = ContextVar("screen")


class Ticker:
    """Progress of one thing: `note` a line that stays, `now` what it does at the moment, `advance` by one."""

    def __init__(self, note: Callable[[str], None], now: Callable[[str], None], advance: Callable[[], None]) -> None:
        self.note, self.now, self.advance = note, now, advance


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = UNBOUNDED
    return console


def _harmless(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(", ", ": "), ensure_ascii=False, default=str)
