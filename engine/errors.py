"""Errors of the engine room.

EngineError
├── NotConfigured  a setting or a file that a stack needs is missing
├── Misplaced      an organization is held by another stack than the one it now belongs to
├── Locked         another update of the environment runs
├── Unfinished     a killed update has to be finished before anything else is begun
├── Protected      a destroy would remove what the catalog protects
└── Failed         the engine could not do what a self-service organization needs; the text is its own
"""


class EngineError(Exception):
    """Root of everything this room raises."""


class NotConfigured(EngineError):
    """Something that a stack needs is missing; the text names it and the way out."""


class Misplaced(EngineError):
    """An organization is held by another stack than the one it now belongs to."""


class Locked(EngineError):
    """Another update of the environment runs; wait for it."""


class Unfinished(EngineError):
    """A killed update has to be finished before anything else is begun."""


class Protected(EngineError):
    """A destroy would remove what the catalog protects; nothing was removed."""


class Failed(EngineError):
    """The engine could not do what a self-service organization needs; the text is its own."""
