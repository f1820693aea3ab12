"""The APIs on loopback answer as their references say; what should go wrong there does."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator

import httpx
import pytest

from devhost.apis.cloudflare import CloudflareAccount, Namespace
from devhost.apis.fastly import FastlyAccount, KvPlace, Named
from devhost.apis.serving import ApiServer, serving
from devhost.apis.trouble import Trouble, read_troubles
from devhost.fastly.kv import KvStore
from devhost.local_config import ROOT

KV = "/resources/stores/kv"
CLOUDFLARE = "/client/v4/accounts/a/storage/kv/namespaces/n"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    fastly = FastlyAccount("t", {"s": KvPlace("specs", KvStore())}, {"c": Named("settings")}, {"x": Named("secrets")})
    with serving(fastly, CloudflareAccount("t", "a", {"n": Namespace()})) as running:
        yield running


@pytest.fixture
def client(server: ApiServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Fastly-Key": "t", "Authorization": "Bearer t"}) as opened:
        yield opened


def test_who_has_no_token_is_told_so(server: ApiServer) -> None:
    assert httpx.get(f"{server.url}{KV}").status_code == 401
    assert httpx.get(f"{server.url}{CLOUDFLARE}/keys").status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        (f"{KV}/other/keys", 404),
        (f"{KV}/s/keys/missing", 404),
        (f"{KV}/s/keys/bad%23key", 400),
        (f"{KV}/s/keys?limit=x", 400),
        (f"{KV}/s", 200),
        (f"{KV}/s/nothing", 404),
        ("/resources/stores/config/other", 404),
        ("/resources/stores/config/c/item/missing", 404),
        ("/resources/stores/secret/other", 404),
        ("/resources/stores/secret/x/secrets/missing", 404),
        ("/resources/stores/other", 404),
        (f"{CLOUDFLARE}/values/missing", 404),
        (f"{CLOUDFLARE}/metadata/missing", 404),
        (f"{CLOUDFLARE}/keys?limit=5", 400),
        ("/client/v4/accounts/a/storage/kv/namespaces/other/keys", 404),
    ],
)
def test_what_is_there_and_what_is_not(client: httpx.Client, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_stores_are_listed_made_and_found_by_name(client: httpx.Client) -> None:
    made = client.post(KV, json={"name": "more"})
    assert made.status_code == 201
    assert [one["name"] for one in client.get(KV).json()["data"]] == ["specs", "more"]
    assert [one["id"] for one in client.get(KV, params={"name": "more"}).json()["data"]] == [made.json()["id"]]
    assert [one["name"] for one in client.get("/resources/stores/config").json()] == ["settings"]
    assert [one["name"] for one in client.get("/resources/stores/secret").json()["data"]] == ["secrets"]


def test_values_are_written_in_every_mode_and_expire(client: httpx.Client) -> None:
    key = f"{KV}/s/keys/k"
    assert client.put(key, content=b"b", params={"add": "true"}).status_code == 200
    assert client.put(key, content=b"b", params={"add": "true"}).status_code == 412
    client.put(key, content=b"c", params={"append": "true"})
    client.put(key, content=b"a", params={"prepend": "true"}, headers={"metadata": "m"})
    found = client.get(key)
    assert (found.content, found.headers["metadata"]) == (b"abc", "m")
    assert client.put(key, headers={"if-generation-match": "7"}).status_code == 412
    assert client.put(key, headers={"if-generation-match": "x"}).status_code == 400
    assert client.put(f"{KV}/s/keys/new", headers={"if-generation-match": "7"}).status_code == 412
    assert client.put(key, headers={"metadata": "m" * 2_001}).status_code == 413
    assert client.put(key, headers={"time_to_live_sec": "0"}).status_code == 200
    assert client.get(key).status_code == 404


def test_a_value_is_deleted_on_condition(client: httpx.Client) -> None:
    key = f"{KV}/s/keys/k"
    client.put(key)
    assert client.delete(key, headers={"if-generation-match": "7"}).status_code == 412
    assert client.delete(key).status_code == 204
    assert client.delete(key).status_code == 404
    assert client.delete(key, params={"force": "true"}).status_code == 204


def test_a_batch_writes_what_it_can_and_names_the_rest(client: httpx.Client) -> None:
    lines = [{"key": "a", "value": b64encode(b"1").decode()}, {"key": "b", "value": "%"}, {"value": ""}]
    done = client.put(f"{KV}/s/batch", content="\n".join(map(json.dumps, lines)))
    assert (done.status_code, [one["index"] for one in done.json()["errors"]]) == (400, [1, 2])
    assert client.get(f"{KV}/s/keys/a").content == b"1"


def test_a_config_store_keeps_items(client: httpx.Client) -> None:
    items = "/resources/stores/config/c"
    assert client.post(f"{items}/item", data={"item_key": "k", "item_value": "v w"}).json()["item_value"] == "v w"
    assert client.patch(f"{items}/item/other", data={"item_value": "x"}).status_code == 404
    assert client.put(f"{items}/item/other", data={"item_value": "x"}).status_code == 200
    assert [one["item_key"] for one in client.get(f"{items}/items").json()] == ["k", "other"]
    assert client.delete(f"{items}/item/k").status_code == 200
    assert client.get(f"{items}/item/k").status_code == 404


def test_a_secret_is_never_read_back(client: httpx.Client) -> None:
    secrets = "/resources/stores/secret/x/secrets"
    body = {"name": "key", "secret": b64encode(b"hidden").decode()}
    assert client.patch(secrets, json=body).status_code == 404
    assert client.post(secrets, json=body).status_code == 200
    assert client.post(secrets, json=body).status_code == 409
    assert client.put(secrets, json=body).json()["recreated"] is True
    assert client.post(secrets, json={**body, "client_key": "x"}).status_code == 400
    shown = client.get(secrets).text + client.get(f"{secrets}/key").text
    assert "key" in shown
    assert "hidden" not in shown
    assert client.delete(f"{secrets}/key").status_code == 204
    assert client.get(secrets).json()["data"] == []


def test_cloudflare_takes_values_forms_and_bulks(client: httpx.Client) -> None:
    client.put(f"{CLOUDFLARE}/values/plain", content=b"\x00\xff\r\n")
    client.put(f"{CLOUDFLARE}/values/form", files={"value": (None, b"\x00\r\n--x"), "metadata": (None, b'{"a": 1}')})
    bulk = [
        {"key": "b", "value": "text"},
        {"key": "c", "value": "AP8=", "base64": True},
        {"key": "k" * 513, "value": ""},
    ]
    done = client.put(f"{CLOUDFLARE}/bulk", json=bulk).json()
    assert done["result"] == {"successful_key_count": 2, "unsuccessful_keys": ["k" * 513]}
    values = [client.get(f"{CLOUDFLARE}/values/{key}").content for key in ("plain", "form", "b", "c")]
    assert values == [b"\x00\xff\r\n", b"\x00\r\n--x", b"text", b"\x00\xff"]
    assert client.get(f"{CLOUDFLARE}/metadata/form").json()["result"] == {"a": 1}
    assert client.get(f"{CLOUDFLARE}/keys").json()["result"][2] == {"name": "form", "metadata": {"a": 1}}
    client.delete(f"{CLOUDFLARE}/values/form")
    assert client.get(f"{CLOUDFLARE}/metadata/form").status_code == 404
    assert client.put(f"{CLOUDFLARE}/values/{'k' * 513}").status_code == 400


def test_cloudflare_lists_by_prefix_and_cursor(client: httpx.Client) -> None:
    client.put(f"{CLOUDFLARE}/bulk", json=[{"key": f"a/{number:02}", "value": ""} for number in range(25)])
    client.put(f"{CLOUDFLARE}/values/b", content=b"")
    found, cursor = [], ""
    while True:
        page = client.get(f"{CLOUDFLARE}/keys", params={"prefix": "a/", "limit": "10", "cursor": cursor}).json()
        found += [one["name"] for one in page["result"]]
        cursor = page["result_info"]["cursor"]
        if not cursor:
            break
    assert found == [f"a/{number:02}" for number in range(25)]


def test_trouble_is_asked_for_over_http(client: httpx.Client) -> None:
    key = f"{KV}/s/keys/k"
    assert (
        client.put("/trouble", json=[{"kind": "status", "pattern": "GET .*/k$", "status": 503, "times": 1}]).status_code
        == 204
    )
    assert (client.get(key).status_code, client.get(key).status_code) == (503, 404)
    assert client.put("/trouble", json=[{"kind": "nonsense"}]).status_code == 400
    assert client.put("/trouble", json={}).status_code == 400


def test_a_cut_answer_is_shorter_than_it_promised_and_a_lost_one_was_carried_out(
    server: ApiServer, client: httpx.Client
) -> None:
    key = f"{KV}/s/keys/k"
    server.troubles.set(Trouble("lost", "PUT"))
    with pytest.raises(httpx.TransportError):
        client.put(key, content=b"long enough")
    server.troubles.set(Trouble("cut", "GET"))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(key)
    server.troubles.set()
    assert client.get(key).content == b"long enough"


def test_trouble_for_a_share_of_calls_happens_to_about_so_many(server: ApiServer) -> None:
    server.troubles.set(Trouble("slow", share=0.3))
    assert 200 < sum(bool(server.troubles.meet("GET /")) for _ in range(1_000)) < 400


@pytest.mark.parametrize("document", [{}, [5], [{"kind": "x"}], [{"kind": "slow", "other": 1}]])
def test_a_trouble_that_is_not_understood_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match=r"expected|argument|none of"):
        read_troubles(document)


def test_the_server_runs_alone_and_says_what_to_type() -> None:
    command = [sys.executable, "-m", "devhost.apis", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        first = server.stdout.readline()
        url = first.split(" is on ")[1].split(",")[0]
        assert httpx.get(f"{url}{KV}", headers={"Fastly-Key": "token-local"}).status_code == 200
        server.terminate()
        assert "gatelet push fastly" in server.stdout.read()
        assert server.wait(10) == 0
