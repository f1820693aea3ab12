"""User agents: our own rows, the shared cases, and the official core on generated texts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.user_agent import UserAgent, find_user_agent_field, parse_user_agent
from evaluator.user_agent.words import PHRASES, PRODUCTS
from tests.conformance.shared_cases import read_shared_cases
from tests.conformance.single_condition import answer_questions, expect_field

WEBKIT = "AppleWebKit/600.1 (KHTML, like Gecko)"
MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 11_2_3) {WEBKIT}"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 15_1 like Mac OS X) {WEBKIT}"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT}"
PIXEL = f"Mozilla/5.0 (Linux; Android 13; Pixel 7) {WEBKIT}"


@pytest.mark.parametrize(
    ("text", "os_name", "os_version", "browser_name", "browser_version"),
    [
        ("", "Other", "0.0.0", "Other", "0.0.0"),
        # systems
        (f"{WINDOWS} Chrome/99.1.2.3 Safari/600.1", "Windows", "10", "Chrome", "99.1.2.3"),
        ("Opera/9.80 (Windows NT 6.2) Presto/2.1", "Windows", "0.0.0", "Opera", "9.80"),
        ("Weather (Windows XP)", "Windows", "0.0.0", "Other", "0.0.0"),
        ("Weather (Windows Phone 8.1)", "Windows Phone", "8.1", "Other", "0.0.0"),
        ("Weather (X11; CrOS x86_64 14541.0.0)", "Chrome OS", "14541.0.0", "Other", "0.0.0"),
        ("Weather (X11; Linux x86_64)", "Linux", "0.0.0", "Other", "0.0.0"),
        ("Weather (X11; Ubuntu 22.04)", "Ubuntu", "22.04", "Other", "0.0.0"),
        ("Weather iOS 17.2", "iOS", "17.2", "Mobile Safari UI/WKWebView", "0.0.0"),
        ("AppleTV11,1/17.0", "ATV OS X", "0.0.0", "Other", "0.0.0"),
        ("Weather Red Hat", "Red Hat", "0.0.0", "Other", "0.0.0"),
        # browsers
        (f"{MAC} Version/14.1 Safari/600.1", "Mac OS X", "11.2.3", "Safari", "14.1"),
        (f"{IPHONE} Version/15.1 Mobile/15E1 Safari/600.1", "iOS", "15.1", "Mobile Safari", "15.1"),
        (f"{IPHONE} CriOS/99.0.1 Mobile/15E1 Safari/600.1", "iOS", "15.1", "Chrome Mobile iOS", "99.0.1"),
        (f"{MAC} EdgiOS/99.0 Version/15.0 Safari/600.1", "iOS", "0.0.0", "Edge Mobile", "99.0"),
        (f"{WINDOWS} Chrome/99.0 Safari/600.1 Edg/99.5", "Windows", "10", "Edge", "99.5"),
        (f"{WINDOWS} Chrome/99.0 YaBrowser/22.3.4.5", "Windows", "10", "Yandex Browser", "22.3.4"),
        (f"{PIXEL} Chrome/99.1 Mobile Safari/600.1", "Android", "13", "Chrome Mobile", "99.1"),
        (f"{PIXEL} Version/4.0 Chrome/99.1 Mobile Safari/600.1", "Android", "13", "Chrome Mobile WebView", "99.1"),
        (f"{PIXEL} Version/4.0 Mobile Safari/600.1", "Android", "13", "Android", "13"),
        (f"{PIXEL} SamsungBrowser/20.1 Chrome/99.1", "Android", "13", "Samsung Internet", "20.1"),
        ("Mozilla/5.0 (Android 12; Mobile; rv:98.0) Firefox/98.0", "Android", "12", "Firefox Mobile", "98.0"),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", "Windows", "7", "IE", "8.0"),
        ("Weather/3.2 CFNetwork/1399 Darwin/22.1.0", "iOS", "0.0.0", "Weather", "3.2"),
        ("NetworkingExtension/1 CFNetwork/1399", "iOS", "0.0.0", "CFNetwork", "0.0.0"),
        # bots: the first one counts, unless a browser with a version follows
        ("Mozilla/5.0 (compatible; Weatherbot/2.1; +http://w.example/bot)", "Other", "0.0.0", "Weatherbot", "2.1"),
        ("Weatherbot/2.1 Electron/20.0", "Other", "0.0.0", "Electron", "20.0"),
        ("Weather/my-crawler", "Other", "0.0.0", "crawler", "0.0.0"),
        # versions: the second part ends at what is no digit, a trailing mark counts for nothing
        ("Firefox/1.2b3.4.5.6", "Other", "0.0.0", "Firefox", "1.2.4.5"),
        ("Firefox/1.", "Other", "0.0.0", "Firefox", "1"),
        ("Firefox", "Other", "0.0.0", "Firefox", "0.0.0"),
    ],
)
def test_fields_of_a_user_agent(
    text: str, os_name: str, os_version: str, browser_name: str, browser_version: str
) -> None:
    assert parse_user_agent(text) == UserAgent(os_name, os_version, browser_name, browser_version)


@pytest.mark.parametrize("field", ["os_name", "osname", "osName", "OS_NAME"])
def test_field_is_found_in_any_spelling(field: str) -> None:
    assert find_user_agent_field(MAC, field) == "Mac OS X"


@pytest.mark.parametrize("field", ["", "os", "os name", "device_model", "browser-name"])
def test_no_other_field_is_found(field: str) -> None:
    assert find_user_agent_field(MAC, field) is None


def test_user_agent_of_more_than_1000_bytes_is_not_looked_at() -> None:
    assert find_user_agent_field("é" * 500, "os_name") == "Other"
    assert find_user_agent_field("é" * 500 + "a", "os_name") is None


def test_user_agent_agrees_with_every_shared_case() -> None:
    different = [
        (case.user["userAgent"], field)
        for case in read_shared_cases("ua")
        for field, value in case.expected.items()
        if find_user_agent_field(case.user["userAgent"], field) != value
    ]
    assert different == []


@given(st.text())
def test_any_text_gives_all_four_fields(text: str) -> None:
    parsed = parse_user_agent(text)
    assert parsed is None or all(isinstance(value, str) for value in parsed)


VERSIONS = ["1", "2.3", "4_5_6", "10.0", "6.1", "5.1", "1.2b3.4", "1.2.3.4.5", "NT", "XP", "7,8", ".", "..", "bot", "x"]
NAMES = [
    "Firefox",
    "Chrome",
    "Version",
    "Silk",
    "YaBrowser",
    "axios",
    "HeadlessChrome",
    "NetworkingExtension",
    "Weather",
]
NAMES += [
    "Somebot",
    "my-crawler",
    "OculusBrowser",
    "AndroidThing",
    "iPad8",
    "iPhone12",
    "Mac",
    "OS",
    "X",
    "é",
    "ab",
    "",
]


def make_user_agent(choose: random.Random) -> str:
    """Make a text of phrases, products and trimmings in any order."""
    names = NAMES + [phrase.words.replace("*", "") for phrase in PHRASES] + list(PRODUCTS)
    words = []
    for _ in range(choose.randrange(1, 12)):
        separator = choose.choice(["/", "/", " ", ":", ""])
        word = f"{choose.choice(names)}{separator}{choose.choice(VERSIONS)}"
        words.append(choose.choice([word, word, choose.choice(names), f"({word};", f"{word})", f"+{word}"]))
    return choose.choice([" ", "; ", ";"]).join(words)


def test_user_agent_agrees_with_the_official_core_on_generated_texts() -> None:
    choose = random.Random(4)
    questions = [
        expect_field({"userID": "ada", "userAgent": text}, "ua_based", field, find_user_agent_field(text, field))
        for text in (make_user_agent(choose) for _ in range(1500))
        for field in ("os_name", "os_version", "browser_name", "browser_version")
    ]
    answers = answer_questions(questions)
    different = [
        (question.user["userAgent"], question.field)
        for question, agrees in zip(questions, answers, strict=True)
        if not agrees
    ]
    assert different == []
