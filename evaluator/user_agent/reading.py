"""From the text of a user agent to tokens, candidates and hints.

Words are what stands between blanks and semicolons, with brackets and the like trimmed off; an empty word still holds
its place. At each place a phrase is tried first, then the word is taken as `product/version`.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from evaluator.user_agent.words import (
    BOT,
    CRAWLER_VERSION,
    OS_CLAIMS,
    PHRASES,
    PRODUCTS,
    Hint,
    Phrase,
    Product,
    Slot,
)

TRIMMED = '();,+_"'
SHORT_BYTES = 2  # words this short, in UTF-8, say nothing
_GAP = re.compile("[; ]")
_PRODUCT_END = re.compile("[/;:]")
_NO_MORE_WORDS = ("", "", "")
_DIGITS = frozenset("0123456789")


class Token(NamedTuple):
    """A name with the version written beside it."""

    tag: str
    version: str | None


@dataclass(slots=True)
class Reading:
    """All that naming needs to know of a user agent."""

    tokens: list[Token] = field(default_factory=list)
    os: Token | None = None
    browser: Token | None = None
    hints: set[Hint] = field(default_factory=set)
    has_bot: bool = False

    def add_phrase(self, phrase: Phrase, version: str | None) -> None:
        """Keep what a phrase says."""
        self.hints.update(phrase.hints)
        token = Token(phrase.tag, version)
        if phrase.is_bot:
            self._add_bot(token)
        elif phrase.tag:
            self._add_token(token, phrase.slot)

    def add_product(self, product: Product, version: str | None) -> None:
        """Keep what a known product says."""
        self.hints.update(product.hints)
        if product.shows_ios and self.os is not None and self.os.tag == "Mac OS X":
            self.os = Token("iOS", None)
        if product.tag:
            self._add_token(Token(product.tag, version), product.slot)

    def add_unknown(self, tag: str, version: str | None) -> None:
        """Keep a product that is not in the table: a bot, a crawler, a claim or just a token."""
        if BOT.search(tag):
            self._add_bot(Token(tag, version))
        elif version is not None and CRAWLER_VERSION in version:
            self.hints.add("crawler")
        elif tag in OS_CLAIMS:
            self.os = Token(OS_CLAIMS[tag], None)
        else:
            self.tokens.append(Token(tag, version))

    def _add_token(self, token: Token, slot: Slot) -> None:
        """Add a token; as a candidate the first operating system counts, and the last browser."""
        self.tokens.append(token)
        if token.version is None:
            return
        if slot in (Slot.OS, Slot.OS_AND_BROWSER) and self.os is None:
            self.os = token
        if slot in (Slot.BROWSER, Slot.OS_AND_BROWSER):
            self.browser = token

    def _add_bot(self, token: Token) -> None:
        """Make the first bot the browser; the address that bots leave often contains the word again."""
        if not self.has_bot:
            self.has_bot = True
            self.browser = token


def read_user_agent(user_agent: str) -> Reading:
    """Read all words from left to right."""
    words = [word.strip(TRIMMED) for word in _GAP.split(user_agent)]
    words += _NO_MORE_WORDS
    reading, at, end = Reading(), 0, len(words) - len(_NO_MORE_WORDS)
    while at < end:
        at += _read_word(reading, words, at) if words[at] else 1
    return reading


def _read_word(reading: Reading, words: list[str], at: int) -> int:
    """Read what starts at a word; return how many words to step on."""
    word = words[at]
    for phrase in _find_phrases(word):
        if _is_phrase(phrase, words, at):
            version, step = _find_version(phrase, words, at)
            reading.add_phrase(phrase, version)
            return step
    if len(word) > SHORT_BYTES or len(word.encode(errors="surrogatepass")) > SHORT_BYTES:
        _read_product(reading, word)
    return 1


def _read_product(reading: Reading, word: str) -> None:
    name, *rest = _PRODUCT_END.split(word, maxsplit=1)
    tag = name.strip(TRIMMED) or word
    version = rest[0].strip(TRIMMED) or None if rest else None
    product = PRODUCTS.get(tag)
    if product is None:
        reading.add_unknown(tag, version)
    else:
        reading.add_product(product, version)


def _find_phrases(word: str) -> tuple[Phrase, ...]:
    phrases = _BY_FIRST_WORD.get(word, ())
    return phrases + _WITH_ANY_ENDING if word.startswith(_BEGINNINGS) else phrases


def _is_phrase(phrase: Phrase, words: list[str], at: int) -> bool:
    if not all(map(_is_word, phrase.words.split(" "), words[at:])):
        return False
    return not phrase.must_have_version or words[at + phrase.version_at][:1] in _DIGITS


def _is_word(expected: str, word: str) -> bool:
    return word.startswith(expected[:-1]) if expected.endswith("*") else word == expected


def _find_version(phrase: Phrase, words: list[str], at: int) -> tuple[str | None, int]:
    """Find the version of a phrase and the step to take."""
    if phrase.glued:
        beginning = phrase.words.removesuffix("*")
        return words[at].split(beginning)[1].strip(TRIMMED) or None, phrase.step
    if phrase.version_at and words[at + phrase.version_at][:1] in _DIGITS:
        return words[at + phrase.version_at], phrase.step + 1
    return phrase.version, phrase.step


def _first_word(phrase: Phrase) -> str:
    return phrase.words.split(" ")[0]


_BY_FIRST_WORD = {
    word: tuple(phrase for phrase in PHRASES if _first_word(phrase) == word) for word in map(_first_word, PHRASES)
}
_WITH_ANY_ENDING = tuple(phrase for phrase in PHRASES if _first_word(phrase).endswith("*"))
_BEGINNINGS = tuple(_first_word(phrase).removesuffix("*") for phrase in _WITH_ANY_ENDING)
