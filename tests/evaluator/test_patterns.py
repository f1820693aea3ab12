"""Patterns: where Rust's dialect differs from Python's, and the official core on generated patterns."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.patterns import MAX_ALPHABET, Pattern, find_pattern
from evaluator.patterns.characters import find_case_variants
from evaluator.patterns.grammar import read_pattern
from tests.conformance.single_condition import Question, answer_questions

ROWS = [
    # pattern, texts that match, texts that do not
    # anchors
    ("^abc$", ["abc"], ["abc\n", "xabc"]),
    ("(?m)^b$", ["a\nb\nc"], ["ab"]),
    (r"a\z", ["ba"], ["a\n"]),
    (r"a\Z", ["a", "a\n\n"], ["ab"]),
    (r"\Gb", ["bc"], ["ab"]),
    (r"a\Kb", ["ab"], ["b"]),
    (r"\b{start}b", ["a b"], ["ab"]),
    (r"\<b\>", ["a b c"], ["ab"]),
    (r"\Bb\b", ["ab"], ["b"]),
    # characters
    (r"\x41\x{e9}\u00e9\u{1F680}\U0001f680", ["Aéé🚀🚀"], ["A"]),
    (r"^\h+$", ["beef"], ["beefs"]),
    (r"^.$", ["é", "🚀"], ["\n", "ab"]),
    (r"^\O$", ["\n"], [""]),
    (r"\e\a\v", ["\x1b\x07\x0b"], ["eav"]),
    (r"\@\-\é", ["@-é"], ["\\@"]),
    # classes with a name
    (r"^\w+$", ["aé_9", "a\u0301", "Ⓐ", "٣", "\u200d"], ["²", "-"]),
    (r"^\d$", ["7", "٣"], ["²", "x"]),
    (r"^\s$", [" ", "\x85", "\u2003"], ["\x1c", "a"]),
    (r"^\pL\p{Nd}$", ["é7", "日٣"], ["77"]),
    (r"^\p{Uppercase Letter}\P{lu}$", ["Aa"], ["AA"]),
    (r"^\p{Greek}\p{sc=Cyrillic}\p{script!=Latin}$", ["αжb"], ["ажb", "αж1"]),
    (r"^\p{White_Space}\p{Alphabetic}$", [" é"], ["  "]),
    # classes in brackets
    ("^[]a]+$", ["]a"], ["b"]),
    ("^[^]a]$", ["b"], ["]", "a"]),
    ("^[-a]+[a-]+$", ["-aa-"], ["b"]),
    ("^[[:alpha:]_]+$", ["a_Z"], ["é", "1"]),
    ("^[[:^digit:]]$", ["é", "a"], ["1"]),
    ("^[a-z&&[^aeiou]]+$", ["xyz"], ["a"]),
    ("^[a-z--[a-c]]+$", ["xyz"], ["a"]),
    ("^[a-c~~b-d]+$", ["ad"], ["b"]),
    ("^[[a-c]x[0-9&&[^5]]]+$", ["bx6"], ["5"]),
    (r"^[\d\-\]\x41-\x43\b]+$", ["1-]B\x08"], ["D"]),
    # repetitions
    ("^a{,2}$", ["", "aa"], ["aaa"]),
    ("^a{1,2}{3}$", ["a{3}"], ["aaa"]),
    ("a{ 2 }", ["a{ 2 }"], ["aa"]),
    ("{", ["{"], [""]),
    ("^a*+a", [], ["aa"]),
    ("^a{2}+$", ["aa"], ["a", "aaaa"]),
    ("^*$", ["", "a"], []),
    ("(?U)^(a+)(?<=^a)", ["aaa"], ["b"]),
    # flags
    ("(?i)straße", ["STRAßE", "straẞe"], ["STRASSE"]),
    ("(?i)k[s]", ["Kſ", "ks"], ["kz"]),
    ("(?i)i", ["I"], ["İ", "ı"]),
    ("(?i)[^k]", ["x"], ["K", "\u212a"]),
    ("((?i)a)b", ["AB"], ["cd"]),
    ("(?i:a)b", ["Ab"], ["AB"]),
    ("(?x) a b # both\n c", ["abc"], ["a b c"]),
    ("a(?#not (b\\))c", ["ac"], ["abc"]),
    ("(?s-i).", ["\n"], [""]),
    # groups, references, looking around
    (r"(?P<n>a|b)(?P=n)", ["bb"], ["ab"]),
    (r"(?<n>a|b)\k<n>", ["aa"], ["ba"]),
    (r"(?'n'a)\k'n'", ["aa"], ["a"]),
    (r"(a)(b)\k<-1>", ["abb"], ["aba"]),
    (r"(a\1)", [], ["aa"]),
    ("(?>a+)b", ["aab"], ["aa"]),
    ("(?<=a|bc)d", ["ad", "bcd"], ["cd"]),
    (r"(?<=\d\s*)b", ["1b", "1   b"], ["b", "x b"]),
    ("(?<!a+)b", ["cb", "b"], ["aab"]),
    ("^(a)?(?(1)b|c)$", ["ab", "c"], ["ac", "b"]),
    ("^(?(a)b|cd)$", ["ab", "cd"], ["b", "ad"]),
    ("^(?((a))b|cd)$", ["ab", "cd"], ["b", "ad"]),
]


@pytest.mark.parametrize(("pattern", "matching", "other"), ROWS)
def test_pattern_matches_as_rust_does(pattern: str, matching: list[str], other: list[str]) -> None:
    search = find_pattern(pattern)
    assert search is not None
    assert [text for text in matching + other if search(text)] == matching


def test_rows_are_what_the_official_core_says() -> None:
    pairs = [(row[0], text, text in row[1]) for row in ROWS for text in row[1] + row[2]]
    answers = ask_core([(pattern, text) for pattern, text, _ in pairs])
    assert [pair for pair, answer in zip(pairs, answers, strict=True) if answer != pair[2]] == []


REFUSED = [
    # not Rust
    *(r"\R", r"\X", r"\Q", r"\y", r"(?-u)a", r"(?i-u)a", r"(?R)a", r"(?L)a", r"\b{no}", r"\B{start}"),
    # not closed, nothing to repeat
    *(
        "(",
        ")",
        "[",
        "[a",
        "[[a]",
        "(?",
        "(?i",
        "a(?#",
        "\\",
        "*",
        "a**",
        "(?i)*",
        "(?=a)+",
        r"\K*",
        "(?)",
        "(?-)",
        "(?(?=a)b|c)",
    ),
    # classes
    *("[]", "[b-a]", r"[\w-z]", r"[a-\d]", r"[\1]", r"[\Z]", r"[\y]", r"\p", r"\p{", r"\p{Nonsense}", "[[]a]"),
    # numbers
    *("a{3,2}", r"\x4", r"\x{}", r"\x{110000}", r"\ud800", r"\x{123456789}"),
    # references
    *(r"\0", r"\1", r"(a)\2", r"(?<n>a)\1", r"\k<n>", r"\k<n>(?<n>a)", r"(?<n>a)\g<n>", "(?P>n)", "(?<>a)"),
    # looking behind for something hard of unknown width
    *(r"(?<=a+\b)b", r"(a)(?<=\1*)b"),
    # too large
    *(r"^\w{1,255}$", "(?:a{1000}){1000}", r"[\w.-]{300}@"),
]


@pytest.mark.parametrize("pattern", REFUSED)
def test_pattern_that_the_core_would_not_compile_is_not_found(pattern: str) -> None:
    assert find_pattern(pattern) is None


def test_refused_patterns_match_nothing_in_the_official_core() -> None:
    # An empty alternative would match if the pattern compiled. It also hides a number beside a named group.
    with_alternative = [f"{pattern}|" for pattern in REFUSED if pattern != r"(?<n>a)\1"]
    assert not any(ask_core([(pattern, "") for pattern in with_alternative] + [(pattern, "a") for pattern in REFUSED]))


def test_large_repetition_is_found_while_the_core_compiles_it() -> None:
    assert find_pattern(r"^\w{1,128}$") is not None
    assert find_pattern(r"^[a-z0-9]{1,5000}$") is not None


def test_alphabet_grows_with_the_texts_and_stays_bounded() -> None:
    pattern = Pattern(read_pattern(r"^[^\w]$"))
    for code in range(0x100, 0x500):
        pattern.search(chr(code))
    assert len(pattern._alphabet) <= MAX_ALPHABET + 1
    assert pattern.search("☃")
    assert not pattern.search("ж")


def test_case_variants_are_the_same_from_each_of_them() -> None:
    for code in range(0x2000):
        variants = find_case_variants(chr(code))
        assert all(find_case_variants(one) == variants for one in variants)


@given(st.text())
def test_any_text_is_a_pattern_or_not_one(pattern: str) -> None:
    search = find_pattern(pattern)
    if search is not None:
        search("text é")


@given(st.text())
def test_escaped_text_finds_itself(text: str) -> None:
    search = find_pattern("".join(f"\\x{{{ord(character):x}}}" for character in text))
    assert search is not None
    assert search(f"before{text}after")


def ask_core(pairs: list[tuple[str, str]]) -> list[bool]:
    """Ask the official core whether each pattern matches its text."""
    return answer_questions(
        [
            Question({"userID": "ada", "custom": {"text": text}}, "user_field", "text", "str_matches", pattern)
            for pattern, text in pairs
        ]
    )


ATOMS = re.split(
    r"\s+",
    r"""
    a b A é ß ſ K k 1 _ - . \d \w \s \D \W \S \h \n \x41 \u00e9 \pL \p{Lu} \P{L} \p{Greek} [abc] [^abc] [a-z]
    [a-z&&[^b]] [\w&&[^\d]] [[:alpha:]_] [[:^digit:]] [a~~b] [\w-] [-a] []a] [^]a] [\d\s] [^\W_] [[a-c]x]
    \b \B ^ $ \A \z \Z \G \K \O \b{start} \b{end} \@ \é { } ] a{2} a{1,3} a{,2} {2} (?#x) \1 \2 \k<n>
    (?i) (?s) (?m) (?x) (?U) (?-i) \R (?<=a) (?<!b) (?=b) (?!c) (?<=ab|c) (?<=a+) (?<=\d\s?) İ ı 🚀 μ µ 日 ٣ ²
    """.strip(),
)
OPENINGS = ["(", "(", "(?:", "(?i:", "(?P<n>", "(?<n>", "(?>", "(?=", "(?!", "(?<=", "(?<!", "(?s:", "(?m-i:"]
REPETITIONS = ["*", "+", "?", "*?", "+?", "{2}", "{0,1}", "{1,2}", "{2,}", "*+", "++"]
TEXTS = [*"abcABéßẞſKks12_- .]{İiı🚀μµΩ日٣²Ⓐ", "\n", "\r", "\t", "ab", "aab", "abc", "\u0301", "\x1c", "\x85", "\u200d"]


def make_pattern(choose: random.Random, depth: int) -> str:
    kind = choose.random() if depth else 0
    if kind < 0.45:
        return choose.choice(ATOMS)
    if kind < 0.65:
        return make_pattern(choose, depth - 1) + choose.choice(["", "", "|"]) + make_pattern(choose, depth - 1)
    if kind < 0.83:
        return f"{choose.choice(OPENINGS)}{make_pattern(choose, depth - 1)})"
    if kind < 0.98:
        return make_pattern(choose, depth - 1) + choose.choice(REPETITIONS)
    return choose.choice("([)\\?*") + make_pattern(choose, depth - 1)


def test_pattern_agrees_with_the_official_core_on_generated_patterns() -> None:
    choose = random.Random(4)
    pairs = [
        (pattern, "".join(choose.choices(TEXTS, k=choose.randrange(7))))
        for pattern in ("".join(make_pattern(choose, 2) for _ in range(choose.randrange(1, 4))) for _ in range(700))
        for _ in range(5)
    ]
    searches = {pattern: find_pattern(pattern) for pattern, _ in pairs}
    different = [
        (pattern, text, answer)
        for (pattern, text), answer in zip(pairs, ask_core(pairs), strict=True)
        if answer != bool((search := searches[pattern]) and search(text))
    ]
    assert different == []
