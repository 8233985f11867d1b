"""Files that a pod may start from: values of one's own, and the last good state of an earlier run."""

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from liveconfig.errors import Gap, NotConfigured, ProtocolError
from liveconfig.protocol import said, state_line, state_of
from liveconfig.snapshot import PLATFORM, Layers

log = logging.getLogger("liveconfig")


def bootstrap_values(path: Path) -> Mapping[str, Any]:
    """Values by `service/key`, a JSON object. Raise NotConfigured: a file that was named has to be right."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotConfigured(f"LIVECONFIG_BOOTSTRAP={str(path)!r} cannot be read: {error}") from error
    if not isinstance(values, dict) or not all("/" in name for name in values):
        raise NotConfigured(f"LIVECONFIG_BOOTSTRAP={str(path)!r} is no object of values by service/key")
    return values


class Cache:
    """The last good state of an organization in a file. What cannot be read or written only costs a full load."""

    def __init__(self, path: Path | None, org_id: int) -> None:
        self._path, self._org_id = path, org_id

    def load(self) -> Layers:
        """What an earlier run left; nothing if there is none, or it is another organization's."""
        if self._path is None or not self._path.exists():
            return Layers()
        try:
            name, content = said(self._path.read_bytes())
            state, _ = state_of(content)
            layers = Layers().advance(state)
            if name != "state" or layers.by_org.keys() != {PLATFORM, self._org_id}:
                raise ProtocolError("it is not this organization's")
        except (OSError, ProtocolError, Gap, TypeError) as error:
            log.warning("the cache %s is passed by: %s", self._path, error)
            return Layers()
        return layers

    def save(self, layers: Layers) -> None:
        """Keep it, readable for this user only, whole or not at all."""
        if self._path is None or layers.by_org.keys() != {PLATFORM, self._org_id}:
            return
        line = state_line(layers.newer(0, dict.fromkeys(layers.by_org, 0)))
        unfinished = ""
        try:
            descriptor, unfinished = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}")
            with os.fdopen(descriptor, "wb") as file:
                file.write(line)
            Path(unfinished).replace(self._path)
        except OSError as error:
            log.warning("the cache %s is not written: %s", self._path, error)
            if unfinished:
                with contextlib.suppress(OSError):
                    Path(unfinished).unlink()
