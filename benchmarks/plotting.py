"""Plots as SVG files beside the document, drawn by matplotlib in the benchmarks' own environment."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Mapping, Sequence

from benchmarks import peers
from benchmarks.report import ROOT

FOLDER = ROOT / "docs" / "plots"
DRAW = """
import json, sys
import matplotlib
matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "benchmarks"
from matplotlib import pyplot

told = json.load(sys.stdin)
figure, axes = pyplot.subplots(figsize=(7, 4))
for name, points in told["lines"]:
    axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name)
axes.set(xlabel=told["x"], ylabel=told["y"], ylim=(0, None), xlim=(0, None))
axes.grid(alpha=0.3)
axes.legend()
figure.savefig(told["path"], bbox_inches="tight", metadata={"Date": None})
"""


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a plot."""

    name: str
    points: Mapping[int, float]


def plot(name: str, lines: Sequence[Line], *, x: str, y: str) -> str:
    """Draw lines into docs/plots and return the Markdown that shows them."""
    FOLDER.mkdir(exist_ok=True)
    told = {
        "path": str(FOLDER / f"{name}.svg"),
        "lines": [(line.name, sorted(line.points.items())) for line in lines],
        "x": x,
        "y": y,
    }
    subprocess.run([str(peers.python()), "-c", DRAW], input=json.dumps(told), text=True, check=True)
    return f"![{y} by {x}](plots/{name}.svg)"
