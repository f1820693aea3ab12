"""The documents say what is so: commands exist, links lead somewhere, settings and replies are the real ones."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from devhost.serve import read_wishes
from edge.keys import CLIENT_SECRET, SERVER_SECRET
from edge.sandbox import STATSIG_KEY_SECRET
from edge.settings import BackgroundSettings, ReplySettings
from evaluator.decode import decode_project
from evaluator.evaluate import evaluate_gate
from evaluator.evaluation import Evaluation
from evaluator.user import decode_user
from evaluator.view import UserView

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
    defaults = {**ReplySettings._field_defaults, **BackgroundSettings._field_defaults}
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


def test_the_reply_in_the_readme_is_the_one_the_example_spec_gives() -> None:
    request, reply = re.search(r"/gate\?(\S+)'\n(\{.*\})", read("README.md")).groups()  # type: ignore[union-attr]
    name, user_id = re.findall(r"=([\w-]+)", request)
    assert json.loads(reply) == {"userID": user_id, "gateResult": check_example_gate(name, user_id).value}


def test_the_reply_of_check_gate_in_the_readme_is_real() -> None:
    body, reply = re.search(r"-d '(\{.*\})'\n(\{.*\})", read("README.md")).groups()  # type: ignore[union-attr]
    asked, answered = json.loads(body), json.loads(reply)
    evaluation = check_example_gate(asked["gateName"], asked["user"]["userID"])
    assert answered["value"] is evaluation.value
    assert answered["rule_id"] == evaluation.rule_id
    assert f"value={str(evaluation.value).lower()}  rule={evaluation.rule_id}" in read("README.md")


def check_example_gate(name: str, user_id: str) -> Evaluation:
    project = decode_project(json.loads(read("examples/spec.json")))
    return evaluate_gate(UserView(project, decode_user({"userID": user_id}), 1_760_000_000_000), name)


def test_no_document_is_left_out_of_the_index_of_decisions() -> None:
    pages = {path.name for path in (ROOT / "docs/decisions").glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\(([\w-]+\.md)\)", read("docs/decisions/README.md"))) == pages
