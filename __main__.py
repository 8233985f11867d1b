"""The program that `pulumi up` runs: settings, catalog, platform, organizations, outputs."""

from pathlib import Path

import pulumi

from components.hooks import publish_config_changes
from components.organization import Organization, OrganizationProps
from components.platform import Platform
from components.settings import Settings
from tenants.catalog import load_catalog
from tenants.plan import plan

settings = Settings.from_stack()
plans = [plan(organization) for organization in load_catalog(Path(__file__).parent / "tenants" / "orgs")]
platform = Platform("platform", settings)
hooks = publish_config_changes(settings)
organizations = {
    tenant.slug: Organization(
        tenant.slug,
        OrganizationProps(tenant, settings.managed_by, hooks),
        pulumi.ResourceOptions(providers=platform.providers, depends_on=[platform]),
    )
    for tenant in plans
}
pulumi.export("organizations", {slug: organization.org_id for slug, organization in organizations.items()})
