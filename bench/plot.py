"""The plot of a run: ratios to pgbench, ratios to the plain case, latency curves, CPU time."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from bench.figures import Figure
from bench.report import TIMES, Report

INK, MUTED, GRID = "#1f2933", "#7b8794", "#e4e7eb"
REFERENCE, MEASURED, SHORT = "#8291a0", "#2f6f8f", "#c8553d"
LINES_MIN = 3  # the least height of a chart, in bars
TICKS_MS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "grid.color": GRID,
}


def plot(report: Report, file: Path) -> None:
    """Draw the charts to the file. The chart of a measurement that was not taken says so."""
    figures = list(report.figures())
    with pyplot.rc_context(STYLE):
        picture = pyplot.figure(figsize=(13, 10.4), dpi=130)
        columns = picture.add_gridspec(1, 2, width_ratios=(1, 1), left=0.225, right=0.975, top=0.9, bottom=0.065, wspace=0.16)
        heights = [max(LINES_MIN, len(some)) for some in (beside_pgbench(figures), beside_plain(figures))]
        left = columns[0, 0].subgridspec(2, 1, height_ratios=heights, hspace=0.34)
        right = columns[0, 1].subgridspec(2, 1, height_ratios=(1.45, 1), hspace=0.42)
        draw_throughput(picture.add_subplot(left[0, 0]), figures)
        draw_plain(picture.add_subplot(left[1, 0]), figures)
        draw_latency(
            picture.add_subplot(right[0, 0]), report.measurements["latency"].result.raw if "latency" in report.measurements else {}
        )
        draw_cpu(picture.add_subplot(right[1, 0]), [figure for figure in figures if figure.name.startswith("cpu_")])
        picture.text(0.025, 0.962, "Teller beside pgbench", fontsize=15, fontweight="bold")
        picture.text(0.975, 0.964, subtitle(report), fontsize=9, color=MUTED, ha="right")
        picture.savefig(file)
        pyplot.close(picture)


def subtitle(report: Report) -> str:
    about = report.about
    when = f"{report.taken_at:%Y-%m-%d %H:%M} UTC"
    where = f"{about.machine['cores']} cores ({about.machine['cpu']}), everything on them"
    return f"{about.commit['commit']}, {when}, PostgreSQL {about.versions['PostgreSQL']}, {where}"


def beside_pgbench(figures: Sequence[Figure]) -> list[Figure]:
    return [figure for figure in figures if figure.to == "pgbench"]


def beside_plain(figures: Sequence[Figure]) -> list[Figure]:
    return [figure for figure in figures if figure.unit == "/s" and figure.to not in ("", "pgbench")]


def draw_throughput(axes: Axes, figures: Sequence[Figure]) -> None:
    axes.set_title("Transfers a second, where pgbench is 1")
    draw_ratios(axes, beside_pgbench(figures), lambda figure: figure.what.partition(", ")[0])


def draw_plain(axes: Axes, figures: Sequence[Figure]) -> None:
    axes.set_title("Requests a second, where the plain case is 1")
    draw_ratios(axes, beside_plain(figures), lambda figure: f"{figure.what.removesuffix(', 64 connections')} : {figure.to}")


def draw_ratios(axes: Axes, figures: Sequence[Figure], label: Callable[[Figure], str]) -> None:
    """A bar for each figure, with a line at the value that it must reach and a dotted one beyond; a bar that falls short is red."""
    if not figures:
        leave_empty(axes)
        return
    for place, figure in enumerate(figures):
        draw_bar(axes, place, figure)
    axes.axvline(1, color=REFERENCE, linewidth=1.2, zorder=1)
    axes.set_yticks(range(len(figures)), [label(figure) for figure in figures], fontsize=9)
    axes.set_ylim(len(figures) - 0.4, -0.6)
    axes.set_xlim(0, 1.3 * max(reach(figure) for figure in figures))
    axes.set_xlabel("line: must be reached; dotted: beyond; red: short of it", fontsize=8.5)
    axes.tick_params(length=0)
    axes.grid(axis="x", zorder=0)


def draw_bar(axes: Axes, place: int, figure: Figure) -> None:
    ratio = figure.ratio or 0.0
    must, beyond = (figure.target.must, figure.target.beyond) if figure.target else (None, None)
    axes.barh(place, ratio, height=0.6, color=SHORT if must and ratio < must else MEASURED, zorder=2)
    for at, line in ((must, "-"), (beyond, ":")):
        if at is not None:
            axes.plot([at, at], [place - 0.4, place + 0.4], color=INK, linewidth=1.8, linestyle=line, zorder=3)
    text = f"{ratio:.2f} {TIMES}   {figure.value:,.0f}/s"
    axes.annotate(text, (reach(figure), place), xytext=(7, 0), textcoords="offset points", va="center", fontsize=9)


def reach(figure: Figure) -> float:
    """The larger of the ratio and its targets: the right end of the bar and its lines."""
    targets = (figure.target.must, figure.target.beyond or 0.0) if figure.target else ()
    return max(figure.ratio or 0.0, *targets, 0.0)


def draw_latency(axes: Axes, raw: Mapping[str, Any]) -> None:
    axes.set_title("From submit to final, at 100 a second")
    if not raw:
        leave_empty(axes)
        return
    draw_curve(axes, raw["teller_ms"], "a transfer by Teller, over HTTP", MEASURED)
    draw_curve(axes, raw["rq_ms"], "a job that does nothing, by RQ", REFERENCE)
    axes.set_xscale("log")
    axes.set_xticks(TICKS_MS, [f"{tick:g}" for tick in TICKS_MS])
    axes.xaxis.set_minor_locator(NullLocator())
    every = [*raw["teller_ms"].values(), *raw["rq_ms"].values()]
    axes.set_xlim(0.8 * min(every), 1.25 * max(every))
    axes.set_xlabel("milliseconds (logarithmic)")
    axes.set_ylabel("percent that are final by then")
    axes.set_ylim(0, 101)
    axes.tick_params(length=0)
    axes.grid()
    axes.legend(frameon=False, loc="lower right")


def draw_curve(axes: Axes, curve: Mapping[str, float], name: str, color: str) -> None:
    axes.plot(list(curve.values()), [float(percent) for percent in curve], color=color, linewidth=2.2, label=name)
    for percent in ("50", "95"):
        axes.plot(curve[percent], float(percent), "o", color=color, markersize=5)
        text = f"p{percent} {curve[percent]:.1f}"
        axes.annotate(text, (curve[percent], float(percent)), xytext=(8, -11), textcoords="offset points", color=color, fontsize=9)


def draw_cpu(axes: Axes, figures: Sequence[Figure]) -> None:
    axes.set_title("CPU time of a single POST, submit to final")
    if not figures:
        leave_empty(axes)
        return
    axes.barh(range(len(figures)), [figure.value for figure in figures], height=0.6, color=MEASURED, zorder=2)
    for place, figure in enumerate(figures):
        axes.annotate(
            f"{figure.value:.0f}", (figure.value, place), xytext=(7, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.set_yticks(range(len(figures)), [figure.what.rpartition(": ")[2] for figure in figures])
    axes.set_ylim(len(figures) - 0.4, -0.6)
    axes.set_xlim(0, 1.15 * max(figure.value for figure in figures))
    axes.set_xlabel(f"µs a transfer; {sum(figure.value for figure in figures):.0f} in all")
    axes.tick_params(length=0)
    axes.grid(axis="x", zorder=0)


def leave_empty(axes: Axes) -> None:
    axes.text(0.5, 0.5, "not measured", ha="center", va="center", color=MUTED, transform=axes.transAxes)
    axes.set_xticks([])
    axes.set_yticks([])
