"""The proof: nothing relies on the gate before its policies were seen to deny, several times in a row."""

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest
import yaml

from cluster import admission
from cluster.api import Json
from cluster.errors import ApiRefused, PolicyNotInForce, Unreachable
from tests.unit.cluster.fakes import FakeCluster

CANARY = "/api/v1/namespaces/org-admission-canary"


def guarded(pod_verdicts: Iterator[str], label_verdicts: Iterator[str]) -> FakeCluster:
    """A cluster with the canary. The gate's two policies answer in turn: the refusing policy's name, or "" to admit;
    the others refuse what is theirs."""
    cluster = FakeCluster()
    cluster.put(CANARY, {"metadata": {"labels": {}}})

    def admit(method: str, path: str, body: Json, user: str | None) -> None:
        (policy,) = [a.policy for a in admission.ATTEMPTS if (a.path or CANARY, a.body) == (path, body)]
        if policy == admission.POD_POLICY:
            policy = next(pod_verdicts)
        elif policy == admission.LABEL_POLICY:
            policy = next(label_verdicts)
        if policy:
            raise ApiRefused(403, "Forbidden", f"{method} {path}: ValidatingAdmissionPolicy '{policy}' denied request")

    cluster.admission = admit
    return cluster


def always(policy: str) -> Iterator[str]:
    return repeat(policy)


def wait(cluster: FakeCluster, timeout: float = 10.0) -> None:
    asyncio.run(admission.wait_until_denied(cluster, timeout=timeout))


def posts(cluster: FakeCluster) -> int:
    """Rounds, counted by the attempts to make a pod."""
    return cluster.calls.count(("POST", f"{CANARY}/pods"))


def test_three_denials_in_a_row_are_a_proof() -> None:
    cluster = guarded(always(admission.POD_POLICY), always(admission.LABEL_POLICY))
    wait(cluster)
    assert posts(cluster) == 3, "one denial may be one API server's; several are needed"
    assert cluster.impersonated == ["agent-ready:canary"] * 3 * len(admission.ATTEMPTS), (
        "every attempt is made as an identity without the rights that the policies ask for"
    )


def test_a_single_admission_starts_the_count_again() -> None:
    deny = admission.POD_POLICY
    cluster = guarded(chain([deny, deny, "", deny], always(deny)), always(admission.LABEL_POLICY))
    wait(cluster)
    assert posts(cluster) == 6, "two denials, one admission, then three denials in a row"


def test_a_forged_label_that_passes_starts_the_count_again() -> None:
    deny = admission.LABEL_POLICY
    cluster = guarded(always(admission.POD_POLICY), chain([deny, ""], always(deny)))
    wait(cluster)
    assert posts(cluster) == 5, "both policies must deny each time"


def test_nothing_is_left_behind_because_every_try_is_a_dry_run() -> None:
    cluster = guarded(always(""), always(""))
    with pytest.raises(PolicyNotInForce):
        wait(cluster, timeout=0.01)
    assert list(cluster.objects) == [CANARY], "no canary pod was made"
    assert cluster.objects[CANARY]["metadata"]["labels"] == {}, "the canary was never opened"


@pytest.mark.parametrize(
    ("pod", "label", "says"),
    [
        ("", admission.LABEL_POLICY, "does not refuse a pod before the gate in org-admission-canary"),
        (admission.POD_POLICY, "", "agent-ready-isolation-label does not refuse the forged label"),
        ("some-other-policy", admission.LABEL_POLICY, admission.POD_POLICY),
        (admission.POD_POLICY, "rbac", admission.LABEL_POLICY),
    ],
)
def test_a_policy_that_is_not_in_force_is_named_with_the_way_out(pod: str, label: str, says: str) -> None:
    with pytest.raises(PolicyNotInForce, match=says) as refused:
        wait(guarded(always(pod), always(label)), timeout=0.01)
    assert "apply deploy/identity/" in str(refused.value), "the text gives the way out"


def test_a_missing_canary_is_no_proof() -> None:
    cluster = guarded(always(admission.POD_POLICY), always(""))
    del cluster.objects[CANARY]
    with pytest.raises(PolicyNotInForce, match=admission.LABEL_POLICY):
        wait(cluster, timeout=0.01)


@pytest.mark.parametrize(
    ("pod", "label", "denied"),
    [
        (admission.POD_POLICY, admission.LABEL_POLICY, True),
        ("", admission.LABEL_POLICY, False),
        (admission.POD_POLICY, "", False),
    ],
)
def test_a_refresh_sees_whether_both_policies_still_deny(pod: str, label: str, denied: bool) -> None:
    cluster = guarded(always(pod), always(label))
    assert asyncio.run(admission.still_denied(cluster)) is denied, "one policy alone is no gate"


def manifests(folder: str) -> list[Json]:
    root = Path(__file__).parents[3]
    return [found for path in sorted((root / folder).glob("*.yaml")) for found in yaml.safe_load_all(path.read_text())]


def test_every_policy_in_the_repository_is_tried_bound_and_fails_closed() -> None:
    found = manifests("policies/admission")
    policies = {m["metadata"]["name"]: m["spec"] for m in found if m["kind"] == "ValidatingAdmissionPolicy"}
    bound = {m["spec"]["policyName"]: m["spec"] for m in found if m["kind"] == "ValidatingAdmissionPolicyBinding"}
    assert sorted(policies) == sorted(attempt.policy for attempt in admission.ATTEMPTS), "none is relied on unseen"
    assert policies.keys() == bound.keys(), "an unbound policy admits everything"
    assert {spec["failurePolicy"] for spec in policies.values()} == {"Fail"}
    assert all(
        spec["validationActions"] == ["Deny"] and spec.keys() == {"policyName", "validationActions"}
        for spec in bound.values()
    )


def test_the_canary_may_try_everything_and_nothing_else() -> None:
    (role,) = [m for m in manifests("deploy/identity") if m["kind"] == "Role"]
    may = {(group, kind) for rule in role["rules"] for group in rule["apiGroups"] for kind in rule["resources"]}
    tried = {
        (attempt.path.split("/")[2] if attempt.path.startswith("/apis/") else "", attempt.path.rsplit("/", 1)[1])
        for attempt in admission.ATTEMPTS
        if attempt.path
    }
    assert may - tried == {("agent-ready.io", "canaries")}, "the kind that it may pass on and that does not exist"
    assert tried <= may, "a refusal by RBAC would be no proof"


def test_an_api_server_that_is_away_is_no_denial() -> None:
    cluster = guarded(always(""), always(""))

    def away(method: str, path: str, body: Json, user: str | None) -> None:
        raise Unreachable("no answer")

    cluster.admission = away
    with pytest.raises(Unreachable):
        wait(cluster)


def test_the_canary_pod_would_pass_pod_security_so_that_only_the_gate_can_refuse_it() -> None:
    seen: list[Json] = []
    cluster = guarded(always(admission.POD_POLICY), always(admission.LABEL_POLICY))
    refuse = cluster.admission

    def look(method: str, path: str, body: Json, user: str | None) -> None:
        seen.append(body)
        refuse(method, path, body, user)

    cluster.admission = look
    wait(cluster)
    pod = next(body["spec"] for body in seen if "containers" in body.get("spec", {}))
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True, "Pod Security restricted"
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, "Pod Security restricted"
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}, (
        "restricted"
    )
    assert {"metadata": {"labels": {"isolation-ready": "true"}}} in seen, "the forged label is the gate's own"


def test_a_proof_that_is_complete_at_the_deadline_counts() -> None:
    wait(guarded(always(admission.POD_POLICY), always(admission.LABEL_POLICY)), timeout=0.0)
