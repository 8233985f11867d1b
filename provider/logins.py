"""Handler of an organization's logins, and the function that clears the way for one."""

import base64
import binascii

from cluster.api import NAMESPACES
from database import logins
from provider.handlers import Handler, Inputs
from provider.wire import Plain
from tenants import names


class LoginInputs(Inputs):
    """Whose login it is, where its Secret stands, and the password it gets if it has none yet."""

    org_id: str
    operation_id: str
    generation: int
    namespace: str
    fresh: str


class DatabaseLoginHandler(Handler[LoginInputs]):
    """Binds a login to its organization, and keeps the password in force when Pulumi's state has forgotten it."""

    kind = "DatabaseLogin"
    inputs = LoginInputs
    replace_on = frozenset({"org_id", "operation_id", "generation"})
    at_creation = frozenset({"fresh"})  # a password in force stays; another one is another generation
    secrets = frozenset({"fresh", "password", "verifier"})

    async def create(self, wanted: LoginInputs) -> tuple[str, Plain]:
        role_name = names.database_role(wanted.operation_id, wanted.generation)
        return role_name, await self.update(role_name, wanted, {})

    async def read(self, resource_id: str, known: LoginInputs, outputs: Plain) -> Plain | None:
        async with self.database.transaction() as connection:
            bound = {login.role_name: login for login in await logins.of_organization(connection, int(known.org_id))}
        if resource_id not in bound:
            return None
        return {**known.model_dump(), **outputs, "verifier": bound[resource_id].verifier}

    async def update(self, resource_id: str, wanted: LoginInputs, outputs: Plain) -> Plain:
        async with self.database.statement() as connection:
            bound = await logins.of_organization(connection, int(wanted.org_id))
        made_before = any(login.role_name == resource_id for login in bound)
        told = await self._told_by_the_secret(wanted.namespace, resource_id) if made_before else []
        async with self.database.transaction() as connection:
            login = await logins.bind(
                connection, int(wanted.org_id), resource_id, wanted.generation, fresh=wanted.fresh, known=told
            )
        return {"role_name": resource_id, "verifier": login.verifier, "password": login.password}

    async def delete(self, resource_id: str, known: LoginInputs, outputs: Plain) -> None:
        async with self.database.transaction() as connection:
            await logins.unbind(connection, resource_id)

    async def _told_by_the_secret(self, namespace: str, role_name: str) -> list[str]:
        """The password that the organization's Secret has for this login. It counts only if its verifier fits."""
        found = await self.cluster.get(f"{NAMESPACES}/{namespace}/secrets/{names.DATABASE_SECRET}")
        data = (found or {}).get("data") or {}
        try:
            username, password = (base64.b64decode(data.get(key, ""), validate=True).decode("ascii")
                                  for key in ("username", "password"))  # fmt: skip
        except (binascii.Error, UnicodeDecodeError):
            return []
        return [password] if password and username == role_name else []

    async def clear(self, role_name: str) -> None:
        """Drop a role that stands where Pulumi is about to make one it does not know of: a killed run left it."""
        async with self.database.transaction() as connection:
            await logins.drop(connection, role_name)
