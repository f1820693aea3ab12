"""Run the probing guest under each host, and ask it."""

import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import tomli_w

from devhost.build import COMPONENT, Recipe, build_component
from devhost.hosts import embedded_command, native_command, viceroy_command
from tests.component.serving import NATIVE, VICEROY, find_free_port, require_viceroy, running_host

GUEST = Recipe(COMPONENT.with_name("probe.wasm"), "tests.hosts.probe", ())
SOURCE = Path(__file__).with_name("probe.py")
SEEN = SOURCE.with_name("seen.json")
SLOW_SECONDS = 0.5


class Echo(http.server.BaseHTTPRequestHandler):
    """A backend that says what it got; below `/slow` after a while."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if self.path.startswith("/slow"):
            time.sleep(SLOW_SECONDS)
        content = self.read_content()
        headers = {name.lower(): value for name, value in self.headers.items()}
        text = {"method": self.command, "path": self.path, "headers": headers, "body": content.decode()}
        body = json.dumps(text).encode()
        self.send_response(200)
        self.send_header("x-echo", "yes")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815  # the name that http.server looks for

    def read_content(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", "0")))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


class EchoServer(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: a host that ends resets the connections it kept."""


@contextmanager
def running_echo() -> Iterator[str]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def write_manifest(path: Path, echo: str) -> None:
    """What the probes expect around them."""
    backends = {
        "echo": {"url": echo},
        "slow": {"url": f"{echo}/slow"},
        "down": {"url": f"http://127.0.0.1:{find_free_port()}"},
        "named": {"url": "https://named.test:8443", "override_host": "over.test"},
    }
    server = {
        "backends": backends,
        "kv_stores": {"probes": [{"key": "given", "data": "from the manifest", "metadata": "noted"}]},
        "config_stores": {"settings": {"format": "inline-toml", "contents": {"word": "value", "empty": ""}}},
        "secret_stores": {"keys": [{"key": "key", "data": "hidden"}]},
        "geolocation": {
            "format": "inline-toml",
            "addresses": {"10.1.2.3": {"country_code": "DE", "city": "Berlin", "latitude": 52.5}},
        },
    }
    document = {"manifest_version": 3, "name": "probe", "language": "other", "local_server": server}
    path.write_text(tomli_w.dumps(document), encoding="utf-8")


@contextmanager
def running_guest(host: str, folder: Path) -> Iterator[httpx.Client]:
    """Serve the guest under a host."""
    with running_echo() as echo:
        write_manifest(folder / "fastly.toml", echo)
        port = find_free_port()
        command = guest_command(host, folder / "fastly.toml", port)
        with (
            running_host(command, folder / "host.log", port),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        ):
            yield client


def guest_command(host: str, manifest: Path, port: int) -> list[str]:
    """The command of a host."""
    if host == NATIVE:
        return [*native_command(manifest, port), "--entry", GUEST.entry]
    build_component(GUEST)
    return (
        viceroy_command(require_viceroy(), manifest, port, GUEST.component)
        if host == VICEROY
        else embedded_command(manifest, port, component=GUEST.component)
    )


def list_probes() -> list[str]:
    """The names of the probes, read from the source, which only a host can import."""
    names = re.findall(r"^def probe_(\w+)", SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    return sorted(name.replace("_", "-") for name in names)


def ask(client: httpx.Client, name: str) -> object:
    """What a probe saw; the status when it ended in a trap."""
    reply = client.get(f"/{name}", headers={"x-asked": "yes"})
    return reply.json() if reply.status_code == 200 else {"status": reply.status_code}
