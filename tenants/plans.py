"""The commercial plans: what an organization gets unless its catalog file or sign-up says otherwise.

Sizes are millicores and bytes. `requests` may not exceed `limits`; `maximum` bounds what any organization on the plan
may ask for, so that a slip of the finger is refused instead of billed.
"""

from dataclasses import dataclass

GI = 2**30
TI = 2**40


@dataclass(frozen=True)
class Sizes:
    """Amounts of the resources that a quota can be set for: cpu in millicores, the others in bytes."""

    cpu: int
    memory: int
    storage: int


@dataclass(frozen=True)
class CommercialPlan:
    """One plan: defaults, bounds and object counts; `statement_timeout` of the database in milliseconds."""

    default: Sizes
    maximum: Sizes
    ephemeral_storage: int
    pods: int
    services: int
    configmaps: int
    secrets: int
    volumes: int
    load_balancers: int
    node_ports: int
    database_connections: int
    statement_timeout: int


PLANS: dict[str, CommercialPlan] = {
    "starter": CommercialPlan(
        default=Sizes(10_000, 20 * GI, 10 * GI), maximum=Sizes(20_000, 40 * GI, 100 * GI),
        ephemeral_storage=10 * GI, pods=50, services=20, configmaps=50, secrets=50, volumes=10,
        load_balancers=1, node_ports=5, database_connections=10, statement_timeout=15_000,
    ),
    "business": CommercialPlan(
        default=Sizes(20_000, 40 * GI, 100 * GI), maximum=Sizes(64_000, 128 * GI, 1 * TI),
        ephemeral_storage=40 * GI, pods=150, services=60, configmaps=150, secrets=150, volumes=40,
        load_balancers=5, node_ports=20, database_connections=30, statement_timeout=30_000,
    ),
    "enterprise": CommercialPlan(
        default=Sizes(64_000, 128 * GI, 1 * TI), maximum=Sizes(512_000, 1 * TI, 20 * TI),
        ephemeral_storage=200 * GI, pods=1_000, services=300, configmaps=500, secrets=500, volumes=200,
        load_balancers=20, node_ports=100, database_connections=100, statement_timeout=60_000,
    ),
}  # fmt: skip
DEFAULT_PLAN = "starter"
