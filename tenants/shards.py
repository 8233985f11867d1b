"""Which of an environment's stacks an organization belongs to.

One stack of a thousand organizations costs seconds and megabytes for each change, so an environment may be split.
With one shard everything is in the environment's own stack; with more, that one holds the platform only.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tenants.model import Organization


@dataclass(frozen=True)
class Shard:
    """Shard `number` (1 … `count`) of an environment; number 0 is the platform's own stack beside shards."""

    number: int
    count: int

    @property
    def has_platform(self) -> bool:
        """Whether this stack holds what organizations share."""
        return self.count == 1 or self.number == 0

    def stack(self, environment: str) -> str:
        """The Pulumi stack's name."""
        return environment if self.has_platform else f"{environment}-{self.number:02}"

    def mine(self, organizations: Sequence[Organization]) -> tuple[Organization, ...]:
        """The organizations of this shard, in the catalog's order."""
        return tuple(o for o in organizations if shard_of(o.slug, self.count) == self)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(text: str) -> Shard:
    """Read `2/8`; raise ValueError if it is no shard."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 0 <= int(number) <= int(count) >= 1):
        raise ValueError(f"{text!r} is no shard; write number/count, such as 2/8 (0/8 is the platform's stack)")
    return Shard(int(number), int(count))


def shard_of(slug: str, count: int) -> Shard:
    """The shard of an organization: stable for as long as the environment's count is."""
    return Shard(zlib.crc32(slug.encode()) % count + 1, count)


def all_shards(count: int) -> tuple[Shard, ...]:
    """Every stack's shard, the platform's first."""
    return (Shard(1, 1),) if count == 1 else tuple(Shard(number, count) for number in range(count + 1))
