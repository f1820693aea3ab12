"""List the calls that a fresh sandbox makes to its host for one gate check: `python -m benchmarks.host_calls`.

Each line has the fuel spent since the call before, so what a call costs in the bindings stands half in its own line
(its arguments) and half in the next (its result). Fuel is counted as in `benchmarks/fuel.py`; resources that the guest
lets go are calls too, named like their interface's type.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise

from benchmarks.fuel import ask_gate, make_service
from benchmarks.large_spec import encode
from benchmarks.made_spec import make_spec
from devhost.build import COMPONENT, build_component
from devhost.embedded.fuel import REPLY, Scenario, check_answer
from devhost.embedded.sandbox import Host, Mark
from devhost.embedded.wasi import fixed_world
from devhost.fastly.hosting import Limits
from devhost.fastly.service import Service, prepare_backends
from devhost.local_store import PAGED, RAW

START = Mark("start", 0)


def list_calls(service: Service, scenario: Scenario) -> list[Mark]:
    """Return the calls of a sandbox that takes one request, in order, the fuel of each since the call before."""
    limits = Limits(requests=1)
    with Host(COMPONENT, prepare_backends(service), limits=limits, count_fuel=True, make_world=fixed_world) as host:
        exchange = scenario.exchange()
        sandbox = host.start(exchange)
        check_answer(scenario, exchange)
        host.join(sandbox)
        end = Mark("end", sandbox.fuel)
        return [Mark(now.function, now.fuel - earlier.fuel) for earlier, now in pairwise([START, *sandbox.trace, end])]


def describe_calls(calls: list[Mark]) -> Iterator[str]:
    """Yield a line for each call, and the sums before and after the reply."""
    at_reply = 1 + next(place for place, call in enumerate(calls) if call.function == REPLY)
    for title, part in (("before the reply", calls[:at_reply]), ("after the reply", calls[at_reply:])):
        yield from (f"{call.fuel:>11,}  {call.function}" for call in part)
        yield f"{sum(call.fuel for call in part):>11,}  {len(part)} calls {title}"


def main() -> None:
    """Build, ask, list."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.host_calls", description=__doc__)
    parser.add_argument("--layout", choices=(PAGED, RAW), default=PAGED)
    arguments = parser.parse_args()
    build_component()
    calls = list_calls(make_service(encode(make_spec()), arguments.layout), ask_gate("gate", "gate_number_7"))
    print("\n".join(describe_calls(calls)))


if __name__ == "__main__":
    main()
