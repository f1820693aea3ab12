"""The vectors of docs/spec-format.md are made by the code: `python -m tests.specstore.test_format_page` shows them."""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from zlib import crc32

from evaluator.decode import decode_project
from specstore.cut import HEAD_KEYS, cut_project, digest_page, find_page_number
from specstore.frame import LIST_DIGESTS, LIST_INDEX, LIST_SHARD, MANIFEST, PAGE
from specstore.idlists import IdList, find_member
from specstore.keys import (
    digests_key,
    list_index_key,
    manifest_key,
    overrides_key,
    page_prefix,
    retired_key,
    shard_prefix,
)
from specstore.manifest import OUR_METADATA, encode_manifest, make_manifest
from specstore.pages import LETTERS
from tests.specstore.documents import small_document

PAGE_OF_DOCS = (Path(__file__).resolve().parents[2] / "docs" / "spec-format.md").read_text(encoding="utf-8")
ENTITIES = (
    ("gate", "test_50_50"),
    ("config", "test_50_50"),
    ("layer", ""),
    ("gate", "segment:beta users"),
    ("gate", "日本"),
)
UNITS = ("a-user", "", "日本")
LIST = IdList("file-1", 1_700_000_000_000, 0, 0, 1024)


def make_vectors() -> Iterator[str]:
    """Every piece of text that the page must hold."""
    for kind, name in ENTITIES:
        numbers = [find_page_number(kind, name, pages) for pages in (1, 16, 512)]
        checksum = f"{crc32(f'{kind}/{name}'.encode()):08x}"
        yield (
            "| " + " | ".join((kind, f"`{json.dumps(name, ensure_ascii=False)}`", checksum, *map(str, numbers))) + " |"
        )
    for unit in UNITS:
        digest = hashlib.sha256(unit.encode()).digest()
        text = b64encode(digest).decode()[:8]
        assert find_member(text) == digest[:6]
        shards = [LIST._replace(shards=shards).find_shard(digest[:6]) for shards in (1, 16, 1024)]
        name = f"`{json.dumps(unit, ensure_ascii=False)}`"
        yield "| " + " | ".join((name, f"`{text}`", digest[:6].hex(), *map(str, shards))) + " |"
    yield f"    {LIST.name_edition('beta_users')}\n"
    document = small_document()
    cut = cut_project(decode_project(document))
    yield f"```json\n{json.dumps(document)}\n```"
    yield f"digest `{digest_page(cut.pages[0]).hex()}`"
    yield f"```text\n{cut.pages[0].decode('ascii')}\n```"
    manifest = encode_manifest(make_manifest(cut, generation=5))
    yield "```text\n" + "\n".join(wrap(manifest.hex(), 120)) + "\n```"


def test_the_page_on_the_format_has_the_vectors_that_the_code_makes() -> None:
    missing = [vector for vector in make_vectors() if vector not in PAGE_OF_DOCS]
    assert not missing


def test_the_page_on_the_format_names_every_kind_of_entry_key_letter_and_member() -> None:
    kinds = (MANIFEST, PAGE, LIST_INDEX, LIST_SHARD, LIST_DIGESTS)
    make_keys = (manifest_key, page_prefix, overrides_key, list_index_key, shard_prefix, retired_key)
    words = [f"`{kind.decode()}`" for kind in kinds] + [f"`{key}`" for key in HEAD_KEYS] + [f"`{OUR_METADATA}`"]
    words += [f"| `{letter}` |" for letter in LETTERS.values()] + [make("statsig-abc") for make in make_keys]
    words.append(digests_key("statsig-abc", "EDITION"))
    assert [word for word in words if word not in PAGE_OF_DOCS] == []


def test_the_page_on_the_format_has_no_letter_that_does_not_exist() -> None:
    assert set(re.findall(r"^\| `([A-Z])` \|", PAGE_OF_DOCS, re.MULTILINE)) == {*LETTERS.values(), "X"}


if __name__ == "__main__":
    print("\n".join(make_vectors()))
