"""What a user agent says about operating system and browser, told as the official core tells it.

Not the regular expressions of ua-parser, which Statsig's older SDKs use and which give other names, but the core's own
tokenizer: `reading.py` turns the text into tokens by the two tables of `words.py`, `naming.py` chooses the names and
versions. Its oddities are part of the contract, since customers' rules were written against its answers.
"""

from typing import NamedTuple

from evaluator.user_agent.naming import name_browser, name_os
from evaluator.user_agent.reading import read_user_agent

MAX_BYTES = 1000


class UserAgent(NamedTuple):
    """The four fields that a condition may ask for."""

    os_name: str
    os_version: str
    browser_name: str
    browser_version: str


FIELDS = {name: at for at, name in enumerate(UserAgent._fields)}
FIELDS |= {name.replace("_", ""): at for name, at in FIELDS.items()}


def parse_user_agent(user_agent: str) -> UserAgent | None:
    """Parse all fields at once; a text of more than 1000 bytes is not looked at."""
    if len(user_agent.encode(errors="surrogatepass")) > MAX_BYTES:
        return None
    reading = read_user_agent(user_agent)
    return UserAgent(*name_os(reading), *name_browser(reading))


def find_user_agent_field(user_agent: str, field: str) -> str | None:
    """Find `os_name`, `os_version`, `browser_name` or `browser_version`, spelt in any case, with or without the `_`."""
    at = FIELDS.get(field.lower())
    parsed = None if at is None else parse_user_agent(user_agent)
    return None if at is None or parsed is None else parsed[at]
