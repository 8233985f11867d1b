"""Errors of the engine room.

EngineError
└── NotConfigured  a setting or a file that a stack needs is missing
"""


class EngineError(Exception):
    """Root of everything this room raises."""


class NotConfigured(EngineError):
    """Something that a stack needs is missing; the text names it and the way out."""
