"""Where the engines come from: this checkout's engine room, with what `.local/env` sets."""

from collections.abc import Mapping
from pathlib import Path

from engine.resident import resident_engines
from engine.selfservice import Engines

_ROOT = Path(__file__).parents[1]


def make_engines(environment: Mapping[str, str]) -> Engines:
    """The engines of this checkout, not started yet; raise EngineError if a setting is missing."""
    return resident_engines(_ROOT, environment)
