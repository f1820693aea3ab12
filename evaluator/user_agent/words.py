"""The words that mean something in a user agent: phrases of whole words, and product names before a slash.

How far to step after a phrase is what the core does, seen from outside: several swallow one word more than they use.
"""

import re
from enum import Enum, auto
from typing import Literal, NamedTuple


class Slot(Enum):
    """Where a token goes besides the list of tokens. A candidate without a version is not one."""

    NONE = auto()
    OS = auto()
    BROWSER = auto()
    OS_AND_BROWSER = auto()


# What some words suggest when no token decides.
type Hint = Literal[
    "ios", "macos", "windows", "linux", "mobile", "safari", "huawei", "playstation", "cfnetwork", "crawler"
]


class Phrase(NamedTuple):
    """Words in a row and the token they make. `*` at the end of a word stands for any ending.

    A word starting with a digit, `version_at` words after the first, is the version and adds one to `step`; with
    `must_have_version` the phrase does not match without it. `glued` takes the rest of the first word as version.
    """

    words: str
    tag: str
    step: int
    slot: Slot = Slot.NONE
    hints: tuple[Hint, ...] = ()
    version_at: int = 0
    must_have_version: bool = False
    version: str | None = None
    glued: bool = False
    is_bot: bool = False


class Product(NamedTuple):
    """What the text before a slash makes of itself: a token unless `tag` is empty.

    `shows_ios` corrects a candidate `Mac OS X`: such browsers ask for desktop pages in its name.
    """

    tag: str
    slot: Slot = Slot.NONE
    hints: tuple[Hint, ...] = ()
    shows_ios: bool = False


# Phrases with the same first word are tried in this order, those ending in `*` after the others.
PHRASES = (
    Phrase("AppleTV*", "ATV OS X", step=2),
    Phrase("like Mac OS", "", step=4),
    Phrase("Mac OS X", "Mac OS X", step=3, slot=Slot.OS, hints=("macos",), version_at=3),
    Phrase("Mac OS", "Mac OS X", step=3, slot=Slot.OS, hints=("macos",), version_at=2),
    Phrase("iOS", "iOS", step=2, slot=Slot.OS, hints=("ios",), version_at=1),
    Phrase("iPadOS", "iOS", step=2, slot=Slot.OS, hints=("ios",), version_at=1),
    Phrase("iPhone OS", "iOS", step=2, slot=Slot.OS, version_at=2),
    Phrase("iPad*", "iPad", step=1, hints=("ios",), glued=True),
    Phrase("iPhone*", "iPhone", step=1, hints=("ios",), glued=True),
    Phrase("Apple-iPhone7C2*", "iPhone", step=1, hints=("ios",)),
    Phrase("CPU OS", "CPU OS", step=2, version_at=2),
    Phrase("CrOS", "Chrome OS", step=1, slot=Slot.OS, version_at=1, must_have_version=True),
    Phrase("CrOS", "Chrome OS", step=2, slot=Slot.OS, version_at=2),
    Phrase("CrKey", "Chromecast", step=1),
    Phrase("PlayStation", "PlayStation", step=1, hints=("playstation",)),
    Phrase("Android", "Android", step=1, slot=Slot.OS, version_at=1),
    Phrase("Windows Phone", "Windows Phone", step=2, slot=Slot.OS, version_at=2),
    Phrase("Windows* NT", "Windows", step=2, slot=Slot.OS, hints=("windows",), version_at=2, must_have_version=True),
    Phrase("Windows* XP*", "Windows", step=2, slot=Slot.OS, hints=("windows",), version="XP"),
    Phrase("Windows*", "Windows", step=1, slot=Slot.OS, hints=("windows",), version_at=1),
    Phrase("MSIE", "IE", step=1, slot=Slot.BROWSER, version_at=1),
    Phrase("Yahoo! Slurp", "Yahoo! Slurp", step=2),
    Phrase("Red Hat", "Red Hat", step=2),
    Phrase("Ubuntu", "Ubuntu", step=1, slot=Slot.OS, version_at=1),
    Phrase("Mobile", "Mobile", step=1, hints=("mobile",)),
    Phrase("Linux", "Linux", step=1, hints=("linux",)),
    Phrase("linux", "Linux", step=1, hints=("linux",)),
    Phrase("Nintendo 3DS", "NetFront NX", step=2),
    Phrase("like", "", step=1),
    Phrase("Better Uptime Bot", "Better Uptime Bot", step=1, is_bot=True),
    Phrase("Radius Compilance Bot", "Radius Compilance Bot", step=1, is_bot=True),
    Phrase("AdsBot-Google-Mobile", "AdsBot-Google", step=1, is_bot=True),
    Phrase("Uptime Monitoring Bot", "Uptime Monitoring Bot", step=1, is_bot=True),
)

PRODUCTS = {
    "Kindle": Product("Kindle", Slot.OS_AND_BROWSER),
    "FxiOS": Product("Firefox iOS", Slot.BROWSER),
    "EdgiOS": Product("Edge Mobile", Slot.BROWSER, shows_ios=True),
    "CriOS": Product("Chrome Mobile iOS", Slot.BROWSER, ("ios",), shows_ios=True),
    "GSA": Product("Google", Slot.BROWSER),
    "YisouSpider": Product("YisouSpider", Slot.BROWSER),
    "Edg": Product("Edge"),
    "Edge": Product("Edge"),
    "OPR": Product("Opera"),
    "SamsungBrowser": Product("Samsung Internet", Slot.BROWSER),
    "HuaweiBrowser": Product("HuaweiBrowser", hints=("huawei",)),
    "ChatGPT-User": Product("ChatGPT-User", Slot.BROWSER),
    "OAI-SearchBot": Product("OAI-SearchBot", Slot.BROWSER),
    "NX": Product("NetFront NX", Slot.BROWSER),
    "Electron": Product("Electron", Slot.BROWSER),
    "IEMobile": Product("IE Mobile", Slot.BROWSER),
    "Mobile": Product("Mobile", hints=("mobile",)),
    "Safari": Product("Safari", hints=("safari",)),
    "CFNetwork": Product("", hints=("cfnetwork", "ios")),
}

# A product name not listed above with one of these in it is a bot; in a version a crawler is only hinted at.
BOT = re.compile("[Bb]ot|[Cc]rawler")
CRAWLER_VERSION = "crawler"

# Products that make no token but replace any candidate for the operating system: this one poses as Linux.
OS_CLAIMS = {"OculusBrowser": "Android"}
