"""State in an S3-compatible bucket. Credentials come from the environment (AWS_ACCESS_KEY_ID…), Pulumi's and ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from obstore.exceptions import BaseError
from obstore.store import S3Store

from engine.errors import EngineError, NotConfigured
from engine.stack import PROJECT

if TYPE_CHECKING:
    from obstore.store import S3Config  # there is none at run time

# Parameters of Pulumi's URL: the first two say where the bucket is, the others how Pulumi is to ask for it.
_UNDERSTOOD = ("region", "endpoint", "use_path_style", "s3ForcePathStyle", "hostname_immutable", "awssdk")
_PATIENCE = timedelta(seconds=15)


class BucketStates:
    """`States` in a bucket: each stack in a folder of its own below the URL's path."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        options = dict(parse_qsl(self._parts.query))
        if strange := sorted(options.keys() - set(_UNDERSTOOD)):
            raise NotConfigured(
                f"{', '.join(strange)} in the state's URL is not understood; known are {', '.join(_UNDERSTOOD)}"
            )
        where: S3Config = {}
        if region := options.get("region"):
            where["region"] = region
        if endpoint := options.get("endpoint"):
            where["endpoint"] = endpoint
        self._store = S3Store(
            self._parts.netloc, prefix=self._parts.path.strip("/") or None, config=where,
            client_options={"allow_http": options.get("endpoint", "").startswith("http://"), "timeout": _PATIENCE},
            retry_config={"max_retries": 3, "retry_timeout": _PATIENCE},
        )  # fmt: skip

    @property
    def variables(self) -> Mapping[str, str]:
        return {}  # Pulumi's environment is ours

    def url(self, stack: str) -> str:
        return urlunsplit(self._parts._replace(path=f"{self._parts.path.rstrip('/')}/{stack}"))

    async def read(self, stack: str, name: str) -> str | None:
        with self._told():
            try:
                found = await self._store.get_async(_key(stack, name))
            except FileNotFoundError:
                return None
            return bytes(await found.bytes_async()).decode()

    async def write(self, stack: str, name: str, text: str) -> None:
        with self._told():
            await self._store.put_async(_key(stack, name), text.encode())

    async def names(self, stack: str, folder: str) -> list[str]:
        above = _key(stack, "")
        return [key.removeprefix(above) for key in await self._below(_key(stack, folder))]

    async def remove(self, stack: str, name: str) -> None:
        await self._delete([_key(stack, name)])

    async def forget(self, stack: str) -> None:
        await self._delete([*await self._below(stack)])

    async def ages(self) -> Mapping[str, float]:
        with self._told():
            folders = (await self._store.list_with_delimiter_async())["common_prefixes"]
        stacks, found = [folder.rstrip("/").rpartition("/")[2] for folder in folders], dict[str, float]()
        for stack in stacks:
            kept = await self._below(_key(stack, f"stacks/{PROJECT}"))
            if age := kept.get(_key(stack, f"stacks/{PROJECT}/{stack}.json")):
                found[stack] = age
        return found

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def _below(self, prefix: str) -> dict[str, float]:
        """The keys below a folder, and their ages in seconds."""
        now = datetime.now(UTC)
        with self._told():
            found = await self._store.list(prefix).collect_async()
        return {str(one["path"]): (now - one["last_modified"]).total_seconds() for one in found}

    async def _delete(self, keys: list[str]) -> None:
        with self._told():
            if keys:
                await self._store.delete_async(keys)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BaseError as error:
            said = " ".join(str(error).split())[:500]
            raise EngineError(f"the state in the bucket {self._parts.netloc} could not be reached: {said}") from error


def _key(stack: str, name: str) -> str:
    return f"{stack}/.pulumi/{name}"
