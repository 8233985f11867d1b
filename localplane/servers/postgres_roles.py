"""The statements that make the platform's two roles and its database; each can be run again."""

from __future__ import annotations

from localplane.scram import verifier

DATABASE_NAME = "agent_ready"


def role_statement(role: str, rights: str, password: str) -> str:
    """Make the role if it is missing, then give it exactly these rights and this password."""
    return f"""\
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role}; END IF;
END $$;
ALTER ROLE {role} {rights} PASSWORD '{verifier(role, password)}';
"""


def database_statement(owner: str) -> str:
    """Make the database if it is missing, owned by ``owner``, one of our own names."""
    return f"""\
SELECT 'CREATE DATABASE {DATABASE_NAME} OWNER {owner}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE_NAME}') \\gexec
ALTER DATABASE {DATABASE_NAME} OWNER TO {owner};
"""  # noqa: S608
