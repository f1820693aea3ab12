"""A guest prepared as the service is, that says what it finds different from sandbox to sandbox.

`frozen` is the defect that `test_fresh_sandboxes.py` must find: values that the build made and the snapshot holds.
"""

import json
import os
import random
import sys
import time
import uuid

from wit_world import exports
from wit_world.imports import async_io, compute_runtime, http_body, http_req, http_resp

from edge.cold.measures import prepare
from edge.host.rehearsal import serve_through_bindings

FROZEN = {"random": random.random(), "uuid": str(uuid.uuid4()), "clock": time.time_ns()}  # no secret

if sys.platform == "wasi":
    prepare(serve_through_bindings)


class HttpIncoming(exports.HttpIncoming):
    """What the host calls once per sandbox."""

    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None:  # noqa: ARG002  # the bindings' form
        """Reply with what ought to be new, and with what the build froze."""
        seen = {
            "random": random.random(),
            "uuid": str(uuid.uuid4()),
            "clock": time.time_ns(),
            "session": compute_runtime.get_sandbox_id(),
            "environment": dict(os.environ).get("FASTLY_TRACE_ID", ""),
            **{f"frozen_{name}": value for name, value in FROZEN.items()},
        }
        with request:
            content = http_body.new()
            http_body.write(content, json.dumps(seen).encode())
            http_resp.send_downstream(http_resp.Response.new(), content)
