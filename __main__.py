"""The program that `pulumi up` runs: settings, catalog, platform, organizations, outputs."""

from pathlib import Path

import pulumi

from components.connections import connect
from components.hooks import publish_config_changes
from components.organization import Organization, OrganizationProps
from components.platform import Platform
from components.postgres import TenantDatabase
from components.settings import Settings
from tenants.catalog import load_catalog
from tenants.plan import plan

settings = Settings.from_stack()
catalog = load_catalog(Path(__file__).parent / "tenants" / "orgs")
providers = connect(settings)
shared: list[pulumi.Resource] = []
if settings.shard.has_platform:
    shared.append(Platform("platform", settings, pulumi.ResourceOptions(providers=providers)))
hooks = publish_config_changes(settings)
database = TenantDatabase.at(settings, providers["tenancy"])
organizations = {
    organization.slug: Organization(
        organization.slug,
        OrganizationProps(plan(organization), settings.managed_by, hooks, database, settings.unprotect),
        pulumi.ResourceOptions(providers=providers, depends_on=shared),
    )
    for organization in settings.shard.mine(catalog)
}
pulumi.export("organizations", {slug: organization.org_id for slug, organization in organizations.items()})
