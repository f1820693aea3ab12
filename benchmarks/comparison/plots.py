"""The plots of the docs: how reply times are spread, what the size of a spec costs, what connections cost.

A service has one colour in all of them, a solid line for fresh sandboxes and a dashed one for reused. What failed is
left out; the table says why.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import matplotlib.ticker
from matplotlib.figure import Figure

from benchmarks.comparison import services, specs
from benchmarks.comparison.load import thin_out
from benchmarks.comparison.plan import Case, Outcome
from benchmarks.comparison.verdicts import P50, RATE

FRESH: Final = (services.PAGED_FRESH, services.RAW_FRESH, services.SERVERLESS_FRESH, services.LITE_FRESH)
REUSED: Final = (services.PAGED_REUSED, services.RAW_REUSED, services.SERVERLESS_REUSED, services.LITE_REUSED)
COLOURS: Final = ("#0072b2", "#56b4e9", "#e69f00", "#d55e00")  # told apart by the colour-blind too
SIZES: Final = (specs.SMALL, specs.USUAL, specs.LARGE, specs.LARGEST)
CONNECTIONS: Final = (1, 2, 8)
POINTS: Final = 100  # of a distribution, however many requests there were: the file stays small


def draw_all(outcomes: Mapping[Case, Outcome], folder: Path) -> None:
    """Write every plot into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # The same IDs in every run, and text as text: a third of the size.
    mpl.rcParams.update({"svg.hashsalt": "gatelet", "svg.fonttype": "none", "font.family": "sans-serif"})
    for name, draw in (("latency", draw_latency), ("spec-size", draw_sizes), ("connections", draw_connections)):
        figure = Figure(figsize=(8, 4.2), layout="constrained")
        axes = figure.subplots()
        draw(axes, outcomes)
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        axes.grid(visible=True, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def style_of(service: str) -> dict[str, Any]:
    """Return how the line of a service looks."""
    place = FRESH.index(service) if service in FRESH else REUSED.index(service)
    return {"label": service, "color": COLOURS[place], "linestyle": "-" if service in FRESH else "--"}


def draw_latency(axes: Any, outcomes: Mapping[Case, Outcome]) -> None:
    """Draw the share of replies that took at most so long."""
    for name in (*FRESH, *REUSED):
        points = thin_out([time for load in outcomes[Case(name)].loads for time in load.times_ms], POINTS)
        if points:
            axes.plot([time for time, _ in points], [share for _, share in points], **style_of(name))
    axes.set(xscale="log", xlabel="ms until the reply", ylabel="share of checks")
    name_ticks(axes.xaxis)


def draw_sizes(axes: Any, outcomes: Mapping[Case, Outcome]) -> None:
    """Draw the median reply time against the size of the spec."""
    for name in FRESH:
        cases = [(size, outcomes[Case(name, spec=size)]) for size in SIZES]
        drawn = [(size, outcome.summarize(P50.of)) for size, outcome in cases if outcome.loads]
        axes.plot([size for size, _ in drawn], [value for _, value in drawn], marker="o", **style_of(name))
    axes.set(yscale="log", xlabel="spec", ylabel="p50, ms")
    name_ticks(axes.yaxis)


def draw_connections(axes: Any, outcomes: Mapping[Case, Outcome]) -> None:
    """Draw the replies a second against the connections."""
    for name in (*FRESH, *REUSED):
        rates = [outcomes[Case(name, connections=number)] for number in CONNECTIONS]
        drawn = [(number, one.summarize(RATE.of)) for number, one in zip(CONNECTIONS, rates, strict=True) if one.loads]
        axes.plot([str(n) for n, _ in drawn], [value for _, value in drawn], marker="o", **style_of(name))
    axes.set(yscale="log", xlabel="connections", ylabel="checks a second")
    name_ticks(axes.yaxis)


def name_ticks(axis: Any) -> None:
    """Name 1, 2 and 5 of every power of ten, as plain numbers."""
    axis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    axis.set_minor_formatter(mpl.ticker.NullFormatter())
