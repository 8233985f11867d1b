"""The program that `pulumi up` runs: settings, what to register, platform, organizations, outputs."""

from pathlib import Path

import pulumi

from components.connections import connect
from components.hooks import give_registrations_threads, publish_config_changes
from components.live_configuration import Channel
from components.organization import Organization, OrganizationProps
from components.platform import Platform
from components.postgres import TenantDatabase
from components.settings import Settings
from tenants import names
from tenants.catalog import load_catalog
from tenants.holding import Holding
from tenants.plan import plan

settings = Settings.from_stack()
if settings.holding:
    holding = Holding.read(settings.holding)
else:
    holding = Holding.of(settings.shard.mine(load_catalog(Path(__file__).parent / "tenants" / "orgs")))
give_registrations_threads()
providers = connect(settings)
shared: list[pulumi.Resource] = []
if settings.shard.has_platform:
    shared.append(Platform("platform", settings, pulumi.ResourceOptions(providers=providers)))
hooks = publish_config_changes(settings)
database, channel = TenantDatabase.at(settings, providers["tenancy"]), Channel.at(settings)
for organization in holding.organizations:
    Organization(
        organization.slug,
        OrganizationProps(plan(organization), settings.managed_by, hooks, database, channel, settings.unprotect),
        pulumi.ResourceOptions(providers=providers, depends_on=shared),
    )
pulumi.export("namespaces", {slug: names.namespace(slug) for slug in holding.slugs})
