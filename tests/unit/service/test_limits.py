"""The bucket of tokens: a burst at once, then as many as the time brings, each address for itself."""

from service.limits import RateLimit


class Clock:
    """Time that a test moves on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_then_one_for_each_interval() -> None:
    clock = Clock()
    limit = RateLimit(per_minute=6, burst=3, clock=clock)
    assert [limit.take("10.0.0.1") for _ in range(4)] == [0, 0, 0, 10], "the wait until the next token is told"
    clock.now = 9.0
    assert limit.take("10.0.0.1") == 1, "almost"
    clock.now = 10.0
    assert limit.take("10.0.0.1") == 0
    clock.now = 1e6
    assert [limit.take("10.0.0.1") for _ in range(4)] == [0, 0, 0, 10], "a long pause brings no more than the burst"


def test_addresses_do_not_share_and_an_ipv6_network_is_one_address() -> None:
    limit = RateLimit(per_minute=1, burst=1, clock=Clock())
    assert limit.take("10.0.0.1") == limit.take("10.0.0.2") == limit.take("2001:db8:1:1::1") == 0
    assert limit.take("2001:db8:1:1:ffff::9") > 0, "the same customer's"
    assert limit.take("2001:db8:1:2::1") == 0, "another's"


def test_only_so_many_addresses_are_remembered() -> None:
    limit = RateLimit(per_minute=1, burst=1, clock=Clock())
    for number in range(10_001):
        limit.take(f"host-{number}")
    assert limit.take("host-10000") > 0, "the newest is"
    assert limit.take("host-0") == 0, "the oldest is not"
