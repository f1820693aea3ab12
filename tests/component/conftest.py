from collections.abc import Iterator

import pytest

from devhost.local_config import EXAMPLE_SPEC, ROOT
from tests.component.serving import EMBEDDED, NATIVE, VICEROY, Running, running_service


@pytest.fixture(scope="session", params=[pytest.param(VICEROY, marks=pytest.mark.viceroy), EMBEDDED, NATIVE])
def host(request: pytest.FixtureRequest) -> str:
    """Each host the service must run under: the component under two, its source under the third."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def example(host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service with the example spec, started once for all tests that leave it as it was."""
    with running_service(host, tmp_path_factory.mktemp("example"), ROOT / EXAMPLE_SPEC) as running:
        yield running
