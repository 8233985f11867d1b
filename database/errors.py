"""Errors of the database room.

DatabaseError
├── MigrationError     a migration cannot or must not run
├── SlugTaken          the slug belongs, or once belonged, to another organization
├── NoSuchOrganization the row is not there
├── LeaseTaken         somebody else is at work on it: temporary, try again
├── Busy               another operation on the organization has not ended
├── LeaseLost          somebody else holds the operation by now
├── TokenRevoked       the token of who asks was revoked while it was on its way
├── InvitationOver     an invitation was withdrawn, or expired, before it led to anything
├── NameTaken          an organization's living projects or documents have another by that name
├── VersionMismatch    a setting is not at the version that a change builds on
├── RotationRefused    a rotation would end the password in use
├── SchemaUnread       pg_dump did not give the schema
└── DatabaseFault      PostgreSQL refused a statement or is away; the text is its own
"""


class DatabaseError(Exception):
    """Root of everything this room raises."""


class MigrationError(DatabaseError):
    """The schema cannot be brought to the wanted version; nothing was changed."""


class SlugTaken(DatabaseError):
    """A slug is given out once and for ever."""


class NoSuchOrganization(DatabaseError):
    """No organization with that id."""


class LeaseTaken(DatabaseError):
    """Somebody else is at work on it; try again later."""


class Busy(DatabaseError):
    """One operation at a time changes an organization."""


class LeaseLost(DatabaseError):
    """The lease ran out and another worker took the operation: write nothing more, stop."""


class TokenRevoked(DatabaseError):
    """Who asks may ask for nothing any more."""


class InvitationOver(DatabaseError):
    """The invitation does not count any more."""


class NameTaken(DatabaseError):
    """Names are taken once among the living of one organization."""


class VersionMismatch(DatabaseError):
    """`name` is at version `found`, not at the one that was `expected`; 0: it was never set."""

    def __init__(self, name: str, expected: int | str, found: int) -> None:
        self.name, self.expected, self.found = name, expected, found
        based = "on its not being set" if expected == "unset" else f"on version {expected}"
        super().__init__(f"{name} is at version {found}, the change builds {based}; read it again and decide anew")


class RotationRefused(DatabaseError):
    """Rotations come one at a time, and only upwards."""


class SchemaUnread(DatabaseError):
    """The schema could not be written out."""


class DatabaseFault(DatabaseError):
    """PostgreSQL said no, or nothing. The transaction was rolled back."""
