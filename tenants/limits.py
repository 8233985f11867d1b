"""The most that each commercial plan allows, as the policy pack needs it: `policies/limits.json`.

`python -m tenants.limits` writes the file again after a change of the plans.
"""

import json
from pathlib import Path

from tenants.model import Organization
from tenants.plan import plan
from tenants.plans import PLANS
from tenants.quantity import format_bytes, format_cpu

FILE = Path(__file__).parents[1] / "policies" / "limits.json"


def limits() -> dict[str, dict[str, str]]:
    """For each plan the hard limits of the largest quota that it allows."""
    return {name: plan(_largest(name)).quota for name in PLANS}


def render() -> str:
    """The file's text."""
    return json.dumps(limits(), indent=2) + "\n"


def _largest(name: str) -> Organization:
    most = PLANS[name].maximum
    quota = {"cpu": format_cpu(most.cpu), "memory": format_bytes(most.memory), "storage": format_bytes(most.storage)}
    return Organization.model_validate(
        {
            "name": "Largest",
            "plan": name,
            "quota": quota,
            "network": {"expose": ["LoadBalancer", "NodePort"]},
            "members": [{"email": "owner@largest.example", "role": "owner"}],
        }
    )


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
