"""How long a server asks to be left alone: `Retry-After`, or Fastly's `Fastly-RateLimit-Reset`."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds until the server wants to be asked again, from headers in lower case; 0 without a wish.

    `Retry-After` has seconds or a date (RFC 9110, section 10.2.3), `Fastly-RateLimit-Reset` seconds since 1970. What is
    neither counts as no wish.
    """
    asked = headers.get("retry-after", "")
    if is_number(asked):
        return float(asked)
    if asked:
        try:
            return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
        except ValueError:
            return 0.0
    reset = headers.get("fastly-ratelimit-reset", "")
    return max(0.0, int(reset) - time.time()) if is_number(reset) else 0.0


def is_number(text: str) -> bool:
    """Tell whether a header is digits alone."""
    return text.isascii() and text.isdigit()
