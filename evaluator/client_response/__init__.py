"""The client initialize response: every spec evaluated for one user, names hashed, as JSON text.

`response` puts it together. `sections` says which entities it holds, `entries` what is said of each; `v1`, `v2` and
`init_v2` are the formats, `texts` writes JSON. What does not depend on the user is written once and kept with the
project (`kept`): a response is then mostly evaluation and joining of texts. Measured in the component, writing the same
as one object through one JSON encoder costs ten times as much.
"""

from evaluator.client_response.kept import find_key, identify, is_lasting
from evaluator.client_response.options import FORMATS, ResponseOptions, find_target_app
from evaluator.client_response.response import (
    Parts,
    hash_private_attributes,
    join_parts,
    write_client_entry,
    write_client_response,
    write_response_parts,
)

__all__ = [
    "FORMATS",
    "Parts",
    "ResponseOptions",
    "find_key",
    "find_target_app",
    "hash_private_attributes",
    "identify",
    "is_lasting",
    "join_parts",
    "write_client_entry",
    "write_client_response",
    "write_response_parts",
]
