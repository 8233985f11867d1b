"""Settings come from the environment, and what is wrong with them is said before anything starts."""

import pytest

from service.errors import NotConfigured
from service.settings import Settings

TOKEN = {"OPERATOR_TOKEN": "0123456789abcdef"}


def test_address_and_numbers_are_taken_from_the_environment() -> None:
    settings = Settings.of({**TOKEN, "API_URL": "http://127.0.0.1:2345", "OPERATION_LEASE": "3.5"})
    assert (settings.host, settings.port, settings.lease) == ("127.0.0.1", 2345, 3.5)
    assert Settings.of({**TOKEN, "API_HOST": "0.0.0.0"}).host == "0.0.0.0", "in a container"
    assert Settings.of(TOKEN).replica != Settings.of(TOKEN).replica, "replicas on one host are told apart"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "OPERATOR_TOKEN is missing"),
        ({"OPERATOR_TOKEN": "short"}, "shorter than 16"),
        ({**TOKEN, "OPERATION_LEASE": "soon"}, "OPERATION_LEASE is 'soon'; write a number"),
        ({**TOKEN, "DRAIN_SECONDS": "-1"}, "above 0"),
        ({**TOKEN, "OPERATOR_TOKENS": "ada=short"}, "at least 16 characters"),
        ({**TOKEN, "OPERATOR_TOKENS": "0123456789abcdef"}, "of the form"),
    ],
)
def test_what_is_wrong_is_named(environment: dict[str, str], says: str) -> None:
    with pytest.raises(NotConfigured, match=says):
        Settings.of(environment)


def test_the_token_is_not_shown() -> None:
    assert "0123456789abcdef" not in repr(Settings.of(TOKEN))


def test_operators_have_tokens_of_their_own_that_are_not_shown() -> None:
    named = {**TOKEN, "OPERATOR_TOKENS": "ada=aaaaaaaaaaaaaaaa  grace=gggggggggggggggg="}
    settings = Settings.of(named)
    assert settings.operators == {"ada": "aaaaaaaaaaaaaaaa", "grace": "gggggggggggggggg="}
    assert "aaaaaaaaaaaaaaaa" not in repr(settings)


def test_bodies_may_be_larger_where_settings_are_many() -> None:
    settings = Settings.of(TOKEN)
    one = "/v1/organizations/x"
    large = [f"{one}/configs/import", f"{one}/change-sets", f"{one}/configs/features/x", f"{one}/flags/import"]
    assert {settings.largest_at(path) for path in large} == {settings.largest_settings}
    assert settings.largest_at(one) == settings.largest_at("/v1/organizations") == settings.largest_body
