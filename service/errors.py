"""Errors of the service room.

ServiceError
├── NotConfigured  a setting is missing or wrong
├── NotStarted     the engines, or the address, could not be had
└── Problem        what a caller is told, as RFC 9457 says it (service/problems.py)
"""


class ServiceError(Exception):
    """Root of everything this room raises."""


class NotConfigured(ServiceError):
    """A setting is missing or wrong; the text names it and the way out."""


class NotStarted(ServiceError):
    """The API did not come to listen."""
