"""A thin REST client: lightkube reads the kubeconfig and connects; requests and answers are plain JSON objects.

lightkube's own typed client knows neither delete preconditions nor impersonation, and both matter here.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx2
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ConfigError

from cluster.errors import ApiRefused, ClusterError, Unreachable

Json = dict[str, Any]

NAMESPACES = "/api/v1/namespaces"
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"  # YAML, of which JSON is a part
_TIMEOUT = httpx2.Timeout(15.0)  # seconds
_WARNING = re.compile(r'299 \S+ "(.*)"')
_SHORT = 200  # characters of an answer that is not Kubernetes'


class ClusterApi:
    """One connection pool to one API server, as the identity of a kubeconfig's current context.

    Safe for concurrent use in one event loop. Use as an async context manager, or call `close()`.
    """

    def __init__(self, kubeconfig: Path) -> None:
        if not kubeconfig.is_file():
            raise ClusterError(f"{kubeconfig} is no kubeconfig file; run `make up`, or name yours: KUBECONFIG=<file>")
        try:
            config = KubeConfig.from_file(str(kubeconfig)).get()
            if config is None:  # as its type allows
                raise ConfigError("none is set")
        except ConfigError as error:
            raise ClusterError(
                f"{kubeconfig} has no current context ({error}); set one with `kubectl config use-context`"
            ) from error
        self._client = AsyncClient(config, ConnectionParams(timeout=_TIMEOUT, trust_env=False))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def get(self, path: str) -> Json | None:
        """The object or list at `path`, or None if there is none."""
        try:
            return await self._request("GET", path)
        except ApiRefused as refused:
            if refused.code == 404:
                return None
            raise

    async def create(self, path: str, body: Json, *, dry_run: bool = False, impersonate: str | None = None) -> Json:
        """POST `body`; never touches an object that exists (ApiRefused, code 409)."""
        return await self._request("POST", path, body, dry_run=dry_run, impersonate=impersonate)

    async def patch(self, path: str, body: Json, *, dry_run: bool = False, impersonate: str | None = None) -> Json:
        """JSON merge patch of one object."""
        return await self._request("PATCH", path, body, dry_run=dry_run, impersonate=impersonate)

    async def apply(self, path: str, body: Json, *, manager: str) -> Json:
        """Server-side apply as this field manager, which takes fields over from others.

        With a `metadata.uid` only exactly that object is changed; without, one that is missing is made.
        """
        params = {"fieldManager": manager, "force": "true"}
        response = await self._send("PATCH", path, body, content_type=_APPLY, params=params)
        return _answer(f"PATCH {path}", response)

    @asynccontextmanager
    async def watch(
        self, collection: str, name: str, *, version: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[Json]]:
        """Each state of one object after resource `version`, as it comes; ends after so many seconds.

        Raises ApiRefused if the version is too old to be told what came after it.
        """
        params = {
            "watch": "true", "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version, "timeoutSeconds": str(seconds),
        }  # fmt: skip
        try:
            async with self._client.stream("GET", collection, params=params, timeout=seconds + 5) as response:
                if response.status_code >= 400:
                    await response.aread()
                    _answer(f"WATCH {collection}", response)
                yield _objects(collection, response)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    async def warnings(self, path: str, body: Json) -> list[str]:
        """What the API server would warn of if `body` were patched in: a dry run."""
        response = await self._send("PATCH", path, body, dry_run=True)
        _answer(f"PATCH {path}", response)
        said = (_WARNING.fullmatch(header) for header in response.headers.get_list("Warning"))
        return [re.sub(r"\\(.)", r"\1", match[1]) for match in said if match]

    async def delete(self, path: str, *, uid: str) -> None:
        """Delete exactly the object with this UID; gone already, or another in its place, is fine: ours is gone."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        try:
            await self._request("DELETE", path, options)
        except ApiRefused as refused:
            if refused.code not in (404, 409):
                raise

    async def _request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        dry_run: bool = False,
        impersonate: str | None = None,
    ) -> Json:
        response = await self._send(method, path, body, dry_run=dry_run, impersonate=impersonate)
        return _answer(f"{method} {path}", response)

    async def _send(
        self,
        method: str,
        path: str,
        body: Json | None,
        *,
        dry_run: bool = False,
        impersonate: str | None = None,
        content_type: str | None = None,
        params: dict[str, str] | None = None,
    ) -> httpx2.Response:
        headers = {"Content-Type": content_type or (_MERGE if method == "PATCH" else "application/json")}
        if impersonate:
            headers["Impersonate-User"] = impersonate
        if dry_run:
            params = {**(params or {}), "dryRun": "All"}
        try:
            return await self._client.request(method, path, params=params, json=body, headers=headers)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(f"no answer from the Kubernetes API at {self._client.base_url} ({error}); is it running?")


async def _objects(collection: str, response: httpx2.Response) -> AsyncIterator[Json]:
    """The objects of a watch's events; raise ApiRefused for an event that is an error."""
    async for line in response.aiter_lines():
        event = json.loads(line)
        if event["type"] == "ERROR":
            status = event["object"]
            raise ApiRefused(status.get("code", 500), status.get("reason", ""), f"WATCH {collection}: {status}")
        if event["type"] != "BOOKMARK":
            yield event["object"]


def _answer(request: str, response: httpx2.Response) -> Json:
    """The object in the answer; raise ApiRefused for a refusal, and for what is no object (a proxy's page, say)."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        said = " ".join(response.text.split())[:_SHORT] or response.reason_phrase
        raise ApiRefused(response.status_code, "", f"{request}: {response.status_code} {said}")
    if response.status_code >= 400:
        message = f"{request}: {answer.get('message', response.reason_phrase)}"
        raise ApiRefused(response.status_code, answer.get("reason", ""), message)
    return answer
