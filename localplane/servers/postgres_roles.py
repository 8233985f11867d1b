"""The statements that make the platform's roles and databases; each can be run again."""

from __future__ import annotations

from localplane.scram import verifier

DATABASE_NAME, STATE_DATABASE_NAME = "agent_ready", "agent_ready_state"


def role_statement(role: str, rights: str, password: str) -> str:
    """Make the role if it is missing, then give it exactly these rights and this password."""
    return f"""\
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role}; END IF;
END $$;
ALTER ROLE {role} {rights} PASSWORD '{verifier(role, password)}';
"""


def database_statement(name: str, owner: str) -> str:
    """Make the database if it is missing, owned by ``owner``; both are names of our own."""
    return f"""\
SELECT 'CREATE DATABASE {name} OWNER {owner}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
ALTER DATABASE {name} OWNER TO {owner};
"""  # noqa: S608


def closed_statement(name: str) -> str:
    """Let nobody but its owner into a database."""
    return f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;\n"
