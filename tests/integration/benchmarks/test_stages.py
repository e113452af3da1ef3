from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_stage_of_a_batch_is_told_with_its_share() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.stages", "100"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    lines = [line.rsplit(maxsplit=1) for line in run.stdout.splitlines()[4:-3]]
    spent = {stage.strip(): float(figure) for stage, figure in lines}
    whole = spent.pop("all, with the stop-watches")
    assert len(spent) == 14
    assert min(spent.values()) > 0
    assert abs(sum(spent.values()) - whole) < 0.05 * whole
