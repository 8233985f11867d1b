"""What an organization costs a month: base fee of its plan plus what its quota exceeds the plan's default.

Money is Decimal in EUR, rounded half up to cents, part by part, so that the parts always add up to the total. Asking
for less than the plan includes saves nothing; whoever needs less takes a smaller plan. VAT is not included.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tenants.model import Organization
from tenants.plans import GI, PLANS, Sizes

CURRENCY = "EUR"
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Price:
    """EUR a month: `base` for the plan with its default sizes, then for each whole unit above them (pro rata)."""

    base: Decimal
    core: Decimal
    memory_gib: Decimal
    storage_gib: Decimal


PRICES: dict[str, Price] = {
    "starter": Price(Decimal("49.00"), Decimal("9.00"), Decimal("2.50"), Decimal("0.12")),
    "business": Price(Decimal("199.00"), Decimal("8.00"), Decimal("2.20"), Decimal("0.10")),
    "enterprise": Price(Decimal("1490.00"), Decimal("7.00"), Decimal("2.00"), Decimal("0.08")),
}


@dataclass(frozen=True)
class MonthlyCost:
    """EUR a month, by what it is for; each part is whole cents."""

    base: Decimal
    cpu: Decimal
    memory: Decimal
    storage: Decimal

    @property
    def total(self) -> Decimal:
        """The sum of all parts."""
        return self.base + self.cpu + self.memory + self.storage


def monthly_cost(plan: str, sizes: Sizes) -> MonthlyCost:
    """The cost of `sizes` (millicores, bytes) on `plan`; raise KeyError for a plan without a price."""
    price, included = PRICES[plan], PLANS[plan].default
    return MonthlyCost(
        base=price.base,
        cpu=_over(sizes.cpu, included.cpu, 1000, price.core),
        memory=_over(sizes.memory, included.memory, GI, price.memory_gib),
        storage=_over(sizes.storage, included.storage, GI, price.storage_gib),
    )


def cost_of(organization: Organization) -> MonthlyCost:
    """The cost of an organization as its catalog file (or sign-up) describes it."""
    return monthly_cost(organization.plan, organization.sizes())


def cost_delta(before: Organization | None, after: Organization | None) -> Decimal:
    """What changes a month when `before` becomes `after`; None stands for no organization."""
    return _total(after) - _total(before)


def format_money(amount: Decimal, *, signed: bool = False) -> str:
    """`1,234.50 EUR`, or with its sign `+1,234.50 EUR`; a zero has none."""
    sign = "+" if signed and amount > 0 else ""
    return f"{sign}{amount + 0:,.2f} {CURRENCY}"


def _over(amount: int, included: int, unit: int, price: Decimal) -> Decimal:
    exceeding = max(0, amount - included)
    return (Decimal(exceeding) / unit * price).quantize(_CENT, rounding=ROUND_HALF_UP)


def _total(organization: Organization | None) -> Decimal:
    return cost_of(organization).total if organization else Decimal(0)
