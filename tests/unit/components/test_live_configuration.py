"""What an organization's pods hear of changes by: one password for Redis and the relay, made from the login's."""

import dataclasses

import pytest

from components.live_configuration import Channel
from liveconfig.acl import password_from
from tenants.model import Organization
from tests.unit.components.recording import ENVIRONMENT, Recording, record_main, settings_of_tests

SLUG = "contoso"
PASSWORD = password_from("of-the-login")


def test_the_secret_holds_the_way_to_redis_and_to_the_relay(recording: Recording) -> None:
    found = recording.named(f"{SLUG}-live-configuration")
    assert found.inputs["metadata"]["name"] == "live-configuration"
    data = dict(found.inputs["stringData"])
    assert "of these tests" in data.pop("ca.crt")
    assert data.pop("LIVECONFIG_PASSWORD") == PASSWORD and "stringData" in found.secrets
    assert data == {
        "LIVECONFIG_ORG": "7", "LIVECONFIG_USER": "org_7", "LIVECONFIG_REDIS_URL": "rediss://nowhere:6380/0",
        "LIVECONFIG_RELAY": "relay.nowhere:8443",
    }, "no credentials of the platform's"  # fmt: skip


def test_the_user_goes_with_the_row_and_has_the_secrets_password(recording: Recording) -> None:
    user = recording.named(f"{SLUG}-redis-user")
    assert user.inputs == {"org_id": "7", "password": PASSWORD, "in_force": True}
    assert user.secrets == {"password"} and user.deleted_with == f"{SLUG}-row"


def test_the_passwords_are_two_of_which_none_tells_the_other() -> None:
    assert PASSWORD != "of-the-login" and len(PASSWORD) == 64
    assert password_from("of-the-login") == PASSWORD != password_from("of-the-next-login"), (
        "it changes with the login's"
    )


def test_only_a_rotated_secret_waits_for_its_user(recording: Recording) -> None:
    assert f"{SLUG}-redis-user" not in recording.reach(f"{SLUG}-live-configuration"), "both at once"
    members = [{"email": "ada@acme.example", "role": "owner"}]
    rotated = Organization.model_validate({"name": "Acme", "members": members, "database": {"rotation": 2}})
    assert "acme-redis-user" in record_main([rotated]).reach("acme-live-configuration"), (
        "it is in force before it is told"
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("rediss://u:p@redis.example:6390/0", "rediss://redis.example:6390/0"),
        ("redis://redis.example", "redis://redis.example/0"),
    ],
)
def test_pods_get_the_address_without_the_platforms_credentials(url: str, told: str) -> None:
    settings = dataclasses.replace(settings_of_tests(), redis_url=url, redis_ca_file=None, relay=None)
    assert Channel.at(settings) == Channel(told, None, None)


def test_the_ca_of_a_named_redis_may_stand_in_its_url() -> None:
    url = f"rediss://u:p@redis.example/0?ssl_ca_certs={ENVIRONMENT['REDIS_CA_FILE']}"
    settings = dataclasses.replace(settings_of_tests(), redis_url=url, redis_ca_file=None)
    assert "of these tests" in (Channel.at(settings).ca_certificate or "")
