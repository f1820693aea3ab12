"""JSON Schemas of what requests and replies hold, for the OpenAPI document.

They say what is promised, not how it is checked: a handler reads its input strictly and refuses with a sentence. What
comes from a spec, such as the values of configs, is any JSON object.
"""

from collections.abc import Mapping
from typing import Final

from edge.calls import Schema

ANY: Final[Schema] = {}
NOTHING: Final[Schema] = {"not": {}}
TEXT: Final[Schema] = {"type": "string"}
NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 500}
NUMBER: Final[Schema] = {"type": "number"}
INTEGER: Final[Schema] = {"type": "integer"}
SWITCH: Final[Schema] = {"type": "boolean"}
OBJECT: Final[Schema] = {"type": "object"}
MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
MAYBE_OBJECT: Final[Schema] = {"type": ["object", "null"]}
MAYBE_LIST: Final[Schema] = {"type": ["array", "null"], "items": OBJECT}


def an_object(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    """Return the schema of an object that may hold more than is named."""
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def one_of(schema: Schema, *choices: Schema) -> Schema:
    """Return a schema of which just one of these choices holds too."""
    return {**schema, "oneOf": list(choices)}


def a_list(items: Schema, **limits: int) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items, **limits}


def a_map(values: Schema) -> Schema:
    """Return the schema of an object with names of its own."""
    return {"type": "object", "additionalProperties": values}


USER: Final = an_object(
    {},
    userID=ANY,
    customIDs=MAYBE_OBJECT,
    email=ANY,
    ip=ANY,
    userAgent=ANY,
    country=ANY,
    locale=ANY,
    appVersion=ANY,
    custom=MAYBE_OBJECT,
    privateAttributes=MAYBE_OBJECT,
    statsigEnvironment=MAYBE_OBJECT,
)
METADATA: Final[Schema] = {
    "description": "an object; exposureLoggingDisabled: true logs no exposure; stableID is for a user that has none"
}
ERROR: Final = an_object({"error": TEXT, "message": TEXT})
SUCCESS: Final = an_object({"success": SWITCH})
