"""The documents say what is so: commands exist, links lead somewhere, settings and replies are the real ones."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devhost.event_sink import describe_event
from devhost.local_config import read_committed
from devhost.serve import read_wishes
from edge.callers.keys import CLIENT_SECRET, SERVER_SECRET, STATSIG_KEY_SECRET
from edge.memory import MemoryPlatform
from edge.messages import Request
from edge.routes.table import ROUTES
from edge.sandbox import Sandbox
from edge.service import answer
from edge.settings import GROUPS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
TOP_LEVEL = ("app.py", "devhost/", "edge/", "evaluator/", "examples/", "publisher/", "tests/", "wit/", "docs/")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):.*## ", read("Makefile"), re.MULTILINE))


def rows_under(document: str, heading: str) -> dict[str, str]:
    """Return the first and second cell of each row of the table under a heading."""
    section = read(document).split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE)
    return {name: text.strip().strip("`") for name, text in rows}


@pytest.mark.parametrize("name", NAMES)
def test_every_make_command_exists(name: str) -> None:
    asked = set(re.findall(r"(?:^[`$ ]*|`|\$ |[A-Z]+=\S+ )make ([a-z][a-z-]*)", read(name), re.MULTILINE))
    assert asked <= make_targets()


@pytest.mark.parametrize("name", NAMES)
def test_every_link_to_a_file_leads_to_one(name: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(name))
    broken = [link for link in links if "://" not in link and not (ROOT / name).parent.joinpath(link).exists()]
    assert not broken


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_ours_that_is_named_exists(name: str) -> None:
    named = [text for text in re.findall(r"`([\w./-]+)`", read(name)) if text.startswith(TOP_LEVEL)]
    generated = {"evaluator/country_table.py"}
    assert [text for text in named if text not in generated and not (ROOT / text).exists()] == []


def test_the_settings_page_has_every_setting_with_its_default() -> None:
    defaults = {name: value for group in GROUPS for name, value in group.list_defaults().items()}
    shown = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()}
    assert rows_under("docs/settings.md", "Config Store `gatelet`") == {
        name: text or "empty" for name, text in shown.items()
    }


def test_the_settings_page_has_every_secret() -> None:
    secrets = {CLIENT_SECRET, SERVER_SECRET, STATSIG_KEY_SECRET}
    assert rows_under("docs/settings.md", "Secret Store `gatelet`").keys() == secrets


def test_the_settings_page_has_every_variable_of_make_serve() -> None:
    environment = NotedEnvironment()
    read_wishes(environment)
    assert rows_under("docs/settings.md", "`make serve`").keys() == environment.asked


class NotedEnvironment(Mapping[str, str]):
    """An environment without variables, which notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize(("page", "least"), [("README.md", 3), ("docs/http-api.md", 20)])
def test_the_replies_that_are_shown_are_the_real_ones(page: str, least: int) -> None:
    shown = re.findall(r"^\$ curl ((?:.*\\\n)*.*)\n(\{.*)$", read(page), re.MULTILINE)
    assert len(shown) >= least
    local = serve_example()
    for command, reply in shown:
        real = answer(local, read_curl(command)).body.decode()
        assert real == reply if "…" not in reply else real.startswith(reply.removesuffix("…"))


def test_the_page_of_the_http_api_has_every_route() -> None:
    headings = re.findall(r"^### `(\w+) (\S+)`$", read("docs/http-api.md"), re.MULTILINE)
    assert sorted(headings) == sorted((route.method, route.path) for route in ROUTES)


def test_the_event_line_in_the_readme_is_the_real_one() -> None:
    reply = answer(serve_example(), read_curl("'http://127.0.0.1:7676/gate?name=test_fastly&userID=a-user'"))
    lines = [describe_event(json.loads(json.dumps(event))) for event in reply.events()]
    assert len(lines) == 1
    assert f"\n{lines[0]}\n" in read("README.md")


def serve_example() -> Sandbox:
    """Return a sandbox over the stores that the committed fastly.toml describes."""
    local = read_committed()["local_server"]
    secrets = {item["key"]: item["data"].encode() for item in local["secret_stores"]["gatelet"]}
    platform = MemoryPlatform(dict(local["config_stores"]["gatelet"]["contents"]), secrets)
    for store, items in local["kv_stores"].items():
        for item in items:
            platform.put(store, item["key"], (ROOT / item["file"]).read_bytes())
    return Sandbox(platform)


def read_curl(command: str) -> Request:
    """Return the request that the arguments of a curl command describe."""
    words = shlex.split(command.replace("\\\n", " "))
    url = urlsplit(next(word for word in words if word.startswith("http://")))
    headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
    body = next((word.encode() for flag, word in pairwise(words) if flag == "-d"), b"")
    return Request("POST" if body else "GET", url.path, url.query, headers.get, lambda _limit: body)


def test_the_example_of_a_new_operator_fits_the_code() -> None:
    (diff,) = re.findall(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    files = re.findall(r"^\+\+\+ b/(\S+)\n(.*?)(?=^---|\Z)", diff, re.DOTALL | re.MULTILINE)
    assert len(files) == 2
    for name, changes in files:
        lines = (ROOT / name).read_text().splitlines()
        around = [line[1:] for line in changes.splitlines() if line.startswith(" ")]
        assert around
        assert [line for line in around if line not in lines] == []


def test_no_document_is_left_out_of_the_index_of_decisions() -> None:
    pages = {path.name for path in (ROOT / "docs/decisions").glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\(([\w-]+\.md)\)", read("docs/decisions/README.md"))) == pages
