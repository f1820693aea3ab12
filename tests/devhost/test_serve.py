"""`make serve` reads its wishes strictly and says what is wrong with them."""

import socket
from pathlib import Path

import pytest

from devhost.local_config import EXAMPLE_SPEC, ROOT
from devhost.serve import CannotServe, Wishes, check_port, choose_host, describe_ready, read_wishes, running_sink


def test_without_wishes_it_serves_the_example_on_7676() -> None:
    wishes = read_wishes({})
    assert (wishes.port, wishes.spec, wishes.host) == (7676, ROOT / EXAMPLE_SPEC, "")
    assert (wishes.requests_per_sandbox, wishes.layout, wishes.id_lists, wishes.overrides) == (None, "paged", {}, None)


def test_reads_every_wish(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text("{}")
    wishes = read_wishes(
        {
            "PORT": "8001",
            "SPEC": str(spec),
            "HOST": "viceroy",
            "EVENTS_PORT": "8002",
            "EVENTS_URL": "http://127.0.0.1:8003",
            "EVENTS_DELAY": "0.5",
            "LAYOUT": "raw",
            "REUSE": "1",
            "ID_LISTS": f"a={spec} 'b c'={spec}",
            "OVERRIDES": str(spec),
        }
    )
    lists = {"a": spec, "b c": spec}
    assert wishes == Wishes(8001, spec, "viceroy", 8002, "http://127.0.0.1:8003", 0.5, 1, "raw", lists, spec)


def test_an_empty_variable_is_one_not_set() -> None:
    names = ["PORT", "SPEC", "HOST", "EVENTS_PORT", "EVENTS_URL", "EVENTS_DELAY", "LAYOUT", "REUSE"]
    names += ["ID_LISTS", "OVERRIDES", "FAULTS"]
    assert read_wishes(dict.fromkeys(names, "")) == read_wishes({})


def test_faults_ask_for_the_embedded_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "faults"
    script.write_text("lookup takes 1 s")
    command = choose_host(read_wishes({"FAULTS": str(script)}))
    assert command[-2:] == ["--faults", str(script)]
    assert "embedded" in capsys.readouterr().out
    with pytest.raises(CannotServe, match="HOST=viceroy: only the embedded host"):
        read_wishes({"FAULTS": str(script), "HOST": "viceroy"})


def test_spec_none_means_an_empty_store() -> None:
    assert read_wishes({"SPEC": "none"}).spec is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("PORT", "http", "PORT=http: set it to a whole number"),
        ("PORT", "70000", "PORT=70000"),
        ("REUSE", "-1", "REUSE=-1"),
        ("EVENTS_DELAY", "soon", "EVENTS_DELAY=soon"),
        ("SPEC", "no/such/file.json", "there is no file"),
        ("HOST", "apache", "set it to viceroy, embedded or native"),
        ("FAULTS", "no/such/file", "there is no file"),
        ("LAYOUT", "sliced", "set it to paged or raw"),
        ("ID_LISTS", "a", "set it to NAME=FILE"),
        ("ID_LISTS", "'a", "No closing quotation"),
        ("ID_LISTS", "a=no/such/file", "there is no file"),
        ("OVERRIDES", "no/such/file.json", "there is no file"),
    ],
)
def test_says_what_is_wrong_with_a_wish(name: str, text: str, message: str) -> None:
    with pytest.raises(CannotServe, match=message):
        read_wishes({name: text})


def test_asking_for_viceroy_without_one_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devhost.serve.find_viceroy", lambda: None)
    with pytest.raises(CannotServe, match="make viceroy"):
        choose_host(read_wishes({"HOST": "viceroy"}))


def test_viceroy_gets_the_config_and_the_port_of_this_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devhost.serve.find_viceroy", lambda: Path("/bin/viceroy"))
    command = choose_host(read_wishes({"PORT": "8001"}))
    assert command[0] == "/bin/viceroy"
    assert command[command.index("--addr") + 1] == "127.0.0.1:8001"
    assert command[command.index("-C") + 1].endswith("fastly-8001.toml")


def test_without_viceroy_the_embedded_host_serves_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("devhost.serve.find_viceroy", lambda: None)
    command = choose_host(read_wishes({"PORT": "8001", "REUSE": "3"}))
    assert command[1:3] == ["-m", "devhost.embedded"]
    assert command[-4:] == ["--port", "8001", "--requests", "3"]
    assert "embedded one (no Viceroy here; run `make viceroy`" in capsys.readouterr().out


def test_the_embedded_host_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devhost.serve.find_viceroy", lambda: Path("/bin/viceroy"))
    assert choose_host(read_wishes({"HOST": "embedded"}))[2] == "devhost.embedded"


def test_says_which_variable_to_change_when_a_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=f"port {port} is taken.*set PORT"):
            check_port(port)
        with (
            pytest.raises(CannotServe, match=f"port {port} is taken.*set EVENTS_PORT"),
            running_sink(read_wishes({"EVENTS_PORT": str(port)})),
        ):
            pass


def test_starts_no_sink_when_events_go_elsewhere() -> None:
    with running_sink(read_wishes({"EVENTS_URL": "http://127.0.0.1:9/x"})) as url:
        assert url == "http://127.0.0.1:9/x"


def test_the_ready_line_names_a_request_to_try() -> None:
    assert "curl 'http://127.0.0.1:8001/gate?name=" in describe_ready(read_wishes({"PORT": "8001"}), 1.0)
