"""The service for real clients, and the clients themselves."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devhost.local_config import EXAMPLE_SPEC, ROOT
from tests.component.serving import NATIVE, VICEROY, Running, running_service

HERE = Path(__file__).parent
CONFORMANCE = ROOT.parent / "shared" / "conformance"

type RunClient = Callable[[str, dict[str, Any]], Any]


@pytest.fixture(scope="session", params=[pytest.param(VICEROY, marks=pytest.mark.viceroy), NATIVE])
def host(request: pytest.FixtureRequest) -> str:
    """Viceroy, and the source under this Python: what differs between hosts is tested in tests/component."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def example(host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service with the example spec."""
    with running_service(host, tmp_path_factory.mktemp("clients"), ROOT / EXAMPLE_SPEC) as running:
        yield running


@pytest.fixture(scope="session")
def vectors(host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service with the spec and the ID list of the conformance vectors."""
    if not CONFORMANCE.is_dir():
        pytest.skip("needs the conformance vectors beside the checkout")
    spec = CONFORMANCE / "specs" / "eval_proj.json"
    lists = {"company_id_list": CONFORMANCE / "id_lists" / "eval_proj.company_id_list.txt"}
    with running_service(host, tmp_path_factory.mktemp("vectors"), spec, id_lists=lists) as running:
        yield running


@pytest.fixture(scope="session")
def run_client() -> RunClient:
    """Run one of the scripts beside this file with a job, and return what it reports."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js: no node on the path")
    if not (HERE / "node_modules").is_dir():
        pytest.skip("needs the npm packages of tests/clients: run `make clients`")

    def run(script: str, job: dict[str, Any]) -> Any:
        done = subprocess.run(
            [node, script], cwd=HERE, input=json.dumps(job), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return run
