"""Whose bucket a sign-up takes from, and how the wait is told; what a bucket holds is the database's."""

import asyncio

from service.limits import RateLimit, network_of
from tests.unit.database.fakes import FakeDatabase


def taken(limit: RateLimit, *addresses: str) -> list[int]:
    async def run() -> list[int]:
        return [await limit.take(address) for address in addresses]

    return asyncio.run(run())


def test_addresses_do_not_share_and_an_ipv6_network_is_one_address() -> None:
    limit = RateLimit(FakeDatabase(), "secret", per_minute=7, burst=1)
    assert taken(limit, "10.0.0.1", "10.0.0.2", "2001:db8:1:1::1") == [0, 0, 0]
    assert taken(limit, "2001:db8:1:1:ffff::9") == [9], "the same customer's; whole seconds, and not too early"
    assert taken(limit, "2001:db8:1:2::1", "") == [0, 0], "another's; and one that is not known"


def test_ipv4_that_is_written_as_ipv6_is_the_same_address_and_no_network_of_all() -> None:
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("::ffff:192.0.2.2") != network_of("::ffff:192.0.2.1"), "another customer's"
    assert network_of("2001:db8:1:1::1") == "2001:db8:1:1::/64" and network_of("") == ""


def test_no_address_is_stored_and_what_is_stored_cannot_be_guessed_without_the_key() -> None:
    one, other = FakeDatabase(), FakeDatabase()
    for database, key in ((one, "secret"), (other, "another")):
        taken(RateLimit(database, key, per_minute=1, burst=1), "10.0.0.1")
    assert one.state.buckets.keys().isdisjoint(other.state.buckets.keys())
    assert all(len(address) == 32 and b"10.0.0.1" not in address for address in one.state.buckets)
