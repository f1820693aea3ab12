"""The text of a whole spec in each of its shapes, as server SDKs get it, kept from one request to the next.

Every server of a fleet asks for the same text. Writing that of a usual spec (272 KB) costs the component 40 million
instructions, and 10 to 46 million more when the spec has to change its shape; a kept one costs nearly none. Texts lie
with the project they are of, at most two, and go with it when a new spec comes.
"""

from typing import Final

from edge.messages import encode_json
from edge.spec.shapes import is_v1, to_v1, to_v2
from evaluator.project import Project

# A longer text is written anew each time: memory is short, and beside a text of this length lies its decoded spec.
MOST_BYTES: Final = 2_000_000


def find_text(project: Project, *, wants_v1: bool) -> bytes:
    """Return the document of a project that holds all of it, in the shape that is asked for."""
    key = f"text of v{1 if wants_v1 else 2}"
    text = project.kept.get(key)
    if not isinstance(text, bytes):
        text = write_text(project, wants_v1=wants_v1)
        if len(text) <= MOST_BYTES:
            project.kept[key] = text
    return text


def write_text(project: Project, *, wants_v1: bool) -> bytes:
    """Write the document in the shape that is asked for."""
    document = project.document
    if is_v1(document) is not wants_v1:
        document = to_v1(document) if wants_v1 else to_v2(document)
    return encode_json(document)
