"""What a reader holds of each organization, immutable, and how it moves: only forward (docs/adr/0015).

A higher epoch replaces everything; within an epoch a layer moves to a higher revision only, and in it each setting to a
newer version only. A state that builds on what the reader never had is a `Gap`, not a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from liveconfig.errors import Gap

PLATFORM = 0  # the organization whose settings are everybody's defaults


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting as one organization has it. `value` None: unset again; versions count on, over that too."""

    value: Any
    version: int
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """All of one organization that is newer than revision `since` (0: all there is), as of `revision`."""

    org_id: int
    since: int
    revision: int
    entries: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class State:
    """What one consistent reading of the database found to be newer, of some organizations."""

    epoch: int
    changes: tuple[Change, ...]

    @property
    def names(self) -> set[str]:
        """Every setting in it."""
        return {name for change in self.changes for name in change.entries}


@dataclass(frozen=True, slots=True)
class Layer:
    """One organization's settings at a revision."""

    revision: int = 0
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def advance(self, change: Change) -> Layer:
        """This layer with the change; itself if that is not newer. Raise Gap if something between them is missing."""
        if change.revision <= self.revision:
            return self
        if change.since > self.revision:
            raise Gap(f"organization {change.org_id}: {change.since} follows {self.revision}")
        entries = dict(self.entries)
        for name, entry in change.entries.items():
            held = entries.get(name)
            if held is None or entry.version > held.version:
                entries[name] = entry
        return Layer(change.revision, entries)

    def newer(self, org_id: int, since: int) -> Change:
        """What a reader at revision `since` lacks."""
        entries = {name: entry for name, entry in self.entries.items() if entry.revision > since}
        return Change(org_id, since, self.revision, entries)


@dataclass(frozen=True, slots=True)
class Layers:
    """Several organizations' layers, all of one epoch. Epoch 0: nothing was ever loaded."""

    epoch: int = 0
    by_org: Mapping[int, Layer] = field(default_factory=dict)

    def advance(self, state: State) -> Layers:
        """These layers with the state; themselves if nothing in it is newer. Raise Gap if something is missing."""
        if state.epoch < self.epoch:
            return self
        if state.epoch > self.epoch:
            return self._replaced(state)
        moved = {change.org_id: (self.by_org.get(change.org_id) or Layer()).advance(change) for change in state.changes}
        if all(self.by_org.get(org_id) is layer for org_id, layer in moved.items()):
            return self
        return Layers(self.epoch, {**self.by_org, **moved})

    def _replaced(self, state: State) -> Layers:
        whole = {change.org_id: change for change in state.changes if change.since == 0}
        if not whole.keys() >= self.by_org.keys() or len(whole) != len(state.changes):
            raise Gap(f"epoch {state.epoch} follows {self.epoch}, but not everything came with it")
        return Layers(state.epoch, {org_id: Layer(change.revision, change.entries) for org_id, change in whole.items()})

    def without(self, org_id: int) -> Layers:
        """These layers after an organization is no longer followed."""
        return Layers(self.epoch, {other: layer for other, layer in self.by_org.items() if other != org_id})

    def revision(self, org_id: int) -> int:
        """What is held of an organization; 0: nothing."""
        layer = self.by_org.get(org_id)
        return layer.revision if layer else 0

    def knows(self, org_id: int, name: str, version: int) -> bool:
        """Whether this version of a setting, or a newer one, is held."""
        layer = self.by_org.get(org_id)
        entry = layer.entries.get(name) if layer else None
        return entry is not None and entry.version >= version

    def newer(self, epoch: int, revisions: Mapping[int, int]) -> State:
        """What a reader lacks that holds these revisions, by organization, at that epoch."""
        since = revisions if epoch == self.epoch else dict.fromkeys(revisions, 0)
        return State(self.epoch, tuple(self.by_org[org].newer(org, revision) for org, revision in since.items()))


class Snapshot:
    """Everything of one organization at one moment, over the platform's defaults. Never changes.

    `values` are the ones in force, by `service/key`: the organization's own, else the platform's.
    """

    __slots__ = ("layers", "org_id", "values")

    def __init__(self, org_id: int, layers: Layers | None = None, values: dict[str, Any] | None = None) -> None:
        self.org_id, self.layers = org_id, layers or Layers()
        self.values: dict[str, Any] = {}
        if values is not None:
            self.values = values
            return
        for layer in self._upwards():
            self.values.update(
                (name, entry.value) for name, entry in layer.entries.items() if entry.value is not None
            )  # fmt: skip

    @property
    def epoch(self) -> int:
        """Which history the versions belong to."""
        return self.layers.epoch

    @property
    def revision(self) -> int:
        """The organization's newest change set in it."""
        return self.layers.revision(self.org_id)

    @property
    def platform_revision(self) -> int:
        """The platform's newest change set in it."""
        return self.layers.revision(PLATFORM)

    def advance(self, state: State) -> Snapshot:
        """The snapshot after a state; itself if nothing in it is newer. Raise Gap if something is missing."""
        layers = self.layers.advance(state)
        if layers is self.layers:
            return self
        if layers.epoch != self.epoch:
            return Snapshot(self.org_id, layers)
        # Most states change one setting of many: only what the state names is looked up again.
        values = dict(self.values)
        moved = Snapshot(self.org_id, layers, values)
        for name in state.names:
            found = moved.found(name)
            if found is not None:
                values[name] = found[0].value
            else:
                values.pop(name, None)
        return moved

    def found(self, name: str) -> tuple[Entry, int] | None:
        """The entry in force and whose it is; None if nobody set it."""
        for org_id in (self.org_id, PLATFORM):
            layer = self.layers.by_org.get(org_id)
            entry = layer.entries.get(name) if layer else None
            if entry is not None and entry.value is not None:
                return entry, org_id
        return None

    def _upwards(self) -> Iterable[Layer]:
        found = (self.layers.by_org.get(org_id) for org_id in dict.fromkeys((PLATFORM, self.org_id)))
        return [layer for layer in found if layer]
