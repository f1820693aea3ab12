"""Both layouts of a spec answer what the official core answered, every kind of question, ID lists included."""

import pytest

from tests.component.vectors_over_http import FAMILIES, LAYOUTS, V1, compare_family
from tests.conformance.shared_cases import FOLDER

USERS = 4  # all of them, by hand: python -m tests.component.vectors_over_http

needs_vectors = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the conformance vectors beside the checkout")


@needs_vectors
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("family", "spec"), [*FAMILIES.items(), ("legacy_plain_text", V1)])
def test_every_answer_over_http_equals_the_vectors(family: str, spec: str, layout: str) -> None:
    found = compare_family(family, FOLDER / spec, layout, USERS)
    assert found.differences == []
    assert {"gate", "config", "experiment", "layer", "gcir"} == found.asked.keys()
    assert f"kv; layout={layout}" in found.sources
    assert found.sources <= {"kv; layout=paged", "kv; layout=raw"}
