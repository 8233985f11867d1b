"""`python -m tests.bench.stock_automation N`: N sign-ups by the stock Automation API; prints seconds.

What a user would write first, with the same component: an inline program, a stack, `up`. Rows are
claimed as a catalog would claim them.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import pulumi
import yaml
from pulumi import automation

from components.connections import connect
from components.hooks import publish_config_changes
from components.live_configuration import Channel
from components.organization import Organization, OrganizationProps
from components.postgres import TenantDatabase
from components.settings import Settings
from tenants import model, plan, shards


def deploy(number: int) -> float:
    slug = f"stock-{number}"
    organization = model.Organization.model_validate(
        {"name": slug, "members": [{"email": f"owner@{slug}.example", "role": "owner"}]}
    )
    settings = Settings(
        kubeconfig=os.environ["PULUMI_KUBECONFIG"], database_url=os.environ["PLATFORM_DATABASE_URL"],
        redis_url=os.environ["REDIS_URL"], redis_operator_url=os.environ["REDIS_OPERATOR_URL"],
        redis_ca_file=os.environ["REDIS_CA_FILE"], relay=None, on_destroy="keep",
        managed_by="catalog:bench", shard=shards.Shard(1, 1), unprotect=False, holding=None,
    )  # fmt: skip

    async def program() -> None:
        await asyncio.sleep(0)
        providers = connect(settings)
        database = TenantDatabase.at(settings, providers["tenancy"])
        props = OrganizationProps(
            plan.plan(organization),
            settings.managed_by,
            publish_config_changes(settings),
            database,
            Channel.at(settings),
        )
        Organization(slug, props, pulumi.ResourceOptions(providers=providers))

    with tempfile.TemporaryDirectory() as state:
        project = yaml.safe_load(Path("Pulumi.yaml").read_text())
        project["runtime"] = "python"
        project["plugins"]["providers"][0]["path"] = str(Path.cwd() / "provider")
        (Path(state) / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        began = time.monotonic()
        stack = automation.create_or_select_stack(
            stack_name=slug, project_name=project["name"], program=program,
            opts=automation.LocalWorkspaceOptions(
                work_dir=state, env_vars={"PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_SKIP_UPDATE_CHECK": "1"}
            ),
        )  # fmt: skip
        stack.up()
        return time.monotonic() - began


if __name__ == "__main__":
    print(json.dumps([deploy(number) for number in range(int(sys.argv[1]))]))
