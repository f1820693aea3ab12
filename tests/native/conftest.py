from pathlib import Path

import pytest

from devhost.fastly.manifest import read_manifest
from devhost.local_config import ROOT
from devhost.native.client import Client


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """The service on what its own fastly.toml says."""
    monkeypatch.chdir(ROOT)
    return Client(read_manifest(Path("fastly.toml")))
