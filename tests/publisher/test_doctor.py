"""`doctor`: a setting that is right has no complaints, and each thing that is wrong is named with what to do."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from devhost.apis.fastly import FastlyAccount, KvPlace, Named
from devhost.apis.serving import serving
from devhost.fastly.kv import KvStore
from publisher.doctor.diagnosis import Diagnosis, Verdict
from publisher.doctor.doctoring import examine
from publisher.exit_codes import ExitCode
from publisher.profiles.profile import DirStore, FastlyStore, Profile, Source
from publisher.publication.publish import publish
from publisher.publication.wanted import Layout, prepare
from publisher.sources.fetching import Fetcher
from publisher.sources.pulled import Pulled, read_pulled
from publisher.stores.folder import FolderStore
from publisher.stores.opening import opened
from tests.publisher.fastly_services import SERVICE, Edge, Service
from tests.publisher.kv_server import TOKEN
from tests.publisher.running import ROOT, run_gatelet

EXAMPLE = ROOT / "examples/spec.json"
SPEC_KEY = "statsig-abc"


@dataclass
class Clinic:
    """Everything that a good setting needs, to be spoiled by a test."""

    profile: Profile
    kv: KvStore
    settings: Named
    secrets: Named
    service: Service
    edge: Edge

    def change_store(self, **fields: str) -> None:
        store = replace(self.profile.find_fastly(), **fields)  # type: ignore[arg-type]
        self.profile = replace(self.profile, stores={"fastly": store})

    def examine(self) -> list[Diagnosis]:
        with httpx.Client(timeout=5) as client:
            return list(examine(self.profile, Fetcher(client, sleep=lambda _seconds: None), 0.1))

    def complaints(self) -> list[Diagnosis]:
        return [one for one in self.examine() if one.verdict is not Verdict.GOOD]


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    monkeypatch.setenv("FASTLY_API_TOKEN", TOKEN)
    with open_clinic(tmp_path) as opened_clinic:
        yield opened_clinic


@contextmanager
def open_clinic(tmp_path: Path) -> Iterator[Clinic]:
    kv = KvStore()
    settings, secrets = Named("settings", {"spec_key": SPEC_KEY}), Named("keys")
    secrets.items.update(server_secret="x", statsig_key="y")
    links = [("gatelet-specs", "kv-1", "kv-store"), ("gatelet", "config-1", "config")]
    service = Service(TOKEN, [*links, ("gatelet", "secret-1", "secret-store")])
    edge = Edge({"spec_key": SPEC_KEY}, {SPEC_KEY: EXAMPLE.read_bytes()})
    account = FastlyAccount(TOKEN, {"kv-1": KvPlace("specs", kv)}, {"config-1": settings}, {"secret-1": secrets})
    with serving(account, service, edge) as server:
        store = FastlyStore(kv_store_id="kv-1", service_id=SERVICE, service_url=server.url, api_url=server.url)
        source = Source(kind="file", path=EXAMPLE)
        profile = Profile("p", SPEC_KEY, source, {"fastly": store}, tmp_path / "gatelet.toml")
        with opened(store) as opened_store:
            publish(opened_store, prepare(read_pulled(EXAMPLE), SPEC_KEY, Layout.BOTH))
        yield Clinic(profile, kv, settings, secrets, service, edge)


def test_a_good_setting_has_no_complaints(clinic: Clinic) -> None:
    assert clinic.complaints() == []
    assert [one.what for one in clinic.examine()] == [
        "profile",
        "key of the spec",
        "source (file)",
        "Fastly token",
        "KV store",
        "service",
        "settings",
        "link of the KV store",
        "secrets",
        "backend of events",
        "spec in fastly",
        "the service's /healthz",
    ]


def unlink(name: str, kind: str) -> Callable[[Clinic], None]:
    def spoil(clinic: Clinic) -> None:
        clinic.service.links = [one for one in clinic.service.links if (one[0], one[2]) != (name, kind)]

    return spoil


def relink(clinic: Clinic) -> None:
    clinic.service.links[0] = ("other", "kv-1", "kv-store")


def link_another(clinic: Clinic) -> None:
    clinic.service.links[0] = ("gatelet-specs", "kv-2", "object-store")


def set_items(**items: str) -> Callable[[Clinic], None]:
    return lambda clinic: clinic.settings.items.update(items)


def forget(*names: str) -> Callable[[Clinic], None]:
    def spoil(clinic: Clinic) -> None:
        for name in names:
            del clinic.secrets.items[name]

    return spoil


def change_service(**fields: Any) -> Callable[[Clinic], None]:
    def spoil(clinic: Clinic) -> None:
        for name, value in fields.items():
            setattr(clinic.service, name, value)

    return spoil


def change_store(**fields: str) -> Callable[[Clinic], None]:
    return lambda clinic: clinic.change_store(**fields)


def write_raw(clinic: Clinic) -> None:
    document = json.loads(EXAMPLE.read_bytes())
    clinic.kv.insert(SPEC_KEY, json.dumps({**document, "time": document["time"] - 7_200_000}).encode())


def change_edge(**fields: Any) -> Callable[[Clinic], None]:
    def spoil(clinic: Clinic) -> None:
        for name, value in fields.items():
            setattr(clinic.edge, name, value)

    return spoil


def lose_source(clinic: Clinic) -> None:
    clinic.profile = replace(clinic.profile, source=Source(kind="file", path=Path("no-such")))


@pytest.mark.parametrize(
    ("spoil", "what", "verdict", "seen", "advice"),
    [
        (change_store(kv_store_id="kv-9"), "KV store", "error", "none with the ID kv-9", "kv-store list"),
        (change_store(kv_store_id=""), "KV store", "error", "does not say which", "kv_store_id"),
        (change_store(service_id=""), "service", "skipped", "no service_id", "service list"),
        (change_store(service_id="other"), "service", "error", "not there", "compute publish"),
        (change_service(active=None), "service", "error", "no active version", "compute publish"),
        (change_service(scope="global:read"), "Fastly token", "warning", "global:read", "scope global"),
        (change_service(expires_at="2020-01-01T00:00:00Z"), "Fastly token", "warning", "expires 2020", "new one"),
        (change_service(token="other"), "Fastly token", "error", "401", "make a token"),
        (change_service(backends={}), "backend of events", "error", "no backend events", "backend create"),
        (unlink("gatelet", "config"), "settings", "error", "linked as gatelet", "resource-link create"),
        (set_items(spec_key="statsig-old"), "settings", "error", "spec_key is statsig-old", f"--value {SPEC_KEY}"),
        (set_items(spec_kye="x"), "settings", "warning", "not known: spec_kye", "docs/settings.md"),
        (set_items(settings='{"events_tries": 2}'), "settings", "error", "spec_key is empty", '"events_tries": "2"'),
        (set_items(settings="{}"), "settings", "warning", "beside the item settings: spec_key", "nobody reads"),
        (set_items(settings='{"spec_kye": "x"}'), "settings", "warning", "no setting spec_kye", "docs/settings.md"),
        (set_items(settings="spec_key"), "settings", "warning", "an item for each setting", "docs/settings.md"),
        (set_items(events_tries="many"), "settings", "warning", "events_tries: expected", "docs/settings.md"),
        (change_store(config_store_id="other"), "settings", "warning", "config-1 is linked", "config_store_id"),
        (unlink("gatelet-specs", "kv-store"), "link of the KV store", "error", "not linked", "--resource-id kv-1"),
        (relink, "link of the KV store", "error", "linked as other", "spec_store to other"),
        (link_another, "link of the KV store", "error", "another store, kv-2", "kv_store_id"),
        (unlink("gatelet", "secret-store"), "secrets", "error", "every request is refused", "resource-link create"),
        (forget("server_secret", "statsig_key"), "secrets", "error", "there is no key", "secret-store-entry create"),
        (forget("statsig_key"), "secrets", "warning", "statsig_key is missing", "--name statsig_key"),
        (write_raw, "spec in fastly", "warning", "2 h behind the source", "gatelet sync"),
        (lambda one: one.kv.delete(SPEC_KEY), "spec in fastly", "good", "pages of 1760000000000", ""),
        (
            lambda one: one.kv.delete(f"gatelet/{SPEC_KEY}/manifest"),
            "spec in fastly",
            "good",
            "raw of 1760000000000",
            "",
        ),
        (lose_source, "source (file)", "error", "cannot read no-such", "path in the profile"),
        (change_edge(specs={}), "the service's /healthz", "error", "503: ", "operating.md"),
        (change_edge(status=500), "the service's /healthz", "error", "answered 500", "deployed"),
        (change_edge(status=200), "the service's /healthz", "error", "not gatelet", "service_url"),
        (
            change_edge(settings={"spec_key": SPEC_KEY, "max_body_bytes": "x"}),
            "the service's /healthz",
            "warning",
            "max_body_bytes",
            "settings.md",
        ),
        (change_store(service_url=""), "the service's /healthz", "skipped", "does not say where", "service_url"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    clinic: Clinic, spoil: Callable[[Clinic], object], what: str, verdict: str, seen: str, advice: str
) -> None:
    spoil(clinic)
    found = [one for one in clinic.examine() if one.what == what]
    assert any(one.verdict == verdict and seen in one.seen and advice in one.advice for one in found), found


def test_an_empty_store_is_said(clinic: Clinic) -> None:
    for key in (SPEC_KEY, f"gatelet/{SPEC_KEY}/manifest"):
        clinic.kv.delete(key)
    (complaint,) = [one for one in clinic.complaints() if one.what == "spec in fastly"]
    assert (complaint.seen, complaint.advice) == (
        f"there is nothing under {SPEC_KEY}",
        "gatelet pull, then gatelet push fastly",
    )


def test_missing_pages_are_said(clinic: Clinic) -> None:
    page = json.loads(clinic.kv.list_keys(None, f"gatelet/{SPEC_KEY}/page/", 1))["data"][0]
    clinic.kv.delete(page)
    seen = [one.seen for one in clinic.complaints()]
    assert any("pages are missing" in one for one in seen)


def test_a_service_that_is_behind_is_said(clinic: Clinic) -> None:
    document = json.loads(EXAMPLE.read_bytes())
    clinic.edge.specs[SPEC_KEY] = json.dumps({**document, "time": 5}).encode()
    (complaint,) = clinic.complaints()
    assert "the store has a newer one" in complaint.seen


def test_a_missing_token_is_said_and_nothing_is_asked(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTLY_API_TOKEN")
    (complaint,) = clinic.complaints()
    assert complaint.seen == "there is none: set the environment variable FASTLY_API_TOKEN"


# ------------------------------------------------------------------ the command


def test_the_command_without_a_profile_says_how_to_begin(tmp_path: Path) -> None:
    done = run_gatelet("doctor", folder=tmp_path)
    assert done.returncode == ExitCode.FOUND
    assert done.stdout.splitlines()[:2] == [
        "✗ profile: there is no gatelet.toml here",
        "    → gatelet init writes one",
    ]


def test_the_command_is_content_with_a_folder(tmp_path: Path) -> None:
    (tmp_path / "gatelet.toml").write_text(
        f'[profiles.p]\nspec_key = "{SPEC_KEY}"\n[profiles.p.source]\nkind = "file"\npath = "{EXAMPLE}"\n'
        '[profiles.p.dir]\npath = "store"\n',
        encoding="utf-8",
    )
    assert run_gatelet("doctor", folder=tmp_path).returncode == ExitCode.FOUND
    wanted = prepare(Pulled(EXAMPLE.read_bytes()), SPEC_KEY, Layout.BOTH)
    publish(FolderStore(DirStore(tmp_path / "store").path), wanted)
    done = run_gatelet("doctor", "--json", "--fail-on", "warning", folder=tmp_path)
    assert (done.returncode, {one["verdict"] for one in json.loads(done.stdout)}) == (0, {"good"})
    assert run_gatelet("doctor", folder=tmp_path).stdout.endswith("\nall is well\n")


def test_an_api_that_does_not_answer_is_said_once(clinic: Clinic) -> None:
    clinic.change_store(api_url="http://127.0.0.1:9", service_url="")
    what = [one.what for one in clinic.complaints()]
    assert what == ["Fastly token", "the service's /healthz"]
