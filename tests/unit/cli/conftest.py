"""A fake API, and the command line run against it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from tests.unit.cli.fake_api import FakeApi
from tests.unit.cli.people import ADA, LOGIN, PASSWORD, SECRET, tokens
from tests.unit.cli.runner import invoke

TOKEN = "operator-token-of-the-test"
Run = Callable[..., Result]


@pytest.fixture
def api() -> FakeApi:
    """What the API answers; 404 until a test says otherwise."""
    return FakeApi()


@pytest.fixture
def run(api: FakeApi, tmp_path: Path) -> Iterator[Run]:
    """Run one command: its arguments, what is typed, and other variables than usual."""
    with api.served() as url:

        def once(*arguments: str, typed: str = "", shows_secrets: bool = False, **environment: str | None) -> Result:
            variables = {
                "API_URL": url,
                "OPERATOR_TOKEN": TOKEN,
                "COLUMNS": "200",
                "XDG_STATE_HOME": str(tmp_path),
                **environment,
            }
            result = invoke(arguments, typed, variables)
            assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
            assert "Traceback" not in result.output, result.output
            assert TOKEN not in result.output, "the operator's token was printed"
            assert shows_secrets or SECRET not in result.output, "a secret was printed"
            return result

        yield once


@pytest.fixture
def person(api: FakeApi, run: Run) -> Run:
    """The same, when Ada has logged in; what she asked to do so is forgotten."""
    api.on(LOGIN, 200, tokens())
    assert run("login", ADA, "--password-stdin", typed=f"{PASSWORD}\n").exit_code == 0
    api.asked.clear()
    return run
