"""`python -m benchmarks.quick [profiles] [variant] [contender ...]`: CPU per profile beside the floor's, in seconds."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.events import Variant, write_events
from benchmarks.processes import run

REPEATS = 5


def main() -> None:
    """Measure contenders in turn and print the medians."""
    given = sys.argv[1:]
    profiles, variant = int((given[:1] or ["10000"])[0]), Variant((given[1:2] or ["plain"])[0])
    names = given[2:] or ["floor", "deliver"]
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "events")
        write_events(events, profiles, variant)
        runs = [(name, run(name, events, variant, profiles)) for _ in range(REPEATS) for name in names]
    floor = median(r.cpu_seconds for n, r in runs if n == names[0])
    for name in names:
        own = [r for n, r in runs if n == name]
        cpu, wall = median(r.cpu_seconds for r in own), median(r.wall_seconds for r in own)
        print(
            f"{name:12} {cpu / profiles * 1e6:7.1f} us CPU per profile ({cpu / floor:4.2f}), wall {wall:6.2f} s,"
            f" peak {own[0].peak_rss / 2**20:4.0f} MiB (after 30 batches {own[0].first_batches_rss / 2**20:4.0f}),"
            f" {own[0].calls} calls, {own[0].bytes_in / profiles:.0f} + {own[0].bytes_out / profiles:.0f} bytes,"
            f" log {own[0].log_bytes / profiles:.1f}, AWS {own[0].aws_calls}"
        )


if __name__ == "__main__":
    main()
