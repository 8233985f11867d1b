"""Quantities are exact: what is read is what is written, and what is ambiguous is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.errors import InvalidQuantity, TenantError
from tenants.quantity import bytes_, cpu_millicores, format_bytes, format_count, format_cpu
from tests.unit.tenants.strategies import repeatable


@pytest.mark.parametrize(
    ("text", "millicores"),
    [
        ("1", 1000),
        ("2", 2000),
        ("0.5", 500),
        ("0.001", 1),
        ("500m", 500),
        ("1m", 1),
        ("1.250", 1250),
        ("7500m", 7500),
        ("0", 0),
        ("0m", 0),
        ("007", 7000),
        ("2.0", 2000),
        ("1.0m", 1),
    ],
)
def test_a_cpu_quantity_is_read_as_whole_millicores(text: str, millicores: int) -> None:
    assert cpu_millicores(text) == millicores, f"{text} is {millicores} millicores"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "-1",
        "+1",
        "1e3",
        "1E3",
        "1K",
        "0.0001",
        "1,5",
        " 1",
        "1 ",
        "1 m",
        "1.",
        ".5",
        "nan",
        "inf",
        "0x10",
        "1_000",
        "½",
        "1Gi",
        "two",
    ],
)
def test_what_is_no_cpu_quantity_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(InvalidQuantity, match="500m") as refused:
        cpu_millicores(text)
    assert repr(text) in str(refused.value), "the text must name the offending value"


@pytest.mark.parametrize("text", ["0.5m", "1.001m", "10.999m"])
def test_cpu_finer_than_a_millicore_is_refused_because_the_api_server_would_round_it_up(text: str) -> None:
    with pytest.raises(InvalidQuantity, match="finer than a millicore"):
        cpu_millicores(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("1Ki", 2**10), ("512Mi", 2**29), ("20Gi", 20 * 2**30), ("1Ti", 2**40), ("1.5Gi", 3 * 2**29), ("0Gi", 0)],
)
def test_a_size_is_read_as_bytes(text: str, count: int) -> None:
    assert bytes_(text) == count, f"{text} is {count} bytes"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20",
        "0",
        "20G",
        "20M",
        "20K",
        "20k",
        "20gi",
        "20GI",
        "20GiB",
        "20 Gi",
        " 20Gi",
        "20Gi ",
        "-5Gi",
        "+5Gi",
        "1e3Mi",
        "1pi",
        "Gi",
        ".5Gi",
        "5.Gi",
        "20Gi20Mi",
        "nanGi",
    ],
)
def test_what_is_no_binary_size_is_refused_with_the_units_that_are(text: str) -> None:
    with pytest.raises(InvalidQuantity, match=r"Ki, Mi, Gi, Ti") as refused:
        bytes_(text)
    assert repr(text) in str(refused.value), "the text must name the offending value"


def test_a_refused_quantity_is_an_error_of_this_room_and_a_value_error_for_pydantic() -> None:
    assert issubclass(InvalidQuantity, TenantError), "one exception root a room"
    assert issubclass(InvalidQuantity, ValueError), "pydantic turns only ValueErrors into problems with a place"


@repeatable
@given(st.integers(0, 10**9))
def test_every_number_of_millicores_survives_writing_and_reading(millicores: int) -> None:
    assert cpu_millicores(format_cpu(millicores)) == millicores, "cpu must round-trip exactly"


@repeatable
@given(st.integers(1, 2**40), st.sampled_from([2**10, 2**20, 2**30]))
def test_every_size_in_whole_kibibytes_survives_writing_and_reading(count: int, unit: int) -> None:
    assert bytes_(format_bytes(count * unit)) == count * unit, "sizes must round-trip exactly"


@repeatable
@given(st.integers(0, 999_999))
def test_written_cpu_is_the_shortest_form_of_its_value(millicores: int) -> None:
    text = format_cpu(millicores)
    if text.endswith("m"):
        assert millicores % 1000, f"{text} is whole cores and must be written without m"
    else:
        assert text == str(millicores // 1000), f"{text} must be plain cores"


@repeatable
@given(st.integers(1, 2**20), st.sampled_from([2**10, 2**20, 2**30, 2**40]))
def test_written_sizes_use_the_largest_unit_that_keeps_them_whole(count: int, unit: int) -> None:
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi|Ti)", format_bytes(count * unit))
    assert match, "a multiple of 1 KiB always has a unit"
    assert match[2] == "Ti" or int(match[1]) % 1024, f"{match[0]} fits a larger unit; the API server would use that"


@repeatable
@given(st.text(max_size=12))
def test_any_text_is_either_read_or_refused_as_a_quantity_and_nothing_else(text: str) -> None:
    for read in (cpu_millicores, bytes_):
        try:
            assert read(text) >= 0, "a quantity is never negative"
        except InvalidQuantity:
            continue


@pytest.mark.parametrize(("read", "text"), [(cpu_millicores, "2\n"), (bytes_, "2Gi\n")])
def test_a_final_newline_is_not_part_of_a_quantity(read: object, text: str) -> None:
    with pytest.raises(InvalidQuantity):
        read(text)  # type: ignore[operator]


@pytest.mark.parametrize(("read", "text"), [(cpu_millicores, "٢"), (bytes_, "٢٠Gi"), (cpu_millicores, "２")])
def test_digits_of_other_scripts_are_not_part_of_the_grammar(read: object, text: str) -> None:
    with pytest.raises(InvalidQuantity):
        read(text)  # type: ignore[operator]


@pytest.mark.parametrize("text", ["0.1Gi", "0.3Ki", "1.0001Mi"])
def test_a_size_that_is_no_whole_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuantity):
        bytes_(text)


@pytest.mark.parametrize("text", ["0.5Ki", "1.5Ki", "0.0005Mi"])
def test_a_size_whose_canonical_form_would_have_no_unit_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuantity, match="whole number of Ki"):
        bytes_(text)


@pytest.mark.parametrize(("text", "amount"), [("1k", 10**6), ("1M", 10**9), ("1.5k", 1_500_000)])
def test_what_the_api_server_writes_for_many_cores_can_be_read(text: str, amount: int) -> None:
    assert cpu_millicores(text) == amount, "every written form can be read again; the plan's bound refuses it"


def test_what_the_api_server_writes_for_huge_sizes_can_be_read() -> None:
    assert bytes_("1Pi") == 2**50, "every written form can be read again; the plan's bound refuses it"


@pytest.mark.parametrize("text", ["9" * 31, "9" * 5000, "9" * 31 + "Gi", "0." + "1" * 31 + "Gi"])
def test_a_quantity_of_absurd_length_is_refused_and_no_crash(text: str) -> None:
    for read in (cpu_millicores, bytes_):
        with pytest.raises(InvalidQuantity):
            read(text)


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (999, "999"), (1000, "1k"), (1500, "1500"), (2_000_000, "2M")])
def test_counts_are_written_as_the_api_server_writes_them(count: int, text: str) -> None:
    assert format_count(count) == text, "a read-back must compare equal"


@pytest.mark.parametrize(("written", "canonical"), [(format_cpu(1_000_000), "1k"), (format_bytes(2**50), "1Pi")])
def test_large_amounts_are_written_as_the_api_server_writes_them(written: str, canonical: str) -> None:
    assert written == canonical, "a read-back must compare equal"
