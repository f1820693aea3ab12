"""From a reading to the names of operating system and browser, each with a version.

A candidate wins. Without one the tokens are searched in order, then the hints decide.
"""

import re

from evaluator.user_agent.reading import Reading, Token
from evaluator.user_agent.words import Hint

type Named = tuple[str, str]

NO_VERSION = "0.0.0"
OTHER: Named = ("Other", NO_VERSION)

_VERSION_MARK = re.compile("[_,.]")
_FROM_FIRST_NON_DIGIT = re.compile("[^0-9].*", re.DOTALL)

WINDOWS_RELEASES = {"5.1": "XP", "5.2": "XP", "6.0": "Vista", "6.1": "7", "6.3": "8.1", "10.0": "10"}
THREE_PART_TAGS = frozenset({"YaBrowser", "Opera", "NetFront NX"})

# Tokens that name the operating system, with or without their version; the last two say iOS if the hints are there.
OS_TOKENS = frozenset({"iOS", "Android", "Kindle", "Ubuntu"})
VERSIONLESS_OS_TOKENS = frozenset({"ATV OS X", "Chromecast", "Red Hat"})
HINTED_OS_TOKENS: dict[str, set[Hint]] = {"CPU OS": {"ios"}, "Version": {"ios", "macos"}}
OS_HINTS: dict[Hint, str] = {"ios": "iOS", "macos": "Mac OS X", "windows": "Windows", "linux": "Linux"}

# Tokens that decide on the browser at once: the name they give, and the name on a mobile device.
BROWSER_TOKENS = {
    "Firefox": ("Firefox", "Firefox Mobile"),
    "NetFront NX": ("NetFront NX", "NetFront NX"),
    "YaBrowser": ("Yandex Browser", "Yandex Browser"),
    "Edge": ("Edge", "Edge Mobile"),
    "Opera": ("Opera", "Opera Mobile"),
    "axios": ("axios", "axios"),
    "HeadlessChrome": ("HeadlessChrome", "HeadlessChrome"),
}


def name_os(reading: Reading) -> Named:
    """Name the operating system and its version."""
    if reading.os is not None:
        return reading.os.tag, format_version(reading.os)
    for token in reading.tokens:
        named = _name_os_token(token, reading.hints)
        if named is not None:
            return named
    return next(((name, NO_VERSION) for hint, name in OS_HINTS.items() if hint in reading.hints), OTHER)


def _name_os_token(token: Token, hints: set[Hint]) -> Named | None:
    tag = token.tag
    if tag in OS_TOKENS:
        return tag, format_version(token)
    if tag in VERSIONLESS_OS_TOKENS:
        return tag, NO_VERSION
    if tag in HINTED_OS_TOKENS and HINTED_OS_TOKENS[tag] <= hints:
        return "iOS", format_version(token)
    return ("Android", NO_VERSION) if tag.startswith("Android") else None


def name_browser(reading: Reading) -> Named:
    """Name the browser and its version."""
    if reading.browser is not None:
        return reading.browser.tag, format_version(reading.browser)
    for token in reading.tokens:
        named = _name_browser_token(token, reading.hints)
        if named is not None:
            return named
    tokens = {token.tag: token for token in reading.tokens}  # the last of each
    return (
        _name_chrome(tokens, reading.hints)
        or _name_app(reading)
        or _name_safari(tokens.get("Version"), reading.hints)
        or OTHER
    )


def _name_browser_token(token: Token, hints: set[Hint]) -> Named | None:
    tag = token.tag
    if tag in BROWSER_TOKENS:
        return BROWSER_TOKENS[tag]["mobile" in hints], format_version(token)
    if tag == "Yahoo! Slurp":
        return tag, NO_VERSION
    if tag == "Silk":
        return ("NetFront NX", NO_VERSION) if "playstation" in hints else ("Amazon Silk", format_version(token))
    return None


def _name_chrome(tokens: dict[str, Token], hints: set[Hint]) -> Named | None:
    """Name Chrome in its forms. An unversioned Chrome on Android is Android's own browser, as is no Chrome at all."""
    chrome, android = tokens.get("Chrome"), tokens.get("Android")
    if chrome is None or (chrome.version is None and android is not None and "Version" not in tokens):
        return None if android is None else ("Android", format_version(android))
    if "Version" in tokens:
        return "Chrome Mobile WebView", format_version(chrome)
    if "mobile" in hints and chrome.version is not None and "huawei" not in hints:
        return "Chrome Mobile", format_version(chrome)
    return "Chrome", format_version(chrome)


def _name_app(reading: Reading) -> Named | None:
    """Name an app that uses Apple's network library: it comes first, unless that is the extension's own name."""
    if "cfnetwork" not in reading.hints or not reading.tokens:
        return None
    first, *others = reading.tokens
    if first.tag != "NetworkingExtension":
        return first.tag, format_version(first)
    return "CFNetwork", format_version(others[0]) if others else NO_VERSION


def _name_safari(version: Token | None, hints: set[Hint]) -> Named | None:
    if "safari" in hints:
        is_mobile = "mobile" in hints and "macos" not in hints
        return "Mobile Safari" if is_mobile else "Safari", NO_VERSION if version is None else format_version(version)
    if "ios" in hints:
        return "Mobile Safari UI/WKWebView", NO_VERSION
    return ("crawler", NO_VERSION) if "crawler" in hints else None


def format_version(token: Token) -> str:
    """Write a token's version as up to four parts with dots; of the second only its leading digits."""
    if token.version is None:
        return NO_VERSION
    if token.tag == "Windows":
        return WINDOWS_RELEASES.get(token.version, NO_VERSION)
    parts = _VERSION_MARK.split(token.version)
    if parts[-1] == "":
        parts.pop()
    if len(parts) > 1:
        parts[1] = _FROM_FIRST_NON_DIGIT.sub("", parts[1])
    return ".".join(parts[: 3 if token.tag in THREE_PART_TAGS else 4])
