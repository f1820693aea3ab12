"""The country of an address: our own rows, the shared cases, and the official core on odd texts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.country_table import CountryTable, decode_table, format_module, read_packaged_table, write_module
from evaluator.country import find_country
from tests.conformance.shared_cases import read_shared_cases
from tests.conformance.single_condition import answer_questions, expect_field

FAR = 2**40  # times 2**24 it is 2**64, so that it vanishes when a sum wraps around


@pytest.mark.parametrize(
    ("ip", "country"),
    [
        ("8.8.8.8", "US"),
        ("81.2.69.160", "GB"),
        ("133.11.0.1", "JP"),
        ("10.0.0.1", None),
        ("0.0.0.0", None),
        ("-1.8.8.8", None),
        # a part is any number: it carries over, and wraps around
        ("8.8.7.264", "US"),
        ("008.8.8.8", "US"),
        ("+8.8.8.8", "US"),
        (f"{FAR + 8}.8.8.8", "US"),
        ("0" * 5000 + "8.8.8.8", "US"),
        # beyond the table
        ("256.0.0.0", None),
        ("9999999999.0.0.0", None),
        # no address
        ("", None),
        ("8.8.8", None),
        ("8.8.8.8.8", None),
        ("8.8.8.", None),
        (" 8.8.8.8", None),
        ("8.8.8.٨", None),
        ("8.8.8.1_0", None),
        ("8.8.8.0x8", None),
        ("9" * 5000 + ".8.8.8", None),
        (f"8.8.8.{2**63}", None),
        ("2001:4860:4860::8888", None),
        ("::ffff:8.8.8.8", None),
    ],
)
def test_country_of_an_address(ip: str, country: str | None) -> None:
    assert find_country(ip) == country


def test_country_agrees_with_every_shared_case() -> None:
    different = [case for case in read_shared_cases("ip") if find_country(case.user["ip"]) != case.expected["country"]]
    assert different == []


@given(st.one_of(st.text(), st.lists(st.integers().map(str)).map(".".join)))
def test_country_is_two_letters_or_unknown_for_any_text(ip: str) -> None:
    country = find_country(ip)
    assert country is None or len(country) == 2


def make_part(choose: random.Random) -> str:
    odd = ["", "-0", "+", " 8", "٣", "8_8", "1e1", str(FAR + choose.randrange(256)), str(2**63 - 1), str(-(2**63))]
    return choose.choice([str(choose.randrange(256))] * 12 + [str(choose.randrange(-300, 1000)), *odd])


def is_beyond_the_table(ip: str) -> bool:
    """Say whether the official core would crash on an address, which `find_country` does not."""
    try:
        parts = list(map(int, ip.split(".")))
    except ValueError:
        return False
    total = sum(part << shift for part, shift in zip(parts, (24, 16, 8, 0), strict=True))
    return (total + 2**63) % 2**64 - 2**63 >= 2**32


def test_country_agrees_with_the_official_core_on_generated_addresses() -> None:
    choose = random.Random(4)
    addresses = (".".join(make_part(choose) for _ in range(4)) for _ in range(4000))
    ips = [ip for ip in addresses if not is_beyond_the_table(ip)]
    questions = [expect_field({"userID": "ada", "ip": ip}, "ip_based", "country", find_country(ip)) for ip in ips]
    answers = answer_questions(questions)
    assert [ip for ip, agrees in zip(ips, answers, strict=True) if not agrees] == []


def test_packed_table_is_decoded_into_rising_ends() -> None:
    packed = b"--USGB**" + bytes([5, 1]) + bytes([242, 0, 1, 2]) + bytes([243, 1, 0, 1, 0])
    assert decode_table(packed) == CountryTable((None, "US", "GB", "**"), [5, 261, 261 + 65537], bytes([1, 2, 0]))


def test_packaged_table_covers_every_address() -> None:
    table = decode_table(read_packaged_table())
    assert table.ends == sorted(table.ends)
    assert table.ends[-1] == 2**24


def test_table_module_is_written_only_when_it_changes(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("table") / "country_table.py"
    assert write_module(path)
    assert not write_module(path)
    assert path.read_text("ascii") == format_module(decode_table(read_packaged_table()))
