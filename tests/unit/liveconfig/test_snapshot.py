"""Snapshots move only forward, whatever is dropped, doubled, reordered or of another epoch, and end on the newest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveconfig.errors import Gap
from liveconfig.snapshot import PLATFORM, Change, Entry, Layers, Snapshot, State

OURS = 7
NAMES = ("ai/threshold", "ai/model", "email/retries")
repeatable = settings(deadline=None, max_examples=200, derandomize=True, database=None)


def state(epoch: int, *changes: Change) -> State:
    return State(epoch, changes)


def whole(epoch: int, revision: int, **values: object) -> State:
    entries = {f"ai/{key}": Entry(value, revision, revision) for key, value in values.items()}
    return state(epoch, Change(OURS, 0, revision, entries), Change(PLATFORM, 0, 0, {}))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[State], State]:
    """Everything that may ever be received, in any order and number, and the newest whole state."""
    said: list[State] = []
    for epoch in range(1, draw(st.integers(1, 3)) + 1):
        versions, layers = dict.fromkeys(NAMES, 0), Layers()
        for revision in range(1, draw(st.integers(1, 6)) + 1):
            changed = draw(st.sets(st.sampled_from(NAMES), min_size=1))
            versions |= {name: versions[name] + 1 for name in changed}
            entries = {name: Entry(f"{epoch}.{versions[name]}", versions[name], revision) for name in changed}
            change = Change(OURS, revision - 1, revision, entries)
            layers = layers.advance(state(epoch, change if revision > 1 else Change(OURS, 0, 1, entries),
                                          Change(PLATFORM, 0, 0, {})))  # fmt: skip
            said += [layers.newer(epoch, {OURS: since, PLATFORM: 0}) for since in range(revision)]
    newest = layers.newer(0, {OURS: 0, PLATFORM: 0})
    return draw(st.lists(st.sampled_from(said), max_size=40)), newest


@repeatable
@given(histories())
def test_no_order_of_states_steps_back_and_the_newest_state_ends_it(history: tuple[list[State], State]) -> None:
    received, newest = history
    snapshot = Snapshot(OURS)
    for one in received:
        before = snapshot
        try:
            snapshot = snapshot.advance(one)
        except Gap:
            assert snapshot is before, "a gap changes nothing"
            continue
        assert (snapshot.epoch, snapshot.revision) >= (before.epoch, before.revision), "it stepped back"
        if snapshot.epoch == before.epoch:
            layer, earlier = snapshot.layers.by_org.get(OURS), before.layers.by_org.get(OURS)
            for name, entry in earlier.entries.items() if earlier and layer else ():
                assert layer is not None and layer.entries[name].version >= entry.version, f"{name} stepped back"
    final = snapshot.advance(newest)
    assert final.layers.by_org[OURS] == Layers().advance(newest).by_org[OURS], "it did not end on the newest"


@repeatable
@given(histories())
def test_what_is_held_is_always_one_moment_of_the_database(history: tuple[list[State], State]) -> None:
    received, _ = history
    snapshot = Snapshot(OURS)
    for one in received:
        try:
            snapshot = snapshot.advance(one)
        except Gap:
            continue
        layer = snapshot.layers.by_org[OURS]
        assert max(entry.revision for entry in layer.entries.values()) == snapshot.revision, "half a change set"
        assert snapshot.values == Snapshot(OURS, snapshot.layers).values, "a value in force is not the one that is held"


def test_a_state_that_builds_on_what_was_never_received_is_a_gap() -> None:
    snapshot = Snapshot(OURS).advance(whole(1, 1, threshold=0.1))
    with pytest.raises(Gap, match="2 follows 1"):
        snapshot.advance(state(1, Change(OURS, 2, 3, {"ai/threshold": Entry(0.3, 3, 3)})))


def test_another_epoch_in_parts_is_a_gap() -> None:
    snapshot = Snapshot(OURS).advance(whole(1, 5, threshold=0.1))
    with pytest.raises(Gap, match="not everything came with it"):
        snapshot.advance(state(2, Change(OURS, 0, 1, {})))
    with pytest.raises(Gap):
        snapshot.advance(state(2, Change(OURS, 1, 2, {}), Change(PLATFORM, 0, 0, {})))


def test_a_higher_epoch_replaces_everything_a_lower_one_nothing() -> None:
    old, new = whole(1, 9, threshold=0.1, model="small"), whole(2, 1, threshold=0.2)
    snapshot = Snapshot(OURS).advance(old).advance(new)
    assert snapshot.values == {"ai/threshold": 0.2}, "what the other history had is gone"
    assert snapshot.advance(old) is snapshot, "an older history says nothing"


def test_an_older_version_in_a_newer_revision_is_passed_by() -> None:
    snapshot = Snapshot(OURS).advance(whole(1, 5, threshold=0.1))
    moved = snapshot.advance(state(1, Change(OURS, 5, 6, {"ai/threshold": Entry(0.9, 4, 6)})))
    assert (moved.revision, moved.values["ai/threshold"]) == (6, 0.1)


def test_own_values_lie_over_the_platforms_and_unset_ones_show_them_again() -> None:
    own = Change(OURS, 0, 1, {"ai/threshold": Entry(0.9, 1, 1)})
    defaults = {"ai/threshold": Entry(0.5, 1, 1), "ai/model": Entry("small", 1, 1)}
    both = state(1, own, Change(PLATFORM, 0, 1, defaults))
    snapshot = Snapshot(OURS).advance(both)
    assert snapshot.values == {"ai/threshold": 0.9, "ai/model": "small"}
    unset = snapshot.advance(state(1, Change(OURS, 1, 2, {"ai/threshold": Entry(None, 2, 2)})))
    assert unset.values == {"ai/threshold": 0.5, "ai/model": "small"}
    assert unset.found("ai/threshold") == (Entry(0.5, 1, 1), PLATFORM)
    assert snapshot.values["ai/threshold"] == 0.9, "a snapshot never changes"


def test_a_reader_is_told_only_what_it_lacks() -> None:
    layers = Layers().advance(whole(3, 2, threshold=0.1)).advance(
        state(3, Change(OURS, 2, 4, {"ai/model": Entry("big", 1, 4)}))
    )  # fmt: skip
    assert layers.newer(3, {OURS: 2}).changes[0].entries == {"ai/model": Entry("big", 1, 4)}
    assert len(layers.newer(2, {OURS: 2}).changes[0].entries) == 2, "who is of another epoch gets everything"
    assert layers.newer(3, {OURS: 9}).changes[0].entries == {}, "who is ahead gets nothing"
