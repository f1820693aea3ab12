"""Specs and ID lists to publish, and a reader that tells what a store answers."""

import json
from collections.abc import Mapping
from typing import Any

from publisher.publication.wanted import Layout, Wanted, prepare
from publisher.sources.pulled import Pulled, PulledList
from publisher.stores.port import Store
from specstore.cut import digest_page
from specstore.idlists import decode_index, decode_shard
from specstore.keys import list_index_key, manifest_key, page_key, shard_key
from specstore.manifest import answers_for, decode_manifest
from tests.edge.builders import document, gate

KEY = "statsig-test"
FIRST_TIME = 1_700_000_000_000


def make_spec(number: int, *, gates: int = 60) -> dict[str, Any]:
    """Spec number N: two gates that say whether N is even, and others that make several pages of it."""
    share = 100.0 if number % 2 == 0 else 0.0
    filling = {f"gate_{index}": gate(defaultValue=False, note="x" * 2_000) for index in range(gates)}
    return document(FIRST_TIME + number, left=gate(share), right=gate(share), **filling)


def make_list(count: int, *, salt: int = 1, file_id: str = "file-1") -> PulledList:
    """A list as Statsig hands it out: each unit by the first 8 characters of a hash."""
    numbers = (number * 2_654_435_761 * salt % 2**48 for number in range(1, count + 1))
    lines = "".join(f"+{encode_member(number)}\n" for number in numbers)
    return PulledList(file_id, FIRST_TIME, lines.encode())


def encode_member(number: int) -> str:
    """The 8 characters of base64 that 6 bytes have."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return "".join(alphabet[number >> shift & 63] for shift in range(42, -1, -6))


def make_pulled(number: int, lists: Mapping[str, PulledList] | None = None, *, gates: int = 60) -> Pulled:
    """Spec number N as it was pulled."""
    return Pulled(json.dumps(make_spec(number, gates=gates)).encode(), lists, f"spec {number}")


def make_wanted(
    number: int, lists: Mapping[str, PulledList] | None = None, *, layout: Layout = Layout.BOTH, gates: int = 60
) -> Wanted:
    """Spec number N to be published."""
    return prepare(make_pulled(number, lists, gates=gates), KEY, layout)


def read_answering(store: Store, key: str = KEY) -> tuple[str, int]:
    """Which form answers, and the number of its spec; raises when neither can, as no reader may ever see."""
    raw, item = store.find(key), store.find(manifest_key(key))
    if item is not None:
        manifest = decode_manifest(item.value)
        generation = None if raw is None else int(raw.generation) if raw.generation.isdigit() else 0
        if answers_for(manifest, generation, None if raw is None else raw.metadata):
            for digest in manifest.list_pages():
                page = store.find(page_key(key, digest))
                assert page is not None, "a page of the manifest is missing"
                assert digest_page(page.value) == digest
            return "pages", manifest.time - FIRST_TIME
    assert raw is not None, "there is no spec"
    return "raw", json.loads(raw.value)["time"] - FIRST_TIME


def read_lists(store: Store, key: str = KEY) -> dict[str, bytes]:
    """The members of each published list, joined; raises when a shard is missing or damaged."""
    index = store.find(list_index_key(key))
    found = {}
    for name, about in ({} if index is None else decode_index(index.value)).items():
        shards = [store.find(shard_key(key, about.name_edition(name), number)) for number in range(about.shards)]
        found[name] = b"".join(decode_shard(one.value) for one in shards if one is not None)
        assert None not in shards
    return found
