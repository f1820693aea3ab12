"""Kill pushes at random moments while a client asks: `python -m tests.publisher.killed --moments 50`.

A push runs in a process of its own against Fastly's API on loopback, whose KV store a service answers from at the same
time. Two gates say together which spec answers (`tests.component.publishing`), so a mixture of two specs would show.
The process gets SIGKILL after a random number of its calls to the API, up to the number that a whole push needs, and
up to 40 ms later, while it waits for the next answer. Then the service is asked, the same push is made again without
harm, and the service is asked once more, when its sync interval has passed: it has to answer from the new spec.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from devhost.apis.serving import ApiServer, Noted
from devhost.apis.trouble import Trouble
from devhost.fastly.kv import KvStore
from publisher.sources.pulled import Pulled, write_pulled
from tests.component.publishing import SPEC_KEY, SYNC_MS, Seen, ask, is_mixed, running
from tests.publisher.kv_server import STORE_ID, TOKEN, running_store
from tests.publisher.made_specs import FIRST_TIME, make_list, make_pulled

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS_PER_CALL = 0.04
SECONDS = 60.0


class Outcome(NamedTuple):
    """What was seen over all moments."""

    killed: int  # pushes that ended so; those that were done before are not counted, and there were more instead
    killed_between: int  # of these, those that had written something and not all of it
    replies: int
    mixed: list[Seen]
    behind: list[int]  # numbers of specs that did not answer after their second push
    exits: list[int]  # of the second pushes


def pull(folder: Path, number: int) -> Path:
    """Write spec number N with its list, which grows, as `gatelet pull` would."""
    pulled = make_pulled(number, {"list": make_list(20_000 + 50 * number)})
    target = folder / f"pulled-{number}"
    write_pulled(target, Pulled(pulled.spec, pulled.lists))
    return target


def start_push(server: ApiServer, folder: Path) -> subprocess.Popen[bytes]:
    """Start to push a folder."""
    command = [sys.executable, "-m", "publisher.cli", "push", "fastly", str(folder), "--at", STORE_ID]
    variables = {"FASTLY_API_TOKEN": TOKEN, "FASTLY_API_URL": server.url, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, "--spec-key", SPEC_KEY],
        env={**os.environ, **variables},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Deadly(list[Noted]):
    """Notes the calls to a server, and kills a push after so many of them and a moment more."""

    def __init__(self, calls: int, delay: float) -> None:
        super().__init__()
        self.push: subprocess.Popen[bytes] | None = None
        self._calls = calls
        self._delay = delay

    def append(self, noted: Noted) -> None:
        """Note a call; it was carried out, and its answer has not been sent."""
        super().append(noted)
        if len(self) == self._calls and self.push is not None:
            threading.Timer(self._delay, self.push.kill).start()


def push_and_kill(server: ApiServer, folder: Path, calls: int, delay: float) -> bool:
    """Push, and kill that after some calls; tells whether it had not ended by itself."""
    deadly = Deadly(calls, delay)
    server.noted = deadly
    deadly.push = start_push(server, folder)
    return deadly.push.wait(SECONDS) < 0


def count_calls(server: ApiServer, folder: Path) -> int:
    """Push without harm and return how many calls that took."""
    begun = len(server.noted)
    assert start_push(server, folder).wait(SECONDS) == 0
    return len(server.noted) - begun


def kill_pushes(moments: int, seed: int) -> Outcome:
    """Kill pushes at random moments while a client asks."""
    chance = random.Random(seed)
    store = KvStore()
    seen: list[Seen] = []
    ending = threading.Event()
    killed, between, behind, exits = 0, 0, [], []
    with tempfile.TemporaryDirectory() as name, running_store(store) as server, running(store, component=False) as host:
        folder = Path(name)
        server.api.troubles.set(Trouble("slow", seconds=SECONDS_PER_CALL))
        count_calls(server.api, pull(folder, 0))
        calls = count_calls(server.api, pull(folder, 1))

        def keep_asking() -> None:
            while not ending.is_set():
                seen.append(ask(host))
                time.sleep(0.05)

        client = threading.Thread(target=keep_asking)
        client.start()
        for number in range(2, 2 * moments + 2):
            if killed == moments:
                break
            pulled = pull(folder, number)
            before = list_generations(store)
            was_killed = push_and_kill(server.api, pulled, chance.randint(1, calls), chance.uniform(0, 0.04))
            killed += was_killed
            between += was_killed and list_generations(store) != before
            seen.append(ask(host))
            exits.append(start_push(server.api, pulled).wait(SECONDS))
            time.sleep(2 * SYNC_MS / 1000)
            last = ask(host)
            behind += [number] if last.spec_time != FIRST_TIME + number or "paged" not in last.source else []
        ending.set()
        client.join(SECONDS)
    return Outcome(killed, between, len(seen), [one for one in seen if is_mixed(one)], behind, exits)


def list_generations(store: KvStore) -> dict[str, int]:
    """What is in the store, but for the lease."""
    found = {}
    for key in json.loads(store.list_keys(None, None, 100_000))["data"]:
        value = store.lookup(key)
        if value is not None and not key.endswith("/lease"):
            found[key] = value.generation
    return found


def main() -> int:
    """Kill pushes, and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.publisher.killed", description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found = kill_pushes(arguments.moments, arguments.seed)
    print(f"{found.killed} pushes were killed, {found.killed_between} with something written; seed {arguments.seed}")
    print(f"{found.replies:,} replies, {len(found.mixed)} mixed or failed: {found.mixed[:3]}")
    print(f"second pushes that failed: {sum(map(bool, found.exits))}; specs that did not answer then: {found.behind}")
    return 1 if found.mixed or found.behind or any(found.exits) or found.killed < arguments.moments else 0


if __name__ == "__main__":
    sys.exit(main())
