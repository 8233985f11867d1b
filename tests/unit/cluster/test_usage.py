"""A quota may not fall below what runs, in whatever form the API server writes an amount."""

import asyncio
from typing import Any, cast

import pytest

from cluster.api import ClusterApi
from cluster.usage import below_use


class OneQuota:
    """A cluster that holds one quota with this use."""

    def __init__(self, used: dict[str, str] | None) -> None:
        self._used = used

    async def get(self, path: str) -> dict[str, Any] | None:
        assert path == "/api/v1/namespaces/org-acme/resourcequotas/quota", "its own quota, and nothing else"
        return None if self._used is None else {"status": {"used": self._used}}


def problems(used: dict[str, str] | None, wanted: dict[str, str]) -> list[str]:
    return asyncio.run(below_use(cast(ClusterApi, OneQuota(used)), "acme", wanted))


@pytest.mark.parametrize(
    ("used", "wanted"),
    [("3", "2500m"), ("2501m", "2500m"), ("1k", "999"), ("1.5", "1")],
)
def test_less_cpu_than_is_requested_is_a_problem_in_words(used: str, wanted: str) -> None:
    (found,) = problems({"requests.cpu": used}, {"cpu": wanted})
    assert used in found and wanted in found and "org-acme" in found and "free some first" in found


@pytest.mark.parametrize(("used", "wanted"), [("2Gi", "2Gi"), ("1500M", "2Gi"), ("2147483648", "2Gi"), ("0", "1Ki")])
def test_as_much_memory_as_is_used_is_enough(used: str, wanted: str) -> None:
    assert problems({"requests.memory": used, "limits.memory": used}, {"memory": wanted}) == []


def test_limits_count_as_well_as_requests() -> None:
    assert len(problems({"requests.memory": "1Gi", "limits.memory": "3Gi"}, {"memory": "2Gi"})) == 1


def test_storage_has_requests_only_and_a_quota_that_is_not_there_stops_nothing() -> None:
    assert len(problems({"requests.storage": "11Gi"}, {"storage": "10Gi"})) == 1
    assert problems(None, {"cpu": "1"}) == []


def test_an_amount_that_nobody_writes_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        problems({"requests.cpu": "many"}, {"cpu": "1"})
