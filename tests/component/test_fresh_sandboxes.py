"""A snapshot freezes nothing that must differ: 50 sandboxes of a guest that is prepared as the service is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest
import tomli_w

from devhost.build import COMPONENT, Recipe, build_component
from devhost.hosts import embedded_command, viceroy_command
from tests.component.serving import EMBEDDED, SERVER, VICEROY, Running, find_free_port, require_viceroy, running_host

GUEST = Recipe(COMPONENT.with_name("fresh.wasm"), "tests.component.fresh_guest")
SANDBOXES = 50
DEFECTS = {"frozen_random", "frozen_uuid", "frozen_clock"}


def find_frozen(seen: Sequence[Mapping[str, object]]) -> set[str]:
    """The names whose value two sandboxes share."""
    return {name for name in seen[0] if len({str(one[name]) for one in seen}) < len(seen)}


@pytest.mark.parametrize("host", [pytest.param(VICEROY, marks=pytest.mark.viceroy), EMBEDDED])
def test_what_must_differ_differs_and_a_frozen_value_is_found(host: str, tmp_path: Path) -> None:
    build_component(GUEST)
    manifest, port = tmp_path / "fastly.toml", find_free_port()
    document = {"manifest_version": 3, "name": "fresh", "language": "other", "local_server": {}}
    manifest.write_text(tomli_w.dumps(document), encoding="utf-8")
    command = (
        viceroy_command(require_viceroy(), manifest, port, GUEST.component)
        if host == VICEROY
        else embedded_command(manifest, port, component=GUEST.component)
    )
    with running_host(command, tmp_path / "host.log", port), httpx.Client() as client:
        seen = [client.get(f"http://127.0.0.1:{port}/", timeout=30).json() for _ in range(SANDBOXES)]
    if not any(one["environment"] for one in seen):  # a host that gives its guests no such variable
        seen = [{name: value for name, value in one.items() if name != "environment"} for one in seen]
    assert find_frozen(seen) == DEFECTS


def test_nothing_rehearsed_answers_a_real_request(example: Running) -> None:
    user = {"user": {"userID": "rehearsal-user"}}
    with example.client() as client:
        key = {"statsig-api-key": "rehearsal-secret"}
        assert client.post("/v1/check_gate", json={**user, "gateName": "second"}, headers=key).status_code == 401
        reply = client.post("/v1/check_gate", json={**user, "gateName": "second"}, headers=SERVER)
        assert reply.json()["reason"].endswith("Unrecognized")
        assert "rehearsal" not in client.get("/healthz").text
