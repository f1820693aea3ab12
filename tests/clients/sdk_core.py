"""Run Statsig's current server SDK against a server: `python sdk_core.py < job`; see `test_server_sdks`."""

import json
import sys
import time

from statsig_python_core import Statsig, StatsigOptions, StatsigUser

INTERVAL_MS = 1_000


def main() -> None:
    """Start, answer, wait for the new spec, answer again, leave."""
    job = json.loads(sys.stdin.readline())
    options = StatsigOptions(
        specs_url=f"{job['url']}/v2/download_config_specs",
        id_lists_url=f"{job['url']}/v1/get_id_lists",
        log_event_url=f"{job['url']}/v1/log_event",
        enable_id_lists=True,
        specs_sync_interval_ms=INTERVAL_MS,
        id_lists_sync_interval_ms=INTERVAL_MS,
        disable_disk_access=True,
    )
    statsig = Statsig(job["key"], options)
    statsig.initialize().wait()
    user = StatsigUser(user_id="u")
    report(statsig, user)
    sys.stdin.readline()  # the test has written another spec
    deadline = time.monotonic() + 20
    while statsig.check_gate(user, "changing") is False and time.monotonic() < deadline:
        time.sleep(0.1)
    report(statsig, user)
    statsig.log_event(user, "server_bought", 1, {"sdk": "core"})
    statsig.shutdown().wait()


def report(statsig: Statsig, user: StatsigUser) -> None:
    """Print what the SDK answers now."""
    answers = {
        "changing": statsig.check_gate(user, "changing"),
        "listed": statsig.check_gate(StatsigUser(user_id="member-7"), "listed"),
        "not_listed": statsig.check_gate(StatsigUser(user_id="stranger"), "listed"),
        "config": statsig.get_dynamic_config(user, "config_a").value,
    }
    print(json.dumps(answers), flush=True)


main()
