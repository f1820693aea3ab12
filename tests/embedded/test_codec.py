import pytest
from wasmtime import WasmtimeError

from devhost.embedded.selftest import MIXED, Echo, check_codec, fail_with, pass_through
from devhost.fastly.values import Case, Err

LIST = "i32 i32"

# types                                                    core           value
ECHOES = [
    Echo({"t": "bool"}, "i32", True),
    Echo({"t": "u8"}, "i32", 255),
    Echo({"t": "s8"}, "i32", -128),
    Echo({"t": "u16"}, "i32", 65535),
    Echo({"t": "s16"}, "i32", -32768),
    Echo({"t": "u32"}, "i32", (1 << 32) - 1),
    Echo({"t": "s32"}, "i32", -(1 << 31)),
    Echo({"t": "u64"}, "i64", (1 << 64) - 1),
    Echo({"t": "s64"}, "i64", -(1 << 63)),
    Echo({"t": "f32"}, "f32", 0.5),
    Echo({"t": "f64"}, "f64", 0.1),
    Echo({"t": "char"}, "i32", "🙂"),
    Echo({"t": "string"}, LIST, ""),
    Echo({"t": "string"}, LIST, "a\0ü🙂"),
    Echo({"t": "(list u8)"}, LIST, b""),
    Echo({"t": "(list u8)"}, LIST, bytes(range(256)) * 400),
    Echo({"t": "(list u32)"}, LIST, [1, 2, 3]),
    Echo({"t": "(list string)"}, LIST, ["a", "", "b"]),
    Echo({"t": "(list (tuple string string))"}, LIST, [("a", "b"), ("c", "d")]),
    Echo({"t": "(tuple u8 string)"}, "i32 i32 i32", (1, "x")),
    Echo({"t": "(option string)"}, "i32 i32 i32", "x"),
    Echo({"t": "(option string)"}, "i32 i32 i32", None),
    Echo({"t": '(enum "a" "b-c")'}, "i32", "b-c"),
    Echo({"t": '(flags "a" "b" "c")'}, "i32", frozenset({"a", "c"})),
    Echo({"t": '(flags "a" "b" "c")'}, "i32", frozenset()),
    Echo({"t": '(variant (case "a") (case "b" string))'}, "i32 i32 i32", Case("a")),
    Echo({"t": '(variant (case "a") (case "b" string))'}, "i32 i32 i32", Case("b", "x")),
    Echo({"t": '(record (field "a-b" u8) (field "c" (option u8)))'}, "i32 i32 i32", {"a-b": 1, "c": 2}),
    Echo({"t": "(result (option string) (error string))"}, "i32 i32 i32 i32", None),
    MIXED,
]


def name(echo: Echo) -> str:
    return f"{list(echo.types.values())[-1]} {str(echo.value)[:20]!a}"


@pytest.mark.parametrize("echo", ECHOES, ids=name)
def test_value_survives_as_a_result(echo: Echo) -> None:
    assert pass_through(echo, lambda value: value) == echo.value


@pytest.mark.parametrize("echo", ECHOES, ids=name)
def test_value_survives_as_an_error(echo: Echo) -> None:
    failed = pass_through(echo, fail_with)
    assert isinstance(failed, Err)
    assert failed.payload == echo.value


def test_body_gets_the_value() -> None:
    seen: list[object] = []

    def body(value: object) -> object:
        seen.append(value)
        return value

    pass_through(MIXED, body)
    assert seen == [MIXED.value]


@pytest.mark.parametrize(
    ("types", "core", "sent", "wrong", "message"),
    [
        ("u8", "i32", 1, 256, "256 is out of range"),
        ("u8", "i32", 1, -1, "-1 is out of range"),
        ("u8", "i32", 1, "1", "cannot carry"),
        ("bool", "i32", True, 1, "cannot carry"),
        ("(list u8)", "i32 i32", b"", "text", "cannot carry str"),
        ('(enum "a")', "i32", "a", "b", "'b' is none of"),
        ('(flags "a")', "i32", frozenset(), frozenset({"b"}), "are not all of"),
        ('(variant (case "a") (case "b"))', "i32", "a", "c", "'c' is no case of"),
        ("(tuple u8 u8)", "i32 i32", (1, 2), (1,), "shorter"),
    ],
)
def test_body_that_returns_a_wrong_value_traps(
    types: str, core: str, sent: object, wrong: object, message: str
) -> None:
    with pytest.raises(WasmtimeError, match=message):
        pass_through(Echo({"t": types}, core, sent), lambda _: wrong)


@pytest.mark.parametrize("problem", [KeyError("lost"), KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_body_that_raises_traps_with_the_name_of_what_it_raised(problem: BaseException) -> None:
    def body(_value: object) -> object:
        raise problem

    with pytest.raises(WasmtimeError, match=type(problem).__name__):
        pass_through(MIXED, body)


def test_codec_works_with_this_wasmtime() -> None:
    check_codec()
