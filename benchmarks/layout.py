"""A table, for the terminal in 80 columns and for Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 80


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the heads of the columns, rows of text, and remarks; the first column is to the left.

    A note for each row is one more column in Markdown, and a line below in the terminal.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = ()
    notes: Sequence[str] = ()
    notes_head: str = ""

    def text(self) -> str:
        """As lines of at most 80 characters."""
        lines = [self.heads, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.heads))]
        shown = [self._line(line, widths) for line in lines]
        notes = [f"{row[0]}: {self.notes_head} {note}" for row, note in zip(self.rows, self.notes, strict=False)]
        remarks = [line for remark in (*notes, *self.remarks) for line in textwrap.wrap(remark, WIDTH)]
        return "\n".join([self.title, "", shown[0], "-" * len(shown[0]), *shown[1:], *remarks, ""])

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        first = cells[0].ljust(widths[0])
        return "  ".join([first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))])

    def markdown(self) -> str:
        """As Markdown."""
        heads, rows = list(self.heads), [list(row) for row in self.rows]
        rule = "|".join(["", "---", *["---:"] * (len(heads) - 1), *["---"] * bool(self.notes), ""])
        if self.notes:
            heads.append(self.notes_head)
            rows = [[*row, note] for row, note in zip(rows, self.notes, strict=True)]
        first, *others = ["| " + " | ".join(line) + " |" for line in (heads, *rows)]
        body = "\n".join([first, rule, *others])
        remarks = "\n".join(self.remarks)
        return f"{self.title}\n\n{body}\n" + (f"\n{remarks}\n" if remarks else "")


def number(value: float) -> str:
    """A number with as many digits as it deserves."""
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.01 else f"{value:.4f}"


def seconds(value: float) -> str:
    """A time as a person says it."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 120:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.0f} h"
