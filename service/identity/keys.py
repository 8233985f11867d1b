"""Signing keys: made here, sealed in the database, published before they sign and while what they signed lives."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import RSAKey

from database import signing_keys
from database.pool import Connection, Database
from database.signing_keys import KeyRow
from service.identity.seal import Seal
from service.problems import Problem

log = logging.getLogger("service.identity")
LEAD = 300.0  # seconds that a key is published before it signs: whoever caches keys has it by then
KEEP = 3660.0  # seconds that one stays after it was replaced: the longest-lived token, and a minute
LIFETIME = 30 * 86400.0  # seconds
_BITS = 2048


@dataclass(frozen=True)
class PublishedKey:
    """A public key that tokens may be signed by. `jwk` is what /.well-known/jwks.json lists of it."""

    row: KeyRow
    key: RSAKey

    @classmethod
    def of(cls, row: KeyRow, known: "PublishedKey | None" = None) -> "PublishedKey":
        """The key of a row; that of `known` is not read again."""
        return cls(row, known.key if known else RSAKey.import_key(row.jwk))

    @property
    def kid(self) -> str:
        """The key's name."""
        return self.row.kid

    @property
    def jwk(self) -> dict[str, Any]:
        """Public members alone."""
        return {**self.row.jwk, "kid": self.kid, "use": "sig", "alg": self.row.algorithm}


class Keys:
    """The keys. `published` is the view's: which of them signs, that says."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database, self._seal = database, seal
        self._opened: dict[str, RSAKey] = {}

    def signing(self, published: Mapping[str, PublishedKey]) -> tuple[str, RSAKey]:
        """The `kid` and private key that sign now; raise a Problem (503) if there is none."""
        for kid, key in published.items():
            if key.row.is_active and key.row.sealed is not None:
                return kid, self._private(kid, key.row.sealed)
        raise Problem(
            503, "no-signing-key", "There is no signing key yet", "try again in a minute", headers={"Retry-After": "5"}
        )

    async def tend(self) -> None:
        """Make the first key, replace one that is due, retire what was replaced. Raise DatabaseError."""
        async with self._database.transaction(actor="housekeeping", reason="keys are replaced every 30 days") as one:
            await signing_keys.lock(one)
            kept = await signing_keys.state(one, lifetime=LIFETIME)
            active = next((key for key in kept if key.is_active), None)
            if active is not None and len(kept) > 1:
                older = kept[kept.index(active) + 1 :]
                if older:
                    await signing_keys.replace(one, active.kid, keep=KEEP)
            await signing_keys.purge(one)
            if not kept:
                await self._add(one, lead=0)
            elif kept[0].is_due:
                await self._add(one, lead=LEAD)

    async def rotate(self, *, at_once: bool = False, actor: str = "", reason: str = "", request_id: str = "") -> str:
        """Publish a new key and return its `kid`; one that does not sign yet is not followed by another.

        `at_once`: it signs now and no other counts any more, which ends every token that they signed.
        """
        async with self._database.transaction(actor=actor, reason=reason, request_id=request_id) as connection:
            await signing_keys.lock(connection)
            kept = await signing_keys.state(connection, lifetime=LIFETIME)
            if not at_once and kept and not kept[0].is_active:
                return kept[0].kid
            kid = await self._add(connection, lead=0 if at_once or not kept else LEAD)
            if at_once:
                await signing_keys.withdraw(connection, kid)
        return kid

    async def check(self) -> None:
        """Raise NotConfigured if a private key cannot be opened."""
        async with self._database.statement() as connection:
            for row in await signing_keys.published(connection):
                if row.sealed is not None:
                    self._private(row.kid, row.sealed)

    def _private(self, kid: str, sealed: bytes) -> RSAKey:
        if kid not in self._opened:
            self._opened[kid] = RSAKey.import_key(self._seal.open(sealed), {"kid": kid})
        return self._opened[kid]

    async def _add(self, connection: Connection, *, lead: float) -> str:
        key = await asyncio.to_thread(RSAKey.generate_key, _BITS)
        kid = key.thumbprint()
        sealed = self._seal.seal(key.as_pem(private=True))
        public = {name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "n", "e")}
        await signing_keys.add(connection, kid, public, sealed, lead=lead)
        log.info("signing key %s is published and signs in %.0f s", kid, lead)
        return kid
