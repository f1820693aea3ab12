from edge.rehearsal import make_document, make_platform, make_requests, rehearse
from edge.sandbox import Sandbox
from tests.edge.builders import ask, header_of, json_of


def test_requests_are_answered_from_pages_as_they_would_be_in_earnest() -> None:
    outside = make_platform(make_document())
    sandbox = Sandbox(outside)
    gate, check, nothing = (ask(sandbox, request) for request in make_requests())
    sandbox.close()
    assert header_of(gate, "x-gatelet-spec").startswith("kv; layout=paged")
    assert json_of(gate)["gateResult"] == json_of(check)["value"]
    assert (gate.status, check.status, nothing.status) == (200, 200, 404)
    assert outside.batches, "exposures are part of it"
    assert not [line for line in outside.lines if "bug" in line or "settings" in line]


def test_rehearsing_ends() -> None:
    rehearse(2)
