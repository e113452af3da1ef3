"""The figures of a run of the benchmark, as they are kept in JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks.client import Run
from benchmarks.events import Variant
from benchmarks.plan import Cell

RESULT = Path(__file__).parent / "results" / "bench.json"
COMMAND = "make bench"


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of one cell. Where `measured` is less than `profiles`, `wall_seconds` is scaled up.

    `cpu_spread` is the lowest and the highest of the runs' CPU per profile, in microseconds as the median is.
    """

    name: str
    profiles: int
    measured: int
    latency_ms: int
    variant: str
    batch: int
    repeats: int
    cpu_us: float
    cpu_spread: tuple[float, float]
    wall_seconds: float
    peak_mib: float
    early_mib: float
    calls_per_thousand: float
    bytes_up: float
    bytes_down: float
    log_bytes: float
    aws_calls: float
    parse_us: float

    @property
    def batch_ms(self) -> float:
        """The CPU that a batch takes."""
        return self.cpu_us * self.batch / 1000

    @property
    def is_scaled(self) -> bool:
        """Whether fewer profiles were delivered than the figures speak of."""
        return self.measured < self.profiles


@dataclass(frozen=True, slots=True)
class Result:
    """All figures, with when and where they were measured."""

    measured_on: str
    machine: dict[str, str]
    command: str
    figures: tuple[Figures, ...]

    def of(self, name: str, profiles: int, latency_ms: int = 0, variant: Variant = Variant.PLAIN) -> Figures:
        """The figures of a cell of full batches, which has been measured."""
        return self[Cell(name, profiles, latency_ms, variant=variant)]

    def __getitem__(self, cell: Cell) -> Figures:
        found = self.find(cell)
        if found is None:
            raise KeyError(cell)
        return found

    def find(self, cell: Cell) -> Figures | None:
        """The figures of a cell, or None where it was not measured."""
        key = (cell.name, cell.profiles, cell.latency_ms, str(cell.variant), cell.batch)
        matching = (
            each
            for each in self.figures
            if (each.name, each.profiles, each.latency_ms, each.variant, each.batch) == key
        )
        return next(matching, None)

    def variants(self, *names: str) -> Iterator[Figures]:
        """The figures of full batches of these variants."""
        return (each for each in self.figures if each.variant in names)

    @property
    def sizes(self) -> list[int]:
        """The numbers of profiles that every contender got."""
        return sorted({each.profiles for each in self.figures if each.name == "bulk"})

    def save(self, file: Path) -> None:
        """Write it as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(file: Path = RESULT) -> Result:
    """Read what `save` wrote."""
    read = json.loads(file.read_text(encoding="utf-8"))
    figures = tuple(Figures(**{**each, "cpu_spread": tuple(each["cpu_spread"])}) for each in read.pop("figures"))
    return Result(**read, figures=figures)


def result_of(figures: Sequence[Figures], command: str = COMMAND) -> Result:
    """Figures that were measured here and now."""
    return Result(date.today().isoformat(), machine(), command, tuple(figures))


def figures_of(cell: Cell, count: int, runs: Sequence[Run]) -> Figures:
    """The medians of a cell's runs, each of which delivered so many profiles."""
    cpu = [run.cpu_seconds / count * 1e6 for run in runs]
    return Figures(
        name=cell.name,
        profiles=cell.profiles,
        measured=count,
        latency_ms=cell.latency_ms,
        variant=str(cell.variant),
        batch=cell.batch,
        repeats=len(runs),
        cpu_us=round(median(cpu), 2),
        cpu_spread=(round(min(cpu), 2), round(max(cpu), 2)),
        wall_seconds=round(median(run.wall_seconds for run in runs) * cell.profiles / count, 4),
        peak_mib=round(median(run.peak_rss for run in runs) / 2**20, 1),
        early_mib=round(median(run.first_batches_rss for run in runs) / 2**20, 1),
        calls_per_thousand=round(median(run.calls for run in runs) / count * 1000, 3),
        bytes_up=round(median(run.bytes_in for run in runs) / count, 1),
        bytes_down=round(median(run.bytes_out for run in runs) / count, 1),
        log_bytes=round(median(run.log_bytes for run in runs) / count, 2),
        aws_calls=round(median(run.aws_calls for run in runs) / count * 1000, 1),
        parse_us=round(median(run.parse_seconds for run in runs) / count * 1e6, 2),
    )


def machine() -> dict[str, str]:
    """Processor, cores, memory, system and interpreter."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{_memory_gib()} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _first(file: str, name: str) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
