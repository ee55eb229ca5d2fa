"""How plots look: one style, colors that color-blind readers can tell apart, PNG bytes.

Colors are Okabe and Ito's (2008), in an order in which neighbors differ in lightness too; every
series has a marker of its own, so that color is never the only difference.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from lab.compiler.plan import ColumnPlan
from lab.runtime import numbers
from lab.runtime.evidence import Estimate
from lab.runtime.figure import Plot

__all__ = [
    "COLORS",
    "GRAY",
    "MARKERS",
    "axis_label",
    "errors_of",
    "label_beside",
    "legend_outside",
    "panels",
    "png",
    "room_on_the_right",
    "series_style",
]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GRAY = "#8C8C8C"
_INK = "#262626"
_DOTS_PER_INCH = 200

_STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9.5,
    "axes.labelcolor": _INK,
    "axes.edgecolor": "#4D4D4D",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def png(plot: Plot) -> bytes:
    """A plot as PNG; the same plot gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({**_STYLE}):
        figure = Figure(figsize=plot.size, dpi=_DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        plot.draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def axis_label(column: ColumnPlan, scale: numbers.Scale) -> str:
    """A metric with its unit, and which way is better."""
    unit = f" ({scale.suffix})" if scale.suffix else ""
    better = {"higher": ", higher is better", "lower": ", lower is better"}
    return f"{column.label}{unit}{better.get(column.better or '', '')}"


def series_style(index: int) -> dict[str, Any]:
    """Color and marker of a series; gray once the colors are used up."""
    if index >= len(COLORS):
        return {"color": GRAY, "marker": MARKERS[index % len(MARKERS)]}
    return {"color": COLORS[index], "marker": MARKERS[index]}


def errors_of(estimates: Sequence[Estimate], scale: numbers.Scale) -> list[list[float]]:
    """Lengths of the error bars, down and up; zero where there is no interval."""
    down, up = [], []
    for estimate in estimates:
        found = estimate.interval
        down.append(0.0 if found is None else max(0.0, estimate.mean - found.low) / scale.factor)
        up.append(0.0 if found is None else max(0.0, found.high - estimate.mean) / scale.factor)
    return [down, up]


def legend_outside(figure: Any, axes: Any, title: str = "") -> None:
    """A legend beside the axes, where it covers nothing; none for a single series."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        figure.legend(
            handles,
            labels,
            title=title,
            loc="outside right upper",
            alignment="left",
            title_fontsize=8.5,
        )


def label_beside(axes: Any, at: tuple[float, float], text: str) -> None:
    """A short text beside a mark, readable over lines."""
    from matplotlib.patheffects import withStroke

    axes.annotate(
        text,
        at,
        xytext=(6, 4),
        textcoords="offset points",
        fontsize=7.5,
        color=_INK,
        va="bottom",
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )


def room_on_the_right(axes: Any, share: float) -> None:
    """Make the axes longer by a share of their length, for labels beside the last marks."""
    low, high = axes.get_xlim()
    if axes.get_xscale() == "log":
        axes.set_xlim(low, high * (high / low) ** share)
    else:
        axes.set_xlim(low, high + (high - low) * share)


def panels(count: int) -> tuple[int, int]:
    """Rows and columns of small multiples."""
    columns = min(count, 3)
    return -(-count // columns), columns
