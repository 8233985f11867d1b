"""The platform's database URL, taken apart for clients that want its parts."""

import pulumi
import pytest

from components.settings import DatabaseAddress


def test_every_part_of_the_url_arrives_unquoted() -> None:
    url = "postgresql://plat%40form:p%2Fw%3A@db.example:6432/main%2Done?sslmode=verify-full&sslrootcert=/ca%20s/ca.crt"
    assert DatabaseAddress.from_url(url) == DatabaseAddress(
        "db.example", 6432, "main-one", "plat@form", "p/w:", "verify-full", "/ca s/ca.crt"
    )


@pytest.mark.parametrize("mode", ["", "?sslmode=allow", "?sslmode=prefer"])
def test_a_url_that_leaves_tls_to_chance_means_tls(mode: str) -> None:
    address = DatabaseAddress.from_url(f"postgres://u:p@h{mode}")
    assert (address.port, address.dbname, address.sslmode) == (5432, "u", "require")


@pytest.mark.parametrize("url", ["host=h user=u password=hidden", "postgresql://h/d", "mysql://u:hidden@h/d", ""])
def test_what_is_no_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(pulumi.RunError, match="write postgresql://user:password@host") as refused:
        DatabaseAddress.from_url(url)
    assert "hidden" not in str(refused.value)


def test_the_password_is_in_no_repr() -> None:
    assert "hidden" not in repr(DatabaseAddress.from_url("postgresql://u:hidden@h/d"))
