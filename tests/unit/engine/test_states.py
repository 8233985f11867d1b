"""Where self-service state is, as the setting says it: what Pulumi is told, and what it must not be told."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.errors import NotConfigured
from engine.states import States, states_of


def named(url: str) -> States:
    return states_of({"SELF_SERVICE_BACKEND_URL": url}, Path("/workspaces"))


def test_it_is_files_beside_the_workspaces_unless_said_otherwise() -> None:
    assert states_of({}, Path("/workspaces")).url("slot-1") == "file:///workspaces/slot-1?metadata=skip"
    assert named("file:///elsewhere").url("slot-1") == "file:///elsewhere/slot-1?metadata=skip"


def test_in_a_bucket_each_stack_has_a_folder() -> None:
    states = named("s3://bucket/self-service/?region=eu-west-1")
    assert states.url("slot-1") == "s3://bucket/self-service/slot-1?region=eu-west-1"
    assert named("s3://bucket?region=x").url("slot-1") == "s3://bucket/slot-1?region=x"


def test_in_postgresql_stacks_are_in_many_tables_and_the_password_is_no_part_of_the_url() -> None:
    states = named("postgresql://role:p%40ss@db.example:5432/state?sslmode=verify-full")
    assert states.url("slot-a3f0") == "postgres://role@db.example:5432/state?sslmode=verify-full&table=pulumi_state_a3"
    assert states.variables == {"PGPASSWORD": "p@ss"}


@pytest.mark.parametrize("user", ["", "role@"])
def test_a_password_may_come_from_libpqs_own_places(user: str) -> None:
    states = named(f"postgres://{user}db/state?table=ours")
    assert urlsplit(states.url("slot-a3f0")).netloc == f"{user}db" and states.variables == {}
    assert states.url("slot-a3f0").endswith("?table=ours_a3")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gs://bucket", "'gs'; write file"),
        ("postgres://db/state?table=drop table", "small letters"),
        ("s3://bucket?profile=mine", "profile in the state's URL is not understood"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_way_out(url: str, said: str) -> None:
    with pytest.raises(NotConfigured, match=said):
        named(url)
