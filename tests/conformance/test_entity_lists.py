"""Lists of entities for a key: the official core knows none, so client responses are narrowed in the edge alone.

When this fails, the core has learned of them: compare what it does with `edge/callers/sight.py`.
"""

import time
from typing import Any

from evaluator.client_response import ResponseOptions, find_target_app, write_client_response
from evaluator.decode import decode_project
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.conformance.official_core import Json, OfficialCore
from tests.edge.project import project

USER = {"userID": "u"}
NAMED = ("feature_gates", "dynamic_configs", "layer_configs")


def project_for_core() -> Json:
    """The project with what the core insists on."""
    made = project()
    conditions: Any = made["condition_map"]
    needed = {"additionalValues": {}, "idType": "userID"}
    filled = {key: {**needed, **one} for key, one in conditions.items()}
    return {**made, "condition_map": filled, "experiment_to_layer": {}}


def test_core_gives_a_key_with_a_list_everything_that_its_app_has() -> None:
    document = project_for_core()
    made = decode_project(document)
    with OfficialCore(document) as core:
        for key in ("client-listed", "client-both", "client-a", "client-test"):
            options = ResponseOptions(hash="none", client_key=key)
            view = UserView(made, decode_user(USER), int(time.time() * 1000))
            view.app_id = find_target_app(made, options)
            ours = write_client_response(view, options, {})
            official = core.get_client_initialize_response(USER, "none", key)
            for section in NAMED:
                assert official[section].keys() == ours[section].keys()
                assert official[section]
