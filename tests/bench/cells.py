# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables in Markdown, and what is written into their cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from results import Figure, figure

NONE = "-"


def cost(tasks: list[dict[str, Any]]) -> list[str]:
    """Modules run and seconds."""
    return [str(sum(task["trips"] for task in tasks)), f"{sum(task['seconds'] for task in tasks):.2f}"]


def short(name: str) -> str:
    """The name of a task or an action without that of its collection."""
    return name.replace("mink8s.kubernetes.", "").replace("ansible.builtin.", "")


def table(heading: str, heads: tuple[str, ...], rows: list[list[Any]]) -> str:
    """A table with its heading; nothing without rows."""
    if not rows:
        return ""
    lines = [heads, *rows]
    head, *body = (f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
    return f"### {heading}\n\n{head}|{'---|' * len(heads)}\n{''.join(body)}"


def spread(found: Figure) -> list[str]:
    """Median, minimum and maximum."""
    return [f"{each:.1f}" for each in found]


def median(found: Figure | None) -> str:
    """The median alone."""
    return f"{found.median:.1f}" if found else NONE


def ratio(found: Figure, base: Figure | None) -> str:
    """How many times as long as another it took."""
    return f"{found.median / base.median:.2f}" if base else NONE


def rss(memory: dict[str, Any], name: str) -> int:
    """The resident memory of one kind of process, in bytes."""
    return int(memory["processes"].get(name, {"rss": 0})["rss"])


def mebibytes(values: Iterable[float]) -> str:
    """The median of bytes."""
    found = figure(values)
    return f"{found.median / 2**20:.0f}" if found else NONE
