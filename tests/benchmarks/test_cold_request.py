"""What the measurement of fresh sandboxes says; how long they take is for itself to say."""

import json
import mmap
import os
from pathlib import Path

import pytest

from benchmarks.cold_request import (
    FLOOR,
    SUBJECTS,
    Summary,
    describe,
    list_measurements,
    make_spec_text,
    measure,
    read_spec,
    summarize,
)
from benchmarks.timed_server import Turn, make_request, read_usage
from devhost.build import ROOT
from devhost.local_config import EXAMPLE_SPEC
from tests.component.serving import require_viceroy

FIGURES = {FLOOR: Summary(2.0, 3.0, 300, 2.5), "gate": Summary(3.0, 6.0, 450, 5.0)}


def test_request_has_the_length_of_its_body() -> None:
    request = make_request("POST", "/v1/check_gate", {"statsig-api-key": "secret"}, b'{"user":{}}')
    head, body = request.split(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /v1/check_gate HTTP/1.1"
    assert b"content-length: 11" in head.splitlines()
    assert body == b'{"user":{}}'
    assert b"content-length" not in make_request("GET", "/", {}, b"")


def test_summary_is_the_median_of_turns_and_not_of_requests() -> None:
    slow, usual = Turn((9.0, 9.0, 9.0), 500, 9), Turn((1.0, 2.0, 3.0), 300, 2)
    assert summarize([usual, slow, usual]) == Summary(2.0, 3.0, 300, 2)


def test_table_and_figures_name_the_ratio_to_the_bare_component() -> None:
    assert [line.split()[:3] for line in describe(FIGURES)][1:] == [["hello", "2.00", "1.00"], ["gate", "3.00", "1.50"]]
    found = {one["name"]: one for one in list_measurements(FIGURES)}
    assert found["cold_request.gate.faults"] == {
        "name": "cold_request.gate.faults",
        "value": 450,
        "unit": "page faults",
        "ratio_to": "cold_request.hello.faults",
        "ratio": 1.5,
    }
    assert json.loads(json.dumps(list(found.values())))


def test_spec_of_a_file_is_asked_for_its_first_gate_unless_told() -> None:
    file = ROOT / EXAMPLE_SPEC
    first = read_spec(file, None)
    assert min(json.loads(file.read_bytes())["feature_gates"]).encode() in first.request
    assert b"test_fastly" in read_spec(file, "test_fastly").request
    assert make_spec_text(first.store.spec) == file.read_bytes()
    with pytest.raises(SystemExit, match="has no gate nowhere"):
        read_spec(file, "nowhere")


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs the /proc of Linux")
def test_usage_of_a_process_grows_with_what_it_does() -> None:
    before = read_usage(os.getpid())
    with mmap.mmap(-1, 1 << 24) as untouched:
        untouched[::4096] = b"x" * (1 << 12)
        assert read_usage(os.getpid()).faults > before.faults


@pytest.mark.viceroy
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs the /proc of Linux")
def test_check_costs_a_fresh_sandbox_more_than_a_path_that_is_not_there() -> None:
    require_viceroy()
    found = measure([one for one in SUBJECTS if one.name in ("not_found", "gate_paged")], rounds=1, requests=10)
    assert found["gate_paged"].faults > found["not_found"].faults > 50
    assert min(one.p50_ms for one in found.values()) > 0
