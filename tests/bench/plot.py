# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plot of the results."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from methods import HOSTS, METHODS, title
from results import runs, seconds

# Okabe and Ito's colours, which people with any colour vision can tell apart; a shape for each besides.
MILESTONES = {
    "kubelet": ("kubelet started", "#999999", "|"),
    "api": ("API healthy", "#56B4E9", "o"),
    "ready": ("node Ready", "#009E73", "D"),
    "pod": ("first pod Running", "#E69F00", "^"),
    "static pods": ("static pods visible", "#CC79A7", "s"),
}
LEFT_OUT = ("fetched",)
HEIGHT = 0.55
FEWEST_ROWS = 5
BARS = {"ready": ("until all are Ready", "#009E73"), "end": ("with nothing to do", "#0072B2")}


def draw(results: dict[str, Any], paths: Iterable[Path]) -> None:
    """Write the plot into files, each in the format its name says."""
    mpl.rcParams["svg.hashsalt"] = "mink8s"
    drawing = Drawing(figsize=(11, 4.8), layout="constrained")
    left, right = drawing.subplots(1, 2, width_ratios=(3, 2))
    _draw_milestones(left, results)
    _draw_hosts(right, results)
    for path in paths:
        undated = {"Date": None} if path.suffix == ".svg" else None
        drawing.savefig(path, dpi=120, metadata=undated)


def _draw_milestones(axes: Axes, results: dict[str, Any]) -> None:
    """Each method in a row: every run's milestones, and a line from first to last of their medians."""
    keys = [key for key in METHODS if runs(results, key) and key not in LEFT_OUT]
    for row, key in enumerate(reversed(keys)):
        medians = [found.median for name in MILESTONES if (found := seconds(results, key, name))]
        axes.plot(
            [0, max(medians)], [row, row], color="#DDDDDD", linewidth=6, zorder=1, solid_capstyle="butt"
        )
        for name, (label, colour, shape) in MILESTONES.items():
            times = [run["seconds"][name] for run in runs(results, key) if name in run["seconds"]]
            axes.scatter(
                times,
                [row] * len(times),
                s=70 if shape == "|" else 36,
                color=colour,
                marker=shape,
                label=label if row == 0 else None,
                zorder=2,
                alpha=0.8,
            )
    axes.set_yticks(range(len(keys)), [title(key).replace("`", "") for key in reversed(keys)])
    axes.set_xlabel("seconds since the start, every run")
    _finish(axes, "To a cluster", len(keys))


def _draw_hosts(axes: Axes, results: dict[str, Any]) -> None:
    """Bars for several hosts at once, and for runs with nothing to do, with minimum and maximum."""
    names = sorted((key for key in results["methods"] if key.startswith(f"{HOSTS}-")), key=_order)
    bars = [*(key for key in ("again", "check") if runs(results, key)), *names]
    for row, key in enumerate(reversed(bars)):
        goal = "ready" if key in names and not key.endswith("-again") else "end"
        found = seconds(results, key, goal)
        if found:
            label, colour = BARS[goal]
            spread = [[found.median - found.minimum], [found.maximum - found.median]]
            label = label if label not in axes.get_legend_handles_labels()[1] else "_"
            axes.barh(
                row, found.median, HEIGHT, color=colour, label=label, xerr=spread, ecolor="#444444", capsize=3
            )
            axes.annotate(
                f"{found.median:.1f}", (found.maximum, row), (6, 0), textcoords="offset points", va="center"
            )
    axes.set_yticks(range(len(bars)), [title(key).replace("`", "") for key in reversed(bars)])
    axes.set_xlabel("seconds: median, minimum, maximum")
    axes.margins(x=0.15)
    _finish(axes, "Again, and several hosts", len(bars))


def _order(key: str) -> tuple[bool, int]:
    return key.endswith("-again"), int(key.split("-")[1])


def _finish(axes: Axes, heading: str, rows: int) -> None:
    """The same look for both: a heading, a legend below, and rows no thicker when there are few."""
    axes.set_title(heading, loc="left")
    axes.set_xlim(left=0)
    axes.set_ylim(min(-0.5, rows - FEWEST_ROWS), max(rows, 1) - 0.5)
    axes.legend(fontsize="small", frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="#EEEEEE")
