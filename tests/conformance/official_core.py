"""Run the official evaluation core (`statsig_python_core`) on one spec, without reaching beyond this machine.

The core insists on fetching its spec, so a loopback server hands it over: the spec, the ID lists, and a place to post
events. The core also knows addresses of its own (error reports); all its traffic is sent through the same server as a
proxy, which refuses every other host and remembers the refusal.

    with OfficialCore(spec, id_lists={"beta": ["+6wSPnKa2"]}) as core:
        assert core.check_gate({"userID": "ada"}, "new_search")

A user is taken literally as JSON, so numbers, nulls and odd types reach the core as they are.
"""

import gzip
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self, cast
from urllib.parse import unquote, urlsplit

from statsig_python_core import (
    DynamicConfigEvaluationOptions,
    ExperimentEvaluationOptions,
    FeatureGateEvaluationOptions,
    LayerEvaluationOptions,
    ProxyConfig,
    Statsig,
    StatsigOptions,
    StatsigUser,
)

type Json = dict[str, Any]

SDK_KEY = "secret-loopback"
HOST = "127.0.0.1"
NEVER_MS = 3_600_000


def build_official_user(user: Mapping[str, Any]) -> StatsigUser:
    """Build the core's user from JSON, keeping types that its constructor would refuse."""
    official = StatsigUser("")
    official.__setstate__(json.dumps(user).encode())
    return official


@contextmanager
def ending_with_the_core() -> Iterator[None]:
    """End the block, and nothing else, when the core panics.

    Now and then it does so when `eq` or `neq` compares arrays of different lengths: it reads one by the indices of the
    other, in an order that differs from process to process.
    """
    try:
        yield
    except BaseException as problem:  # a PanicException is none of Exception, and cannot be imported
        if type(problem).__name__ != "PanicException":
            raise


class OfficialCore:
    """One SDK instance on one spec; a context manager.

    Exposures are off unless `exposures=True`; then `flush_events` returns what the core would have sent to Statsig, or
    nothing when `keeps_events=False` throws it away unread.
    `statsig` is the instance itself, for overrides and manual exposures.
    """

    def __init__(
        self,
        spec: Mapping[str, Any] | str,
        *,
        id_lists: Mapping[str, Iterable[str]] | None = None,
        environment: str | None = None,
        global_custom_fields: Mapping[str, Any] | None = None,
        exposures: bool = False,
        keeps_events: bool = True,
    ) -> None:
        text = spec if isinstance(spec, str) else json.dumps(spec)
        lists = {name: "".join(f"{line}\n" for line in lines) for name, lines in (id_lists or {}).items()}
        self._server = LoopbackServer(text, lists, keeps_events=keeps_events)
        self._exposures = exposures
        self.statsig = Statsig(
            SDK_KEY,
            StatsigOptions(
                specs_url=f"{self._server.url}/v2/download_config_specs",
                id_lists_url=f"{self._server.url}/v1/get_id_lists",
                log_event_url=f"{self._server.url}/v1/log_event",
                proxy_config=ProxyConfig(proxy_host=HOST, proxy_port=self._server.port, proxy_protocol="http"),
                specs_sync_interval_ms=NEVER_MS,
                id_lists_sync_interval_ms=NEVER_MS,
                enable_id_lists=bool(lists),
                environment=environment,
                global_custom_fields=global_custom_fields,
                disable_all_logging=not exposures,
                event_logging_flush_interval_ms=NEVER_MS,
                wait_for_country_lookup_init=True,
                wait_for_user_agent_init=True,
                disable_disk_access=True,
                output_log_level="none",
            ),
        )

    def __enter__(self) -> Self:
        self._server.start()
        details = self.statsig.initialize_with_details().result()
        if not (details.init_success and details.is_config_spec_ready):
            self.close()
            raise ValueError(f"the official core did not accept the spec (source {details.source})")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.statsig.shutdown().wait()
        self._server.stop()

    def check_gate(self, user: Mapping[str, Any] | StatsigUser, name: str) -> bool:
        return bool(self.get_feature_gate(user, name)["value"])

    def get_feature_gate(self, user: Mapping[str, Any] | StatsigUser, name: str) -> Json:
        options = FeatureGateEvaluationOptions(disable_exposure_logging=not self._exposures)
        return self.statsig._INTERNAL_get_feature_gate(_official(user), name, options)

    def get_dynamic_config(self, user: Mapping[str, Any] | StatsigUser, name: str) -> Json:
        options = DynamicConfigEvaluationOptions(disable_exposure_logging=not self._exposures)
        return self.statsig._INTERNAL_get_dynamic_config(_official(user), name, options)

    def get_experiment(self, user: Mapping[str, Any] | StatsigUser, name: str) -> Json:
        options = ExperimentEvaluationOptions(disable_exposure_logging=not self._exposures)
        return self.statsig._INTERNAL_get_experiment(_official(user), name, options)

    def get_layer(self, user: Mapping[str, Any] | StatsigUser, name: str) -> Json:
        options = LayerEvaluationOptions(disable_exposure_logging=not self._exposures)
        return self.statsig._INTERNAL_get_layer(_official(user), name, options)

    def get_client_initialize_response(
        self,
        user: Mapping[str, Any] | StatsigUser,
        hash_algorithm: str = "none",
        client_sdk_key: str | None = None,
        include_local_overrides: bool | None = None,
    ) -> Json:
        text = self.statsig.get_client_initialize_response(
            _official(user), hash_algorithm, client_sdk_key, include_local_overrides
        )
        return cast(Json, json.loads(text))

    def flush_events(self) -> list[Json]:
        """Return the events recorded since the last call, diagnostics left out."""
        self.statsig.flush_events().wait()
        return [event for event in self._server.take_events() if event["eventName"] != "statsig::diagnostics"]

    @property
    def refused_hosts(self) -> list[str]:
        return self._server.refused


def _official(user: Mapping[str, Any] | StatsigUser) -> StatsigUser:
    return user if isinstance(user, StatsigUser) else build_official_user(user)


class LoopbackServer:
    """What the core needs of Statsig's hosts, on a free port of this machine."""

    def __init__(self, spec: str, id_lists: Mapping[str, str], *, keeps_events: bool = True) -> None:
        self.spec = spec
        self.keeps_events = keeps_events
        self.id_lists = id_lists
        self.refused: list[str] = []
        self._events: list[Json] = []
        self._http = ThreadingHTTPServer((HOST, 0), type("Handler", (_Handler,), {"owner": self}))
        self.port: int = self._http.server_address[1]
        self.url = f"http://{HOST}:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def describe_id_lists(self) -> Json:
        return {
            name: {
                "name": name,
                "size": len(lines),
                "url": f"{self.url}/id_list/{name}",
                "creationTime": 1,
                "fileID": f"file-{name}",
            }
            for name, lines in self.id_lists.items()
        }

    def keep_events(self, body: bytes) -> None:
        self._events += json.loads(body)["events"]

    def take_events(self) -> list[Json]:
        events, self._events = self._events, []
        return events


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[LoopbackServer]
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        self._refuse(self.path)

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        if target.netloc not in ("", f"{HOST}:{self.owner.port}"):
            self._refuse(target.netloc)
        elif "/download_config_specs" in target.path:
            self._reply(self.owner.spec)
        elif target.path.startswith("/v1/get_id_lists"):
            self._reply(json.dumps(self.owner.describe_id_lists()))
        elif target.path.startswith("/id_list/"):
            self._reply(self.owner.id_lists[unquote(target.path.removeprefix("/id_list/"))])
        else:
            self._reply("{}", 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not urlsplit(self.path).path.startswith("/v1/log_event"):
            self.do_GET()
            return
        if self.owner.keeps_events:
            self.owner.keep_events(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        self._reply('{"success": true}', 202)

    def _refuse(self, host: str) -> None:
        self.owner.refused.append(host)
        self.close_connection = True
        self._reply("{}", 403)

    def _reply(self, text: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep test output quiet."""
