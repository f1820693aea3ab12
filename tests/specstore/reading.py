"""A spec cut into a store of its own, and one question answered from it the way a reader does."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from evaluator.decode import decode_project
from evaluator.evaluation import Evaluation
from evaluator.project import Project
from evaluator.user import decode_user
from evaluator.view import UserView
from specstore.closure import Tables
from specstore.cut import cut_project, digest_page
from specstore.manifest import Manifest, decode_manifest, encode_manifest, make_manifest, start_project
from specstore.pages import decode_page, find_piece, read_whole
from tests.evaluator.builders import EVALUATE, NOW, deep_stack
from tests.facts import facts_of

type Json = dict[str, Any]

# An experiment is asked for like a config.
PAGE_KIND = {"gate": "gate", "config": "config", "experiment": "config", "layer": "layer"}


class Store(NamedTuple):
    """The entries of one spec, and the bodies a reader took from them."""

    manifest: Manifest
    pages: dict[bytes, bytes]


def store_project(project: Project) -> Store:
    """Cut a project, and write and read its manifest."""
    cut = cut_project(project)
    manifest = decode_manifest(encode_manifest(make_manifest(cut)))
    return Store(manifest, {digest_page(page): page for page in (*cut.pages, *cut.further, cut.rest)})


def read_project(store: Store, kind: str, name: str) -> Project:
    """Return a project that holds what one page says of one question, and nothing else."""
    project = start_project(store.manifest)
    page = decode_page(store.pages[store.manifest.find_page(PAGE_KIND[kind], name)])
    piece = find_piece(page, PAGE_KIND[kind], name)
    if piece is not None:
        project.grow(piece.sections)
        for digest in piece.further:
            project.grow(read_whole(decode_page(store.pages[digest])))
    return project


def evaluate(project: Project, kind: str, name: str, user: Json) -> Evaluation:
    """Answer one question."""
    with deep_stack():
        return EVALUATE[kind](UserView(project, decode_user(user), NOW), name)


def list_asked(project: Project) -> Iterator[tuple[str, str]]:
    """Yield every question that a project answers, configs both as configs and as experiments."""
    for kind, name in Tables(project).list_questions():
        yield kind, name
        if kind == "config":
            yield "experiment", name


def find_differences(document: Json, people: list[Json]) -> Iterator[str]:
    """Yield every answer that one page gives otherwise than the whole document."""
    whole = decode_project(document)
    store = store_project(whole)
    for kind, name in (*list_asked(whole), *((kind, "no such name") for kind in PAGE_KIND)):
        alone = read_project(store, kind, name)
        for user in people:
            expected, found = (facts_of(evaluate(one, kind, name, user)) for one in (whole, alone))
            if expected != found:
                yield f"{kind} {name!r} for {user}: {found} from its page, {expected} from the whole"
