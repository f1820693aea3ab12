"""What the project promises beside its peers, each promise judged by one ratio of this run."""

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import NamedTuple

from benchmarks.comparison import services, specs
from benchmarks.comparison.load import Load
from benchmarks.comparison.plan import Case, Outcome
from benchmarks.comparison.questions import CHECK, INITIALIZE


class Figure(NamedTuple):
    """A figure of a load."""

    name: str
    unit: str
    of: Callable[[Load], float]


P50 = Figure("p50", "ms", lambda load: median(load.times_ms))
P95 = Figure("p95", "ms", lambda load: sorted(load.times_ms)[len(load.times_ms) * 95 // 100])
RATE = Figure("rate", "requests/s", lambda load: load.per_second)
FAULTS = Figure("faults", "page faults/request", lambda load: load.faults)
CPU = Figure("cpu", "ms/request", lambda load: load.cpu_ms)


class Promise(NamedTuple):
    """A ratio that has to be at least or at most so much."""

    figure: Figure
    ours: Case
    theirs: Case
    bound: float
    is_least: bool

    def describe_bound(self) -> str:
        """Return what the ratio has to be."""
        return f"at {'least' if self.is_least else 'most'} {self.bound:g}"


class Verdict(NamedTuple):
    """What became of a promise; no ratio when one side failed, but the side that did."""

    promise: Promise
    ratio: float | None
    failed: str = ""

    @property
    def is_kept(self) -> bool:
        """Tell whether the ratio is as promised; a peer that fails is not beaten: nothing was compared."""
        if self.ratio is None:
            return False
        return self.ratio >= self.promise.bound if self.promise.is_least else self.ratio <= self.promise.bound

    def describe_outcome(self) -> str:
        """Say what became of it in a word, and of one that was not measured why."""
        return "kept" if self.is_kept else f"BROKEN: {self.failed}" if self.failed else "BROKEN"

    def describe_ratio(self) -> str:
        """Return the ratio, or that there is none."""
        return "none" if self.ratio is None else f"{self.ratio:.2f}"


def describe_case(case: Case) -> str:
    """Name a case in a line."""
    more = f", {case.connections} connections" if case.connections > 1 else ""
    return f"{case.service}, {case.question}, {case.spec}{more}"


def list_promises() -> Iterator[Promise]:
    """Yield every promise."""
    lite, lite_reused = Case(services.LITE_FRESH), Case(services.LITE_REUSED)
    paged, reused = Case(services.PAGED_FRESH), Case(services.PAGED_REUSED)
    yield Promise(RATE, paged, lite, 4.0, is_least=True)
    yield Promise(P50, paged, lite, 0.25, is_least=False)
    yield Promise(RATE, Case(services.RAW_FRESH), lite, 1.2, is_least=True)
    yield Promise(RATE, reused, lite_reused, 8.0, is_least=True)
    yield Promise(P50, reused, lite_reused, 0.12, is_least=False)
    yield Promise(RATE, paged, Case(services.SERVERLESS_FRESH), 2.5, is_least=True)
    yield Promise(RATE, reused, Case(services.SERVERLESS_REUSED), 5.0, is_least=True)
    # Without the raw value, which Viceroy copies whole at each look-up, read or not.
    alone = Case(services.ALONE_FRESH)
    yield Promise(P50, alone._replace(spec=specs.LARGEST), alone, 1.3, is_least=False)
    for ours, theirs in ((services.PAGED_FRESH, services.LITE_FRESH), (services.PAGED_REUSED, services.LITE_REUSED)):
        yield Promise(P50, Case(ours, INITIALIZE), Case(theirs, INITIALIZE), 1.0, is_least=False)
    yield Promise(P50, Case(services.PAGED_REUSED, INITIALIZE), reused, 3.0, is_least=False)
    yield Promise(RATE, paged._replace(connections=8), lite._replace(connections=8), 3.0, is_least=True)


def find_ratio(outcomes: Mapping[Case, Outcome], figure: Figure, ours: Case, theirs: Case) -> float | None:
    """Return the median over the rounds of one case's figure by another's; None where one of them failed."""
    pairs = zip(outcomes[ours].loads, outcomes[theirs].loads, strict=False)
    ratios = [figure.of(mine) / figure.of(other) for mine, other in pairs if figure.of(other)]
    return median(ratios) if ratios else None


def judge(outcomes: Mapping[Case, Outcome]) -> list[Verdict]:
    """Return what became of every promise that this run can judge."""
    able = (one for one in list_promises() if one.ours in outcomes and one.theirs in outcomes)
    return [
        Verdict(one, find_ratio(outcomes, one.figure, one.ours, one.theirs), find_failed(outcomes, one)) for one in able
    ]


def find_failed(outcomes: Mapping[Case, Outcome], promise: Promise) -> str:
    """Say which side of a promise has no figures; empty when both have."""
    if not outcomes[promise.ours].loads:
        return f"{promise.ours.service} gave no right answer"
    if outcomes[promise.theirs].loads:
        return ""
    is_peer = promise.theirs.service not in services.OURS
    return "the peer gave no right answer" if is_peer else f"{promise.theirs.service} gave no right answer"


def find_baseline(case: Case) -> Case | None:
    """Return the case that a figure is compared with: that of statsig-node-lite."""
    reuse = services.REUSED if case.service.endswith(services.REUSED) else services.FRESH
    baseline = case._replace(service=services.name_of("statsig-node-lite", reuse))
    return None if case.question not in (CHECK, INITIALIZE) or baseline == case else baseline
