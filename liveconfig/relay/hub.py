"""Who is told what: each organization's pods, what is newer of their organization and of the platform."""

import asyncio
import time

from liveconfig.follower import Follower, Hints, Store
from liveconfig.health import Health, Status
from liveconfig.pace import Pace
from liveconfig.protocol import Hello, health_line, state_line
from liveconfig.relay.metrics import Metrics
from liveconfig.relay.pod import Pod
from liveconfig.snapshot import PLATFORM, Change, State


class Hub:
    """Follows the platform's defaults and the organizations of the pods that are in. The follower's sink."""

    def __init__(self, store: Store, hints: Hints, metrics: Metrics, pace: Pace) -> None:
        self.metrics = metrics
        self.follower = Follower(store, hints, self, [PLATFORM], pace=pace)
        self._pods: dict[int, set[Pod]] = {}
        self._waiting: dict[int, set[Pod]] = {}  # in, but their organization was not loaded yet
        self._epoch = 0
        self.empty = asyncio.Event()
        self.empty.set()
        self._answers: dict[tuple[int, int, int, int], bytes] = {}

    @property
    def organizations(self) -> set[int]:
        """Whose pods are in."""
        return {org for pods in (self._pods, self._waiting) for org, some in pods.items() if some}

    def all(self, organization: int | None = None) -> list[Pod]:
        """The pods that are in, those of one organization or all."""
        found = [
            some for pods in (self._pods, self._waiting) for org, some in pods.items() if organization in (None, org)
        ]  # fmt: skip
        return [pod for some in found for pod in some]

    def join(self, pod: Pod, hello: Hello) -> None:
        """Serve a pod from now on: first what it lacks, then what changes."""
        self.metrics.pods.inc()
        self.empty.clear()
        pod.tell(health_line(self.follower.health))
        if self._loaded(hello.organization):
            self._serve(pod, hello)
        else:
            self._waiting.setdefault(hello.organization, set()).add(pod)
            self.follower.follow(hello.organization)

    def leave(self, pod: Pod) -> None:
        """It is gone; nothing if it never was in."""
        for pods in (self._pods, self._waiting):
            some = pods.get(pod.hello.organization) if pod.hello else None
            if some and pod in some:
                some.remove(pod)
                self.metrics.pods.dec()
        if not self.organizations:
            self.empty.set()

    def forget(self) -> None:
        """Follow the organizations no longer of which all pods are gone."""
        for org in (self._pods.keys() | self._waiting.keys()) - self.organizations:
            self._pods.pop(org, None)
            self._waiting.pop(org, None)
            self.follower.unfollow(org)

    def whole(self, organization: int) -> bytes:
        """Everything that a pod of it holds, as a line."""
        return self._answer(organization, 0, 0, 0)

    def advance(self, state: State, seconds: float | None) -> None:
        """Push what is newer: encoded once, written to all."""
        start = time.monotonic() - (seconds or 0.0)
        self._answers.clear()
        if state.epoch != self._epoch:
            self._epoch = state.epoch
            for org, pods in self._pods.items():
                self._write(self.whole(org), [pods])
        else:
            for change in state.changes:
                self._push(change, seconds)
        for org in [org for org in self._waiting if self._loaded(org)]:
            for pod in self._waiting.pop(org):
                self._serve(pod, pod.hello)
        if seconds is not None:
            self.metrics.push_seconds.observe(time.monotonic() - start)

    def say(self, health: Health) -> None:
        """Tell every pod how far what it is given can be trusted."""
        self.metrics.stale.set(health.status != Status.READY)
        line = health_line(health)
        for pod in self.all():
            pod.tell(line)

    def _push(self, change: Change, seconds: float | None) -> None:
        pods = list(self._pods.values()) if change.org_id == PLATFORM else [self._pods.get(change.org_id, set())]
        if any(pods):
            self._write(state_line(State(self._epoch, (change,)), seconds), pods)
            self.metrics.changes.inc()

    def _write(self, line: bytes, pods: list[set[Pod]]) -> None:
        told = 0
        for some in pods:
            for pod in list(some):  # a write may find that a pod is gone
                pod.tell(line)
            told += len(some)
        self.metrics.lines.inc(told)

    def _serve(self, pod: Pod, hello: Hello | None) -> None:
        if hello and pod.open:
            self._pods.setdefault(hello.organization, set()).add(pod)
            pod.tell(self._answer(hello.organization, hello.epoch, hello.own, hello.platform))

    def _loaded(self, organization: int) -> bool:
        return self.follower.layers.by_org.keys() >= {PLATFORM, organization}

    def _answer(self, organization: int, epoch: int, own: int, platform: int) -> bytes:
        """What a pod lacks that holds this; pods that come back together lack the same."""
        key = organization, epoch, own, platform
        if key not in self._answers:
            state = self.follower.layers.newer(epoch, {PLATFORM: platform, organization: own})
            self._answers[key] = state_line(state)
        return self._answers[key]
