"""Run Statsig's older server SDK against a server: `python sdk_legacy.py < job`; see `test_server_sdks`."""

import json
import sys
import time

from statsig import StatsigEvent, StatsigOptions, StatsigUser, statsig

INTERVAL_S = 1


def main() -> None:
    """Start, answer, wait for the new spec, answer again, leave."""
    job = json.loads(sys.stdin.readline())
    options = StatsigOptions(
        api=f"{job['url']}/v1/",
        rulesets_sync_interval=INTERVAL_S,
        idlists_sync_interval=INTERVAL_S,
        disable_diagnostics=True,
    )
    statsig.initialize(job["key"], options)
    user = StatsigUser("u")
    deadline = time.monotonic() + 20
    while statsig.check_gate(StatsigUser("member-7"), "listed") is False and time.monotonic() < deadline:
        time.sleep(0.1)  # this SDK reads ID lists after it has started
    report(user)
    sys.stdin.readline()  # the test has written another spec
    deadline = time.monotonic() + 20
    while statsig.check_gate(user, "changing") is False and time.monotonic() < deadline:
        time.sleep(0.1)
    report(user)
    statsig.log_event(StatsigEvent(user, "server_bought", 1, {"sdk": "legacy"}))
    statsig.shutdown()


def report(user: StatsigUser) -> None:
    """Print what the SDK answers now."""
    answers = {
        "changing": statsig.check_gate(user, "changing"),
        "listed": statsig.check_gate(StatsigUser("member-7"), "listed"),
        "not_listed": statsig.check_gate(StatsigUser("stranger"), "listed"),
        "config": statsig.get_config(user, "config_a").value,
    }
    print(json.dumps(answers), flush=True)


main()
