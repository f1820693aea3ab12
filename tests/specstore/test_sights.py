"""Sights say what keys that are held to a part of a spec may look for; a spec without such keys has none."""

import json
from typing import Any

import cbor2
import pytest

from evaluator.decode import decode_project
from specstore.cut import Cut, cut_project, digest_page
from specstore.frame import MANIFEST, InvalidEntry, seal
from specstore.manifest import decode_manifest, encode_manifest, make_manifest
from specstore.pages import decode_page, read_whole
from specstore.sights import ALL_LAYERS, name_app, sees
from tests.edge.project import project
from tests.specstore.documents import config, document, gate

TABLE = {"hashed_sdk_keys_to_app_ids": {"1": "shop"}}
LISTS = {"hashed_sdk_keys_to_entities": {"1": {"gates": ["a"]}}}


def cut(**sections: Any) -> Cut:
    return cut_project(decode_project(document(**sections)))


def seen(made: Cut, name: str, kind: str = "gate") -> set[str]:
    """Which of some names a sight has, read as a reader does."""
    manifest = decode_manifest(encode_manifest(make_manifest(made)))
    digest = manifest.sights[name]
    assert digest in manifest.list_pages()  # or collectors would take it
    page = decode_page({digest_page(one): one for one in made.further}[digest])
    assert read_whole(page) == {}
    return {one for one in ("a", "b", "c", 'a" "b', "日本") if sees(page, kind, one)}


def test_sight_of_an_app_has_the_entities_that_name_it() -> None:
    gates = {"a": gate(targetAppIDs=["shop", "other"]), "b": gate(), 'a" "b': gate(targetAppIDs=["other", "other"])}
    configs = {"c": config(targetAppIDs=["shop"]), "日本": config(targetAppIDs=["shop"])}
    made = cut(feature_gates=gates, dynamic_configs=configs, **TABLE)
    assert seen(made, name_app("shop")) == {"a"}
    assert seen(made, name_app("shop"), "config") == {"c", "日本"}
    assert seen(made, name_app("other")) == {"a", 'a" "b'}
    assert set(made.sights) == {name_app("shop"), name_app("other"), ALL_LAYERS}


def test_keys_with_a_list_have_a_sight_of_all_layers() -> None:
    made = cut(feature_gates={"a": gate()}, layer_configs={"b": config()}, **LISTS)
    assert set(made.sights) == {ALL_LAYERS}
    assert (seen(made, ALL_LAYERS, "layer"), seen(made, ALL_LAYERS)) == ({"b"}, set())


def test_spec_that_holds_no_key_to_a_part_has_no_sights_and_says_nothing_of_them() -> None:
    made = cut(feature_gates={"a": gate(targetAppIDs=["shop"])})
    assert (made.sights, made.further) == ({}, ())
    assert b"sights" not in encode_manifest(make_manifest(made))


def test_two_apps_that_see_the_same_share_a_page() -> None:
    made = cut(feature_gates={"a": gate(targetAppIDs=["shop", "other"])}, **TABLE)
    assert made.sights[name_app("shop")] == made.sights[name_app("other")]
    assert (len(made.further), len(made.sights)) == (2, 3)


@pytest.mark.parametrize("apps", [None, [1, None, ["shop"]], []])
def test_apps_that_are_no_names_see_nothing(apps: object) -> None:
    assert set(cut(dynamic_configs={"a": config(targetAppIDs=apps)}, **TABLE).sights) == {ALL_LAYERS}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({}, False),
        ({"app_id": "shop"}, True),
        ({"app_id": None, "sdk_keys_to_app_ids": {}}, False),
        ({"sdk_keys_to_app_ids": {"key": "shop"}}, True),
        (TABLE, True),
    ],
)
def test_keys_belong_to_apps_by_a_table_or_with_the_whole_spec(head: dict[str, object], expected: bool) -> None:
    made = cut(feature_gates={"a": gate(targetAppIDs=["shop"])}, **head)
    assert bool(made.sights) is expected


def test_bandit_goes_before_the_config_of_its_name() -> None:
    bandits = {"a": project()["cmab_configs"]["bandit_a"]}  # type: ignore[index]  # of app_a
    made = cut(dynamic_configs={"a": config(targetAppIDs=["app_b"])}, cmab_configs=bandits, **TABLE)
    assert seen(made, name_app("app_a"), "config") == {"a"}
    assert name_app("app_b") not in made.sights


@pytest.mark.parametrize("sights", [{"app shop": "x"}, {"app shop": 1}, []])
def test_sights_that_are_no_digests_are_refused(sights: object) -> None:
    text = json.dumps({"document": {}, "pages": 1, "counts": {}, "has_mapping": False, "sights": sights})
    entry = seal(MANIFEST, cbor2.dumps([None, text.encode()]), bytes(32))
    with pytest.raises(InvalidEntry, match=r"manifest\[1\]\.sights"):
        decode_manifest(entry)
