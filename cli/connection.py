"""One HTTP connection to the API: who calls, how long to wait, and what each failure means."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import httpx2

from cli.bearers import Bearer, Nobody, Operator
from cli.errors import BadAnswer, Busy, Unreachable
from cli.problems import refusal
from cli.settings import Settings

CONNECT, ANSWER, SILENCE = 5.0, 120.0, 60.0  # seconds; SILENCE is between two server-sent events or comments
Query = Mapping[str, str | int | None]
V = TypeVar("V")


class Connection:
    """Calls that raise Refused, Unavailable or Unreachable; with `wait` a busy API is asked again until it answers.

    `say` is told about each wait. The token goes to `settings.url` only: redirects are not followed. A call whose token
    the API does not take any more is made once again if its bearer has another.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        wait: bool,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._settings, self._wait, self._say, self._sleep = settings, wait, say, sleep
        self._bearer: Bearer = Operator(settings.token) if settings.token else Nobody()
        self._client = httpx2.Client(
            base_url=settings.url, transport=transport, trust_env=not settings.is_local, verify=_trust(settings),
            timeout=httpx2.Timeout(ANSWER, connect=CONNECT), headers={"User-Agent": "agent-ready-cli"},
        )  # fmt: skip

    def act_as(self, bearer: Bearer) -> None:
        """Make the calls from now on for somebody else than the settings' operator."""
        self._bearer = bearer

    def close(self) -> None:
        """Close what is open to the API."""
        self._client.close()

    def call(
        self, method: str, path: str, *, query: Query | None = None, body: Any = None, key: str | None = None,
        version: str | None = None, token: str | None = None, also: frozenset[int] = frozenset(),
        content: str | None = None, anonymous: bool = False,
    ) -> httpx2.Response:  # fmt: skip
        """A successful answer, or one whose status is in `also`.

        `key` is the Idempotency-Key, `version` the tag of what the call builds on (If-Match), `content` a document
        instead of a body, `token` what is sent if there is no bearer. An `anonymous` call has none at all.
        """
        bearer = Nobody() if anonymous else self._bearer
        headers = _given({"Idempotency-Key": key, "If-Match": version})
        sent: dict[str, Any] = {"content": content} if content is not None else {"json": body}
        request = self._client.build_request(method, path, params=_given(query), headers=headers, **sent)
        shown, renewed = _show(request.headers, bearer.token() or token), False
        while True:
            with _network(self._settings):
                response = self._client.send(request)
            if response.is_success or response.status_code in also:
                return response
            if not renewed and (newer := _another(bearer, response, shown)):
                shown, renewed = _show(request.headers, newer), True
                continue
            self._raise_unless_waiting(response, bearer)

    @contextmanager
    def events(self, path: str, *, token: str | None, last: str) -> Iterator[Iterator[httpx2.ServerSentEvent]]:
        """Server-sent events, those after the one whose id is `last`. One connection: it may end at any time."""
        headers = httpx2.Headers({"Last-Event-ID": last} if last else {})
        shown = _show(headers, self._bearer.token() or token)
        timeout = httpx2.Timeout(SILENCE, connect=CONNECT)
        with _network(self._settings), ExitStack() as stack:
            source = stack.enter_context(self._client.sse(path, headers=headers, timeout=timeout))
            if newer := _another(self._bearer, source.response, shown):
                _show(headers, newer)
                source = stack.enter_context(self._client.sse(path, headers=headers, timeout=timeout))
            if not source.response.is_success:
                source.response.read()
                raise refusal(source.response, self._bearer)
            yield iter(source)

    def _raise_unless_waiting(self, response: httpx2.Response, bearer: Bearer) -> None:
        problem = refusal(response, bearer)
        if not (self._wait and isinstance(problem, Busy)):
            raise problem
        self._say(f"The API is busy; asking again in {problem.seconds:.0f} s. Ctrl-C stops.")
        self._sleep(problem.seconds)


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    """Reading the system's authorities takes longer than most calls; without TLS there is nothing to verify."""
    return httpx2.URL(settings.url).scheme == "https" or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _show(headers: httpx2.Headers, token: str | None) -> str:
    """Have the token sent, if there is one."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return token or ""


def _another(bearer: Bearer, response: httpx2.Response, refused: str) -> str | None:
    """A newer token, if the one sent is what the API objects to."""
    return bearer.another(refused) if response.status_code == 401 and refused else None


@contextmanager
def _network(settings: Settings) -> Iterator[None]:
    """Turn the library's errors into ours. A text is shown only from before any header was sent."""
    url = settings.url
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as failed:
        start = "`make up` starts it, `make status` shows what runs." if settings.is_local else ""
        raise Unreachable(f"Nothing answers at {url}: {failed}.", start) from failed
    except httpx2.SSEError as foreign:
        raise BadAnswer(f"{url} sends no server-sent events.", "Is API_URL the address of this API?") from foreign
    except httpx2.TimeoutException as silent:
        raise Unreachable(f"{url} took the call and did not answer in time.") from silent
    except httpx2.RequestError as broken:
        raise Unreachable(f"The connection to {url} broke before the answer was complete.") from broken


def _given(named: Mapping[str, V | None] | None) -> dict[str, V]:
    return {name: value for name, value in (named or {}).items() if value is not None}
