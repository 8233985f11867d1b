"""An organization's way to live configuration: the Redis user of its pods, and the Secret that they read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import pulumi

from components.kubernetes import credentials_secret
from components.settings import Settings
from liveconfig.acl import password_from, user_name
from provider.resources import OrganizationRow, RedisUser
from tenants import names
from tenants.plan import TenantPlan


@dataclass(frozen=True)
class Channel:
    """Where pods hear of changes: Redis, without credentials, the relay if there is one, and the CA of both."""

    redis_url: str
    relay: str | None
    ca_certificate: str | None

    @classmethod
    def at(cls, settings: Settings) -> Self:
        """The channel of the settings."""
        parts = urlsplit(settings.redis_url)
        address = parts.netloc.rpartition("@")[2]
        file = settings.redis_ca_file or dict(parse_qsl(parts.query)).get("ssl_ca_certs")
        certificate = Path(file).read_text(encoding="ascii") if file else None
        return cls(f"{parts.scheme}://{address}/0", settings.relay, certificate)


def register_live_configuration(
    plan: TenantPlan,
    row: OrganizationRow,
    login_password: pulumi.Output[str],
    channel: Channel,
    with_row: pulumi.ResourceOptions,
    inside: pulumi.ResourceOptions,
) -> Iterable[pulumi.Resource]:
    """Register the Redis user and the Secret; return both.

    The password is made from the current login's, and so changes with it: a random one of its own would be one more
    resource that a sign-up waits for. `with_row` and `inside` are as in `components.postgres`.
    """
    password: pulumi.Output[str] = pulumi.Output.secret(login_password.apply(password_from))
    user = RedisUser(f"{plan.slug}-redis-user", org_id=row.id, password=password, opts=with_row)
    values: dict[str, pulumi.Input[str]] = {
        "LIVECONFIG_ORG": row.id,
        "LIVECONFIG_USER": row.id.apply(user_name),
        "LIVECONFIG_PASSWORD": password,
        "LIVECONFIG_REDIS_URL": channel.redis_url,
        **({"LIVECONFIG_RELAY": channel.relay} if channel.relay else {}),
    }
    secret = credentials_secret(plan, names.LIVE_CONFIGURATION_SECRET, values, channel.ca_certificate, user, inside)
    return [user, secret]
