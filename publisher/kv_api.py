"""A KV store through Fastly's API.

The paths, `prefix`, `cursor` and `limit`, the `generation` header and its condition are those of Fastly's reference for
KV store items. A value is written only when it is new with `add=true`, which answers 412 otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

import httpx

from publisher.exit_codes import Failed

API = "https://api.fastly.com"
LIST_LIMIT = 1000


class StoreProblem(Failed):
    """The API did not do what it was asked; the text says what it answered."""


class Item(NamedTuple):
    """A value with the generation that tells it from an earlier one."""

    value: bytes
    generation: str


@dataclass(frozen=True, slots=True)
class KvApi:
    """One KV store; the client carries the address and the token."""

    client: httpx.Client
    store_id: str

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield every key with a prefix."""
        cursor = ""
        while True:
            asked: dict[str, str | int] = {"prefix": prefix, "limit": LIST_LIMIT, "consistency": "strong"}
            answer = self._ask("GET", "", params=asked | ({"cursor": cursor} if cursor else {}))
            document = answer.json()
            yield from document["data"]
            cursor = document["meta"].get("next_cursor") or ""
            if not cursor:
                return

    def find(self, key: str) -> Item | None:
        """Return a value; None when the key is not there."""
        answer = self._ask("GET", key, allowed=(404,))
        return None if answer.status_code == 404 else Item(answer.content, answer.headers.get("generation", ""))

    def write(self, key: str, value: bytes, seen: Item | None, *, is_conditional: bool = False) -> bool:
        """Write a value, on condition only if nobody has written since it was seen; tells whether it was written."""
        headers = {"if-generation-match": seen.generation} if is_conditional and seen else {}
        params = {"add": "true"} if is_conditional and seen is None else {}
        answer = self._ask("PUT", key, content=value, headers=headers, params=params, allowed=(412,))
        return answer.status_code != 412

    def remove(self, key: str) -> None:
        """Delete a key, whether it is there or not."""
        self._ask("DELETE", key, allowed=(404,))

    def _ask(
        self,
        method: str,
        key: str,
        *,
        params: dict[str, str | int] | dict[str, str] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        allowed: tuple[int, ...] = (),
    ) -> httpx.Response:
        path = f"/resources/stores/kv/{quote(self.store_id)}/keys" + (f"/{quote(key, safe='')}" if key else "")
        try:
            answer = self.client.request(method, path, params=params, content=content, headers=headers)
        except httpx.HTTPError as problem:
            raise StoreProblem(f"Fastly's API does not answer: {problem}") from problem
        if answer.is_success or answer.status_code in allowed:
            return answer
        raise StoreProblem(f"Fastly's API answered {answer.status_code} to {method} of {key or 'the list of keys'}")
