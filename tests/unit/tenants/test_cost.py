"""The price of an organization."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.cost import PRICES, cost_delta, cost_of, format_money, monthly_cost
from tenants.model import Organization
from tenants.plans import GI, PLANS, Sizes


def organization(plan: str = "business", **quota: str) -> Organization:
    return Organization.model_validate(
        {"name": "Acme", "plan": plan, "members": [{"email": "a@acme.example", "role": "owner"}], "quota": quota}
    )


def test_every_plan_has_a_price_and_every_price_a_plan() -> None:
    assert PRICES.keys() == PLANS.keys()


@pytest.mark.parametrize("plan", PLANS)
def test_a_plans_default_sizes_cost_its_base_fee(plan: str) -> None:
    assert monthly_cost(plan, PLANS[plan].default).total == PRICES[plan].base


def test_what_exceeds_the_plan_is_charged_by_unit() -> None:
    cost = cost_of(organization(cpu="24", memory="64Gi", storage="200Gi"))  # includes 20, 40Gi, 100Gi
    assert cost.cpu == Decimal("32.00"), "4 cores at 8.00"
    assert cost.memory == Decimal("52.80"), "24 GiB at 2.20"
    assert cost.storage == Decimal("10.00"), "100 GiB at 0.10"
    assert cost.total == Decimal("293.80")


def test_asking_for_less_than_the_plan_includes_saves_nothing() -> None:
    assert cost_of(organization(cpu="1", memory="1Gi", storage="1Gi")).total == PRICES["business"].base


def test_parts_of_a_unit_are_charged_pro_rata_and_rounded_half_up_to_cents() -> None:
    sizes = Sizes(cpu=20_001, memory=40 * GI + GI // 2, storage=100 * GI + GI // 20)
    cost = monthly_cost("business", sizes)
    assert (cost.cpu, cost.memory, cost.storage) == (Decimal("0.01"), Decimal("1.10"), Decimal("0.00"))
    assert monthly_cost("starter", Sizes(10_005, 20 * GI, 10 * GI)).cpu == Decimal("0.05"), "0.045 is half a cent"


def test_the_delta_is_what_changes_from_nothing_to_nothing_and_between() -> None:
    small, large = organization("starter"), organization("enterprise")
    assert cost_delta(None, small) == Decimal("49.00")
    assert cost_delta(small, None) == Decimal("-49.00")
    assert cost_delta(small, large) == Decimal("1441.00")
    assert cost_delta(large, large) == 0
    assert cost_delta(None, None) == 0


def test_a_plan_without_a_price_is_an_error_and_not_free() -> None:
    with pytest.raises(KeyError, match="gold"):
        monthly_cost("gold", PLANS["starter"].default)


@pytest.mark.parametrize(
    ("amount", "signed", "text"),
    [
        ("1234.5", False, "1,234.50 EUR"),
        ("1234.5", True, "+1,234.50 EUR"),
        ("-0.1", True, "-0.10 EUR"),
        ("0", True, "0.00 EUR"),
        ("-0", True, "0.00 EUR"),
    ],
)
def test_money_is_written_with_cents_and_currency(amount: str, signed: bool, text: str) -> None:
    assert format_money(Decimal(amount), signed=signed) == text


_SIZES = st.builds(Sizes, st.integers(1, 10**6), st.integers(1, 2**41), st.integers(1, 2**45))


@given(st.sampled_from(sorted(PLANS)), _SIZES, st.integers(0, 10**5))
def test_more_never_costs_less_and_parts_are_whole_cents(plan: str, sizes: Sizes, more: int) -> None:
    cost = monthly_cost(plan, sizes)
    assert monthly_cost(plan, Sizes(sizes.cpu + more, sizes.memory, sizes.storage)).total >= cost.total
    for part in (cost.base, cost.cpu, cost.memory, cost.storage):
        assert part >= 0 and part == part.quantize(Decimal("0.01"))
