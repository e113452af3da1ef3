"""`make cold-start`: build, measure, print the table and write it as JSON."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from destination_testbench.aws_lambda.built import NotHereError, build

from benchmarks.cold_start.contenders import DELIVER, EMPTY, LIBRARIES, contenders
from benchmarks.cold_start.measurement import Series, first_batches, initializations

RESULT = Path(__file__).parents[1] / "results" / "cold-start.json"
LEAST_ROUNDS = 7


def main() -> int:
    """Measure as often as is wanted, and at least as often as a median needs."""
    parser = argparse.ArgumentParser(prog="cold-start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help=f"at least {LEAST_ROUNDS}")
    parser.add_argument("--json", type=Path, default=RESULT)
    given = parser.parse_args()
    try:
        result = measured(max(LEAST_ROUNDS, given.rounds))
    except NotHereError as error:
        print(error, file=sys.stderr)
        return 2
    print(table(result))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def measured(rounds: int) -> dict[str, Any]:
    """All figures, as they are written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = build(folder / "checkout")
        packages = contenders(built, folder / "bare")
        imports = initializations(packages, rounds, folder)
        first, second = first_batches(packages[DELIVER], rounds, folder)
    return {
        "command": "make cold-start",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, python 3.13 of .venv-runtime",
        "rounds": rounds,
        "initialization_ms": {name: as_json(series) for name, series in imports.items()},
        "times_boto3_and_requests": round(imports[DELIVER].median / imports[LIBRARIES].median, 2),
        "first_batch_ms": as_json(first),
        "second_batch_ms": as_json(second),
    }


def as_json(series: Series) -> dict[str, Any]:
    """A series with its median."""
    return {"median": round(series.median, 1), "all": [round(each, 1) for each in series.milliseconds]}


def table(result: dict[str, Any]) -> str:
    """What a person reads."""
    lines = [f"Initialization, ms, median of {result['rounds']} (smallest to largest), in the emulator:"]
    base = result["initialization_ms"][LIBRARIES]["median"]
    for name, series in result["initialization_ms"].items():
        share = "" if name == EMPTY else f"{series['median'] / base:6.2f} x"
        lines.append(
            f"  {name:30} {series['median']:7.1f}  ({min(series['all']):.0f} to {max(series['all']):.0f}) {share}"
        )
    first, second = result["first_batch_ms"]["median"], result["second_batch_ms"]["median"]
    lines.append(f"The deliver function's first batch of one profile takes {first:.0f} ms, its second {second:.0f} ms.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
