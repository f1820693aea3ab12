"""The plots of the docs: how reply times are spread, what the size of a spec costs, what connections cost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.comparison import services, specs
from benchmarks.comparison.plan import Case, Outcome
from benchmarks.comparison.verdicts import P50, RATE

FRESH: Final = (services.PAGED_FRESH, services.RAW_FRESH, services.SERVERLESS_FRESH, services.LITE_FRESH)
REUSED: Final = (services.PAGED_REUSED, services.RAW_REUSED, services.SERVERLESS_REUSED, services.LITE_REUSED)
SIZES: Final = (specs.SMALL, specs.USUAL, specs.LARGE, specs.LARGEST)
CONNECTIONS: Final = (1, 2, 8)


def draw_all(outcomes: Mapping[Case, Outcome], folder: Path) -> None:
    """Write every plot into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams["svg.hashsalt"] = "gatelet"  # the same IDs in every run
    for name, draw in (("latency", draw_latency), ("spec-size", draw_sizes), ("connections", draw_connections)):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        draw(axes, outcomes)
        axes.legend(fontsize=8)
        axes.grid(visible=True, alpha=0.3)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def draw_latency(axes: Any, outcomes: Mapping[Case, Outcome]) -> None:
    """Draw the share of replies that took at most so long."""
    for name in (*FRESH, *REUSED):
        times = sorted(time for load in outcomes[Case(name)].loads for time in load.times_ms)
        shares = [(number + 1) / len(times) for number in range(len(times))]
        axes.plot(times, shares, label=name, linestyle="-" if name in FRESH else "--")
    axes.set(xscale="log", xlabel="ms until the reply", ylabel="share of checks", title="Reply times, one connection")


def draw_sizes(axes: Any, outcomes: Mapping[Case, Outcome]) -> None:
    """Draw the median reply time against the size of the spec."""
    for name in FRESH:
        cases = [(size, outcomes[Case(name, spec=size)]) for size in SIZES]
        drawn = [(size, outcome.summarize(P50.of)) for size, outcome in cases if outcome.loads]
        axes.plot([size for size, _ in drawn], [value for _, value in drawn], marker="o", label=name)
    axes.set(yscale="log", xlabel="spec", ylabel="p50, ms", title="A fresh check as the spec grows")


def draw_connections(axes: Any, outcomes: Mapping[Case, Outcome]) -> None:
    """Draw the replies a second against the connections."""
    for name in (*FRESH, *REUSED):
        rates = [outcomes[Case(name, connections=number)] for number in CONNECTIONS]
        drawn = [(number, one.summarize(RATE.of)) for number, one in zip(CONNECTIONS, rates, strict=True) if one.loads]
        style = "-" if name in FRESH else "--"
        axes.plot([n for n, _ in drawn], [value for _, value in drawn], style, marker="o", label=name)
    axes.set(yscale="log", xlabel="connections", ylabel="checks a second", title="Checks a second, two processors")
