"""The user of a request, and what the connection knows where the request says nothing.

The connection is the user's own only when it comes with a client key: a server asks for its users from its own address.
Of such a connection count a public address and the agent of a browser; a loopback address or a program's library says
nothing about a user. Fastly's geolocation answers where the table of countries (IPv4 only) has none. What is filled in
is part of the user like anything that was sent: exposures carry it, as Statsig would see it without us in between.
"""

from collections.abc import Mapping
from typing import Final

from edge.callers.keys import Access
from edge.calls import Call
from edge.input.public_addresses import is_public
from edge.messages import refuse_input
from evaluator.country import find_country
from evaluator.errors import InvalidUser
from evaluator.user import User, decode_user

# Every browser begins like this since the nineties; libraries and command lines name themselves.
BROWSERS: Final = ("Mozilla/", "Opera/")
STABLE_IDS: Final = ("stableID", "stableid")


def read_user(call: Call, body: Mapping[str, object]) -> User:
    """Read the user of a body; raises a refusal."""
    if "user" not in body:
        raise refuse_input("user is missing")
    return complete_user(call, body["user"])


def complete_user(call: Call, value: object, stable_id: object = None) -> User:
    """Read a JSON value as a user and fill in what the request knows besides; raises a refusal."""
    try:
        user = decode_user(value)
    except InvalidUser as problem:
        raise refuse_input(str(problem)) from None
    added = {**find_stable_id(call, user, stable_id), **find_connection(call, user)}
    return User({**user.fields, **added}) if added else user


def find_stable_id(call: Call, user: User, stable_id: object) -> dict[str, object]:
    """Return the custom IDs with the stable ID that came beside the user, or in the cookie that the setting names."""
    known = user.custom_ids
    if known and any(name in known for name in STABLE_IDS):
        return {}
    if not stable_id and call.caller.access is Access.CLIENT:
        cookie = call.sandbox.client_settings.stable_id_cookie
        stable_id = read_cookie(call.request.find_header("cookie") or "", cookie) if cookie else ""
    return {"customIDs": {**known, "stableID": stable_id}} if stable_id else {}


def read_cookie(header: str, name: str) -> str:
    """Return the value of a cookie, or an empty text."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value.strip('"') for key, _, value in pairs if key == name), "")


def find_connection(call: Call, user: User) -> dict[str, object]:
    """Return the fields that only the connection knows."""
    fields = user.fields
    added: dict[str, object] = {}
    is_own = call.caller.access is Access.CLIENT
    ip = fields.get("ip")
    is_public_ip = is_public(ip)
    if ip is None and is_own and call.sandbox.client_settings.ip_from_connection:
        ip = call.request.find_client_ip()
        is_public_ip = is_public(ip)
        if is_public_ip:
            added["ip"] = ip
    if fields.get("userAgent") is None and is_own and call.sandbox.client_settings.user_agent_from_connection:
        agent = call.request.find_header("user-agent")
        if agent and agent.startswith(BROWSERS):
            added["userAgent"] = agent
    if is_public_ip and fields.get("country") is None:
        country = find_unlisted_country(call, str(ip))
        if country:
            added["country"] = country
    return added


def find_unlisted_country(call: Call, ip: str) -> str | None:
    """Ask Fastly for the country of an address that the table does not have."""
    if find_country(ip) is not None or not call.sandbox.client_settings.country_from_fastly:
        return None
    return call.sandbox.platform.find_country(ip)
