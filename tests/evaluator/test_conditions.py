from itertools import product

import pytest

from evaluator.evaluate import evaluate_gate
from evaluator.operators import OPERATORS
from tests.evaluator.builders import (
    NOW,
    UNIT,
    Json,
    ask,
    condition,
    gate,
    meets,
    on_field,
    project,
    rule,
    user_bucket,
    view,
)

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"


def sees(field: str, text: str, user: Json, **options: object) -> bool:
    return meets(on_field(field, "eq", text), user, **options)


@pytest.mark.parametrize(
    ("field", "user", "text"),
    [
        ("email", {"email": "built-in", "custom": {"email": "custom"}}, "built-in"),
        ("EMAIL", {"email": "built-in"}, "built-in"),
        ("email", {"email": "", "custom": {"email": "custom"}}, "custom"),
        ("email", {"email": None, "custom": {"email": "custom"}}, "custom"),
        ("Plan", {"custom": {"Plan": "exact", "plan": "lower"}}, "exact"),
        ("Plan", {"custom": {"plan": "lower"}, "privateAttributes": {"Plan": "private"}}, "lower"),
        ("plan", {"privateAttributes": {"plan": "private"}}, "private"),
        ("plan", {"custom": {"plan": ""}, "privateAttributes": {"plan": "private"}}, ""),
        ("userID", {"userID": 12}, "12"),
        ("user_id", {"userID": "alias"}, "alias"),
        ("user_id", {"userID": "alias", "custom": {"user_id": "custom"}}, "custom"),
        ("app_version", {"appVersion": "1.2"}, "1.2"),
        ("user_agent", {"userAgent": ""}, ""),
    ],
)
def test_field_comes_from_the_first_place_that_has_it(field: str, user: Json, text: str) -> None:
    assert sees(field, text, user)


@pytest.mark.parametrize(
    ("field", "user"),
    [
        ("plan", {"custom": {"Plan": "upper"}}),
        ("plan", {"custom": {"plan": None}, "privateAttributes": {"plan": "private"}}),
        ("ip_address", {"ip": "1.2.3.4"}),
        ("customIDs", {"customIDs": {"a": "b"}}),
    ],
)
def test_field_is_missing(field: str, user: Json) -> None:
    assert meets(on_field(field, "eq", None), user)


def test_global_custom_fields_stand_between_custom_and_private() -> None:
    shared = {"plan": "global"}
    assert sees("plan", "global", {"privateAttributes": {"plan": "private"}}, global_custom=shared)
    assert sees("plan", "custom", {"custom": {"plan": "custom"}}, global_custom=shared)


def test_condition_without_a_field_sees_nothing() -> None:
    for kind in ("user_field", "ip_based", "ua_based", "environment_field"):
        assert meets(condition(kind, "eq", None), {"userID": "u", "ip": "8.8.8.8"})


@pytest.mark.parametrize(
    ("id_type", "user", "unit"),
    [
        ("userID", {"userID": "u"}, "u"),
        ("USERID", {"userID": "u"}, "u"),
        ("userID", {"customIDs": {"userID": "custom"}}, None),
        ("companyID", {"customIDs": {"companyID": "c"}}, "c"),
        ("companyID", {"customIDs": {"companyid": "lower"}}, "lower"),
        ("companyid", {"customIDs": {"companyID": "c"}}, None),
        ("companyID", {"customIDs": {"companyID": None, "companyid": "lower"}}, None),
    ],
)
def test_unit_ids(id_type: str, user: Json, unit: str | None) -> None:
    assert meets(condition("unit_id", "eq", unit, idType=id_type), user)


def test_user_bucket_is_compared_exactly() -> None:
    bucket = user_bucket("layer salt")
    salted = {"salt": "layer salt"}
    for operator, target, answer in (
        ("lt", bucket, False),
        ("lt", bucket + 1, True),
        ("gte", bucket, True),
        ("eq", bucket, True),
        ("any", [bucket], True),
        ("any", {str(bucket): True}, True),
        ("any", {"-1": True}, False),
        ("none", [bucket], False),
    ):
        one = condition("user_bucket", operator, target, additionalValues=salted)
        assert meets(one, {"userID": UNIT}) is answer


NO_BUCKETS: tuple[object, ...] = (
    {},
    [],
    {"-1": True},
    [-1],
    ["x", None],
    {"007": True},
    {"1000": True},
    {"٣": True},
    {"9" * 5000: True},
)
SOME_BUCKETS = ({"-1": True, "12": True}, [12, "13"], {str(number): True for number in range(500)})
NUMBERS: tuple[object, ...] = (-1, 0, 0.5, 1, 500, "500", 999, 999.5, 1000, 1e9, "nan", "x", None, [], True)
SETTLED = (
    *product(("lt", "gte", "gt", "lte"), (-1, 1000, 1e9, "nan", "x", None)),
    *product(("any", "none"), NO_BUCKETS),
    ("lt", 0),
    ("gt", 999),
)


def ask_naively(operator: str, target: object, bucket: int) -> bool:
    """Compare a bucket as any other value."""
    row = OPERATORS[operator]
    convert, test = row.prepare(target)
    return test(convert(bucket)) is row.wanted


@pytest.mark.parametrize(
    ("operator", "target"),
    [*product(("lt", "gte", "gt", "lte", "eq"), NUMBERS), *product(("any", "none"), (*NO_BUCKETS, *SOME_BUCKETS))],
)
def test_user_bucket_is_compared_like_any_value(operator: str, target: object) -> None:
    one = condition("user_bucket", operator, target, additionalValues={"salt": "s"})
    made = project({"g": gate(rule(one))})
    for number in range(50):
        unit = f"user {number}"
        expected = ask_naively(operator, target, user_bucket("s", unit))
        assert ask(made, "gate", "g", {"userID": unit}).value is expected, unit


@pytest.mark.parametrize(("operator", "target"), SETTLED)
def test_bucket_that_decides_nothing_is_not_hashed(operator: str, target: object) -> None:
    one = condition("user_bucket", operator, target, additionalValues={"salt": "s"})
    seen = view(project({"g": gate(rule(one, on_field("email", "any", ["a"])))}))
    evaluate_gate(seen, "g")
    assert not [known for known in seen.memo.values() if known == str(user_bucket("s")) or type(known) is float]


def test_user_bucket_without_salt_or_unit_hashes_empty_texts() -> None:
    assert meets(condition("user_bucket", "eq", user_bucket("", ""), additionalValues=None), {})
    assert meets(condition("user_bucket", "eq", user_bucket("", "")), {"userID": {"an": "object"}})


@pytest.mark.parametrize(
    ("user", "environment", "field", "tier"),
    [
        ({"statsigEnvironment": {"tier": "own"}}, {"tier": "shared"}, "tier", "own"),
        ({}, {"tier": "shared"}, "tier", "shared"),
        ({}, {"tier": "shared"}, "TIER", "shared"),
        ({"statsigEnvironment": {"tier": "own"}}, {"tier": "shared"}, "Tier", "shared"),
        ({}, None, "tier", "document"),
        ({}, {}, "tier", None),
    ],
)
def test_environment(user: Json, environment: Json | None, field: str, tier: str | None) -> None:
    one = condition("environment_field", "eq", tier, field=field)
    assert meets(one, user, environment=environment, changes={"default_environment": "document"})


@pytest.mark.parametrize(
    ("operator", "target", "answer"),
    [
        ("after", NOW - 1, True),
        ("after", NOW, False),
        ("before", NOW + 1, True),
        ("on", "2023-11-14T00:00:00Z", True),
        # Now has no view as a number or text, and equals null.
        ("gt", 0, False),
        ("eq", None, True),
        ("eq", str(NOW), False),
        ("any", [str(NOW)], False),
    ],
)
def test_current_time(operator: str, target: object, answer: bool) -> None:
    assert meets(condition("current_time", operator, target), {}) is answer


def test_target_app_is_the_documents_unless_options_name_another() -> None:
    one = condition("target_app", "any", ["shop"])
    assert meets(one, changes={"app_id": "shop"})
    assert not meets(one, changes={"app_id": "blog"})
    assert meets(one, app_id="shop", changes={"app_id": "blog"})
    assert not meets(one)


@pytest.mark.parametrize(
    ("user", "country"),
    [
        ({"ip": "8.8.8.8"}, "US"),
        ({"ip": "8.8.8.8", "country": "DE"}, "DE"),
        ({"ip": "nonsense"}, None),
        ({}, None),
    ],
)
def test_country_is_looked_up_when_nobody_has_it(user: Json, country: str | None) -> None:
    assert meets(condition("ip_based", "eq", country, field="country"), user)


def test_only_the_field_country_is_looked_up_by_address() -> None:
    assert meets(condition("ip_based", "eq", None, field="Country"), {"ip": "8.8.8.8"})


def test_user_agent_is_parsed_when_nobody_has_the_field() -> None:
    one = condition("ua_based", "eq", "Windows", field="os_name")
    assert meets(one, {"userAgent": WINDOWS})
    assert not meets(one, {"userAgent": WINDOWS, "custom": {"os_name": "mine"}})
    assert not meets(one, {})


def test_public_ignores_its_operator() -> None:
    assert meets(condition("public", "unheard of", 1), {})
