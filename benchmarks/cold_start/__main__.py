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

from benchmarks.cold_start.contenders import contenders
from benchmarks.cold_start.figures import as_json, table
from benchmarks.cold_start.measurement import starts

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
    print(table(result).text())
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def measured(rounds: int) -> dict[str, Any]:
    """All figures, as they are written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = build(folder / "checkout")
        taken = starts(contenders(built, folder / "bare"), rounds, folder)
    return {
        "command": "make cold-start",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, python 3.13 of .venv-runtime",
        "rounds": rounds,
        "functions": {name: as_json(rounds) for name, rounds in taken.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
