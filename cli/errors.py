"""Errors of the command line; each knows its exit code, and what to do next.

CliError
├── OperationFailed  1    the operation ended FAILED
├── Differs          1    the command worked, and what it looked at is not as it should be
├── Misused          2    an option or the environment is wrong, or a question was not agreed to
├── Refused          3    the API refused the call; the same call will be refused again
│   └── Outdated     3    what the call builds on was changed meanwhile
├── Unavailable      4    the API is busy, broken or draining; the same call may work later
│   ├── Busy         4    there is too much to do, and the API says when to ask again
│   ├── Unreachable  4    there was no answer
│   └── BadAnswer    4    there was an answer that is not the API's
└── Interrupted      130  Ctrl-C
"""


class CliError(Exception):
    """Root of everything this room raises; `next_step` is a sentence or a command, or empty."""

    exit_code = 1

    def __init__(self, text: str, next_step: str = "") -> None:
        super().__init__(text)
        self.next_step = next_step


class OperationFailed(CliError):
    """The operation ended FAILED; the text says why and what was undone."""


class Differs(CliError):
    """Something is not as it should be: drift, a broken policy, a service that is not ready."""


class Misused(CliError):
    """An option or the environment is wrong, or a question was not agreed to. Nothing was done."""

    exit_code = 2


class Refused(CliError):
    """The API refused the call; `fields` are the rows (field, problem) that it objects to, `kind` its name for why."""

    exit_code = 3

    def __init__(
        self, text: str, next_step: str = "", *, fields: tuple[tuple[str, str], ...] = (), kind: str = ""
    ) -> None:
        super().__init__(text, next_step)
        self.fields, self.kind = fields, kind


class Outdated(Refused):
    """The organization was changed after it was read. Nothing was done; read it again."""


class Unavailable(CliError):
    """The API cannot answer now."""

    exit_code = 4


class Busy(Unavailable):
    """The API has too much to do, and did nothing; it wants to be asked again after `seconds`."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text, f"Repeat it in {seconds:.0f} s, or give --wait, which does so by itself.")
        self.seconds = seconds


class Unreachable(Unavailable):
    """There was no answer. Whether the call was carried out is not known."""


class BadAnswer(Unavailable):
    """There was an answer, and it is not one of this API."""


class Interrupted(CliError):
    """Ctrl-C. The text says what goes on by itself."""

    exit_code = 130
