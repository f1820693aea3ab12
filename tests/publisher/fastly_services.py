"""What Fastly's API tells of one service and of the token that asks, on loopback; and the service's own /healthz."""

import json
from dataclasses import dataclass, field

from devhost.apis.serving import Call, Reply, reply_json
from edge.memory import MemoryPlatform
from edge.messages import Request
from edge.sandbox import Sandbox
from edge.service import answer

SERVICE = "service-test"


@dataclass
class Service:
    """A service, callable as an API; links are (name, ID, type)."""

    token: str
    links: list[tuple[str, str, str]] = field(default_factory=list)
    backends: dict[str, str] = field(default_factory=lambda: {"events": "events.statsigapi.net"})
    active: int | None = 3
    scope: str = "global"
    expires_at: str | None = None

    def __call__(self, call: Call) -> Reply | None:
        base = f"/service/{SERVICE}/version"
        if call.path != "/tokens/self" and not call.path.startswith("/service/"):
            return None
        if call.headers.get("fastly-key") != self.token:
            return reply_json(401, {"msg": "Provided credentials are missing or invalid"})
        match call.path:
            case "/tokens/self":
                return reply_json(200, {"name": "ci", "scope": self.scope, "expires_at": self.expires_at})
            case path if path == base:
                return reply_json(200, [{"number": one, "active": one == self.active} for one in (1, 2, 3)])
            case path if path == f"{base}/3/resource":
                rows = [{"name": name, "resource_id": store, "resource_type": kind} for name, store, kind in self.links]
                return reply_json(200, rows)
            case path if path == f"{base}/3/backend":
                return reply_json(200, [{"name": name, "address": to} for name, to in self.backends.items()])
        return reply_json(404, {"msg": "Record not found"})


@dataclass
class Edge:
    """The service itself, in this process, as far as /healthz goes: it reads its own stores."""

    settings: dict[str, str]
    specs: dict[str, bytes] = field(default_factory=dict)
    status: int | None = None

    def __call__(self, call: Call) -> Reply | None:
        if call.path != "/healthz":
            return None
        if self.status is not None:
            return Reply(self.status, b"<html>")
        platform = MemoryPlatform(self.settings, {})
        for key, value in self.specs.items():
            platform.put("gatelet-specs", key, value)
        reply = answer(Sandbox(platform), Request("GET", "/healthz", "", call.headers.get, lambda _limit: b""))
        json.loads(reply.body)
        return Reply(reply.status, reply.body, {"content-type": "application/json"})
