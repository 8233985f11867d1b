"""One HTTP connection to the API: who calls, how long to wait, and what each failure means."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2

from cli.errors import BadAnswer, Busy, Unreachable
from cli.problems import refusal
from cli.settings import Settings

CONNECT, ANSWER, SILENCE = 5.0, 120.0, 60.0  # seconds; SILENCE is between two server-sent events or comments
Query = Mapping[str, str | int | None]


class Connection:
    """Calls that raise Refused, Unavailable or Unreachable; with `wait` a busy API is asked again until it answers.

    `say` is told about each wait. The token goes to `settings.url` only: redirects are not followed.
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
        self._client = httpx2.Client(
            base_url=settings.url, transport=transport, trust_env=not settings.is_local,
            timeout=httpx2.Timeout(ANSWER, connect=CONNECT), headers={"User-Agent": "agent-ready-cli"},
        )  # fmt: skip

    @property
    def has_token(self) -> bool:
        """Whether calls are the operator's."""
        return bool(self._settings.token)

    def close(self) -> None:
        """Close what is open to the API."""
        self._client.close()

    def call(
        self, method: str, path: str, *, query: Query | None = None, body: Any = None, key: str | None = None,
        version: str | None = None, token: str | None = None, also: frozenset[int] = frozenset(),
        content: str | None = None,
    ) -> httpx2.Response:  # fmt: skip
        """A successful answer, or one whose status is in `also`.

        `key` is the Idempotency-Key, `version` the tag of what the call builds on (If-Match), `content` a document
        instead of a body.
        """
        headers = self._headers(token, key) | ({"If-Match": version} if version else {})
        sent: dict[str, Any] = {"content": content} if content is not None else {"json": body}
        request = self._client.build_request(method, path, params=_given(query), headers=headers, **sent)
        while True:
            with _network(self._settings):
                response = self._client.send(request)
            if response.is_success or response.status_code in also:
                return response
            self._raise_unless_waiting(response)

    @contextmanager
    def events(self, path: str, *, token: str | None, last: str) -> Iterator[Iterator[httpx2.ServerSentEvent]]:
        """Server-sent events, those after the one whose id is `last`. One connection: it may end at any time."""
        headers = self._headers(token, None) | ({"Last-Event-ID": last} if last else {})
        timeout = httpx2.Timeout(SILENCE, connect=CONNECT)
        with _network(self._settings), self._client.sse(path, headers=headers, timeout=timeout) as source:
            if not source.response.is_success:
                source.response.read()
                raise refusal(source.response, with_token=self.has_token)
            yield iter(source)

    def _headers(self, token: str | None, key: str | None) -> dict[str, str]:
        bearer = self._settings.token or token
        named = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return named | ({"Idempotency-Key": key} if key else {})

    def _raise_unless_waiting(self, response: httpx2.Response) -> None:
        problem = refusal(response, with_token=self.has_token)
        if not (self._wait and isinstance(problem, Busy)):
            raise problem
        self._say(f"The API is busy; asking again in {problem.seconds:.0f} s. Ctrl-C stops.")
        self._sleep(problem.seconds)


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


def _given(query: Query | None) -> dict[str, str | int]:
    return {name: value for name, value in (query or {}).items() if value is not None}
