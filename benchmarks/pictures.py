"""
The pictures of docs/performance.md, drawn from the figures.

Two bar charts need no library: text stays text, the file is the same on every machine, and the colors follow the
reader's choice of day or night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.contenders import NAMES
from benchmarks.figures import Result
from benchmarks.layout import number, seconds
from benchmarks.tables import SCALED, SHORT_TITLES

FOLDER = Path(__file__).parents[1] / "docs"
WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 760, 130, 110, 22, 12, 64
STYLE = """
text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 16px; }
.quiet { fill: #59636e; font-size: 12px; }
.other { fill: #afb8c1; } .ours { fill: #0969da; } .line { stroke: #d1d9e0; stroke-width: 1; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
  .other { fill: #656c76; } .ours { fill: #4493f8; } .line { stroke: #3d444d; }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its name and what is written beside it."""

    name: str
    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars on a logarithmic scale that begins at `least`."""

    title: str
    subtitle: str
    bars: Sequence[Bar]
    least: float

    def svg(self) -> str:
        """The picture."""
        height = TOP + len(self.bars) * (BAR + GAP) + 34
        most = max(bar.value for bar in self.bars)
        decades = [10.0**power for power in range(round(log10(self.least)), int(log10(most)) + 1)]
        lines = [self._mark(value, most, height) for value in decades]
        bars = [self._bar(place, bar, most) for place, bar in enumerate(self.bars)]
        inside = "\n".join([*lines, *bars])
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' aria-labelledby="title">\n<title id="title">{escape(self._told())}</title>\n<style>{STYLE}</style>\n'
            f'<text class="title" x="16" y="26">{escape(self.title)}</text>\n'
            f'<text class="quiet" x="16" y="46">{escape(self.subtitle)}</text>\n{inside}\n</svg>\n'
        )

    def _told(self) -> str:
        return f"{self.title}: " + ", ".join(f"{SHORT_TITLES[bar.name]} {bar.label}" for bar in self.bars)

    def _x(self, value: float, most: float) -> float:
        share = log10(max(value, self.least) / self.least) / log10(most / self.least)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def _mark(self, value: float, most: float, height: int) -> str:
        x = f"{self._x(value, most):.1f}"
        return (
            f'<line class="line" x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{height - 26}"/>'
            f'<text class="quiet" x="{x}" y="{height - 10}" text-anchor="middle">{value:,.10g}</text>'
        )

    def _bar(self, place: int, bar: Bar, most: float) -> str:
        y, x = TOP + place * (BAR + GAP), self._x(bar.value, most)
        kind = "ours" if bar.name == "deliver" else "other"
        return (
            f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{SHORT_TITLES[bar.name]}</text>'
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{max(x - LEFT, 2):.1f}" height="{BAR}" rx="3"/>'
            f'<text x="{max(x, LEFT + 2) + 8:.1f}" y="{y + 16}">{escape(bar.label)}</text>'
        )


def charts(result: Result) -> dict[str, Chart]:
    """The pictures by the names of their files."""
    size, day = result.sizes[-1], result.measured_on
    latency = 100
    calls, work, wall = [], [], []
    for name in NAMES:
        here, there = result.of(name, size), result.of(name, size, latency)
        about = f"{SCALED} " if here.is_scaled else ""
        calls.append(Bar(name, here.calls_per_thousand, about + number(here.calls_per_thousand)))
        work.append(Bar(name, here.cpu_us, f"{about}{number(here.cpu_us)} µs"))
        label = (SCALED + " " if there.is_scaled else "") + seconds(there.wall_seconds)
        wall.append(Bar(name, there.wall_seconds, label))
    scale = f"{size:,} profiles, {day}, logarithmic scale"
    return {
        "bench-calls.svg": Chart("API calls per 1,000 profiles", scale, calls, 0.01),
        "bench-cpu.svg": Chart("CPU of the client, microseconds per profile", scale, work, 1),
        "bench-time.svg": Chart(f"Seconds until everything is written, {latency} ms per call", scale, wall, 1),
    }


def draw(result: Result, folder: Path = FOLDER) -> None:
    """Write the pictures."""
    for name, chart in charts(result).items():
        (folder / name).write_text(chart.svg(), encoding="utf-8")
