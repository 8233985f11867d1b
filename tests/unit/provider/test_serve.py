"""The plugin's edge: our errors are told as their own text, and a wrong call of the program explains itself."""

import asyncio
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from cluster.errors import NotIsolated
from database.errors import SlugTaken
from provider.serve import _PlainErrors, main
from provider.tenancy import ProviderError


class Aborted(Exception):
    """What grpc raises when a call is aborted."""


class Context:
    """The part of a call's context that the interceptor uses."""

    async def abort(self, code: grpc.StatusCode, text: str) -> None:
        raise Aborted(code, text)


def answer(outcome: Exception | str) -> Any:
    """What a call through the interceptor gives when the servicer's method ends in `outcome`."""

    async def method(request: Any, context: Any) -> str:
        if isinstance(outcome, Exception):
            raise outcome
        return f"{outcome} {request}"

    async def continuation(details: Any) -> Any:
        return SimpleNamespace(unary_unary=method, request_deserializer=None, response_serializer=None)

    async def call() -> Any:
        handler = await _PlainErrors().intercept_service(continuation, None)
        return await handler.unary_unary("request", Context())

    return asyncio.run(call())


@pytest.mark.parametrize(
    "error", [NotIsolated("the gate stays closed"), SlugTaken("'acme' is taken"), ProviderError("no such kind")]
)
def test_our_errors_are_told_in_their_own_words(error: Exception) -> None:
    with pytest.raises(Aborted) as aborted:
        answer(error)
    assert aborted.value.args == (grpc.StatusCode.FAILED_PRECONDITION, str(error)), "a sentence, no traceback"


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError("bug"))


def test_a_good_answer_passes_through() -> None:
    assert answer("done") == "done request", "the interceptor changes nothing"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_starting_it_by_hand_explains_who_starts_it(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2, "a usage error"
    assert "started by Pulumi" in capsys.readouterr().err, "the text says what to do instead"
