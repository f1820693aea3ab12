"""The entry module of a component that measures the evaluator: each request runs one scenario.

The body of the request is the spec. A mark is a call of the host that does nothing; the host notes the fuel at each,
and reads from the reply what the pairs of marks are called.
"""

import json
import sys

from wit_world import exports
from wit_world.imports import async_io, compute_runtime, http_req, http_resp

from benchmarks.guest.scenarios import SCENARIOS, Meter
from edge.host.platform import LONGEST_TEXT, make_body, read_within
from edge.input.reading import parse_query, split_target
from evaluator.warm_up import warm_up

LONGEST_SPEC = 50 << 20

sys.setrecursionlimit(3_000)  # as app.py has it
warm_up()  # as edge/host/incoming.py does


class HttpIncoming(exports.HttpIncoming):
    """What the host calls once per sandbox."""

    def handle(self, request: http_req.Request, body: async_io.Pollable) -> None:
        """Run the scenario that the path names; an exception ends the sandbox and shows in the host's log."""
        path, query = split_target(request.get_uri(LONGEST_TEXT))
        text = read_within(body, LONGEST_SPEC)
        meter = Meter(compute_runtime.get_sandbox_id)
        SCENARIOS[path](meter, text, parse_query(query))
        http_resp.send_downstream(http_resp.Response.new(), make_body(json.dumps(meter.pairs).encode()))
