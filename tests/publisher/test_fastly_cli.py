"""Fastly's own CLI against the same server: what it reads is what was published, what it writes is read by us."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from devhost.apis.fastly import FastlyAccount, KvPlace, Named
from devhost.apis.serving import ApiServer, serving
from devhost.fastly.kv import KvStore
from publisher.publication.publish import publish
from specstore.keys import manifest_key
from tests.publisher.four_stores import open_fastly
from tests.publisher.kv_server import STORE_ID, TOKEN
from tests.publisher.made_specs import KEY, make_wanted, read_answering

INSTALLED = Path(__file__).parent.parent / "clients" / "node_modules" / "@fastly" / "cli-linux-x64" / "fastly"

type Cli = Callable[..., CompletedProcess[bytes]]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    account = FastlyAccount(
        TOKEN,
        {STORE_ID: KvPlace("gatelet-specs", KvStore())},
        {"config-test": Named("gatelet", {"spec_key": KEY})},
        {"secret-test": Named("gatelet", {"client_key": "hidden"})},
    )
    with serving(account) as running:
        yield running


@pytest.fixture
def cli(server: ApiServer, tmp_path: Path) -> Cli:
    program = str(INSTALLED) if INSTALLED.exists() else shutil.which("fastly")
    if program is None:
        pytest.skip("needs Fastly's CLI on the path, or on Linux what `make clients` installs")
    places = {"FASTLY_API_ENDPOINT": server.url, "FASTLY_ACCOUNT_ENDPOINT": server.url}
    variables = {**os.environ, **places, "FASTLY_API_TOKEN": TOKEN, "HOME": str(tmp_path)}

    def run(*arguments: str, given: bytes = b"") -> CompletedProcess[bytes]:
        command = [program, *arguments]
        return subprocess.run(command, input=given, capture_output=True, env=variables, timeout=60, check=False)

    return run


def test_it_lists_and_reads_what_was_published(server: ApiServer, cli: Cli) -> None:
    with open_fastly(server) as store:
        publish(store, make_wanted(1))
        manifest, keys = store.find(manifest_key(KEY)), list(store.list_keys(""))
    assert manifest is not None
    listed = cli("kv-store-entry", "list", "--store-id", STORE_ID, "--json")
    assert json.loads(listed.stdout) == keys, listed.stderr
    about = cli("kv-store-entry", "describe", "--store-id", STORE_ID, "--key", manifest_key(KEY), "--json")
    assert json.loads(about.stdout) == {
        "key": manifest_key(KEY),
        "generation": manifest.generation,
        "metadata": manifest.metadata,
    }
    read = cli("kv-store-entry", "get", "--store-id", STORE_ID, "--key", manifest_key(KEY))
    assert read.stdout == manifest.value


def test_what_it_writes_is_read_by_us_and_conditions_hold(server: ApiServer, cli: Cli) -> None:
    create = ("kv-store-entry", "create", "--store-id", STORE_ID)
    assert cli(*create, "--key", "a/b", "--value", "one", "--metadata", "m").returncode == 0
    with open_fastly(server) as store:
        item = store.find("a/b")
        assert item is not None
        assert (item.value, item.metadata) == (b"one", "m")
        refused = cli(*create, "--key", "a/b", "--value", "two", "--add")
        assert refused.returncode == 1
        assert b"412" in refused.stderr + refused.stdout
        stale = cli(*create, "--key", "a/b", "--value", "two", "--if-generation-match", str(int(item.generation) + 1))
        assert stale.returncode == 1
        assert cli(*create, "--key", "a/b", "--value", "two", "--if-generation-match", item.generation).returncode == 0
        assert cli(*create, "--key", "a/b", "--value", "+", "--append").returncode == 0
        item = store.find("a/b")
        assert item is not None
        assert (item.value, item.metadata) == (b"two+", None)
        assert cli("kv-store-entry", "delete", "--store-id", STORE_ID, "--key", "a/b").returncode == 0
        assert store.find("a/b") is None


def test_its_batches_are_taken(server: ApiServer, cli: Cli) -> None:
    lines = b'{"key":"x1","value":"b25l"}\n{"key":"x2","value":"dHdv","metadata":"m"}\n'
    done = cli("kv-store-entry", "create", "--store-id", STORE_ID, "--stdin", given=lines)
    assert done.returncode == 0, done.stderr
    with open_fastly(server) as store:
        found = [store.find(key) for key in ("x1", "x2")]
    assert [(one.value, one.metadata) for one in found if one] == [(b"one", None), (b"two", "m")]


def test_a_batch_with_a_wrong_entry_is_refused_by_its_index(server: ApiServer, cli: Cli) -> None:
    done = cli(
        "kv-store-entry", "create", "--store-id", STORE_ID, "--stdin", given=b'{"key":"x1","value":"b25l"}\n{"key":1}\n'
    )
    assert done.returncode == 1
    assert b"index: 1" in done.stdout + done.stderr
    assert server.noted[-1].status == 400


def test_a_spec_that_the_cli_puts_there_is_published_over(server: ApiServer, cli: Cli) -> None:
    raw = make_wanted(1, gates=2).raw.decode()
    assert cli("kv-store-entry", "create", "--store-id", STORE_ID, "--key", KEY, "--value", raw).returncode == 0
    with open_fastly(server) as store:
        assert read_answering(store) == ("raw", 1)
        publish(store, make_wanted(2))
        assert read_answering(store) == ("pages", 2)


def test_it_sees_config_and_secret_stores(cli: Cli) -> None:
    stores = json.loads(cli("kv-store", "list", "--json").stdout)
    assert [one["Name"] for one in stores["Data"]] == ["gatelet-specs"]
    assert KEY.encode() in cli("config-store-entry", "list", "--store-id", "config-test", "--json").stdout
    put = ("config-store-entry", "create", "--store-id", "config-test", "--key", "max_age", "--value", "5")
    assert cli(*put).returncode == 0
    read = cli("config-store-entry", "describe", "--store-id", "config-test", "--key", "max_age", "--json")
    assert json.loads(read.stdout)["item_value"] == "5"
    secrets = cli("secret-store-entry", "list", "--store-id", "secret-test", "--json").stdout
    assert b"client_key" in secrets
    assert b"hidden" not in secrets
