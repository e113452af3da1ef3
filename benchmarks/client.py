"""One contender in a process of its own: `python -m benchmarks.client NAME ORG_URL EVENTS VARIANT RESULT`."""

from __future__ import annotations

import gc
import http.client
import json
import os
import resource
import socket
import stat
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.answering.answers import HOST
from benchmarks.contenders import Contender, contender
from benchmarks.events import Variant

EARLY_BATCHES = 30
"""By then whatever is remembered from batch to batch has reached its bound: the function remembers 20,000 records."""

KIBIBYTES_ARE_BYTES = sys.platform == "darwin"


@dataclass(frozen=True, slots=True)
class Run:
    """What one process did with the profiles, start-up and warm-up left out, reading the events too.

    `settled` counts the messages that do not come again, `parse_seconds` the CPU to parse the events, which Lambda does
    for every function. `first_batches_rss` is the memory's peak after thirty batches, `peak_rss` at the end.
    """

    settled: int
    batches: int
    parse_seconds: float
    cpu_seconds: float
    wall_seconds: float
    peak_rss: int
    first_batches_rss: int
    calls: int
    bytes_in: int
    bytes_out: int
    aws_calls: int
    log_bytes: int


def main() -> None:
    """Run a contender and write what it did."""
    name, org_url, events, variant, result = sys.argv[1:]
    if variant == Variant.TLS:
        _resolve(HOST, ("127.0.0.1", int(org_url.rpartition(":")[2])))
    if name == "floor":
        gc.disable()
    run = measure(contender(name, org_url, Variant(variant)), Path(events), org_url)
    Path(result).write_text(json.dumps(asdict(run)), encoding="utf-8")


def _resolve(host: str, place: tuple[str, int]) -> None:
    """Have an org's name lead to this machine."""
    resolve: Any = socket.getaddrinfo
    socket.getaddrinfo = lambda name, port, *rest, **named: resolve(
        *(place if name == host else (name, port)), *rest, **named
    )


def measure(made: Contender, events: Path, org_url: str) -> Run:
    """Let a contender deliver every event of the file; the first one is for warming up."""
    settled, cpu, wall, parsing, batches, early = 0, 0.0, 0.0, 0.0, 0, 0
    with events.open("rb") as lines:
        made.deliver(json.loads(next(lines)))
        made.finish()
        gc.collect()
        before, log_before = counts(org_url), logged()
        for line in lines:
            started_parsing = time.process_time()
            event = json.loads(line)
            started_cpu, started_wall = time.process_time(), time.perf_counter()
            settled += made.deliver(event)
            cpu, wall = cpu + time.process_time() - started_cpu, wall + time.perf_counter() - started_wall
            parsing += started_cpu - started_parsing
            batches += 1
            early = peak_rss() if batches <= EARLY_BATCHES else early
    started_cpu, started_wall = time.process_time(), time.perf_counter()
    settled += made.finish()
    cpu, wall = cpu + time.process_time() - started_cpu, wall + time.perf_counter() - started_wall
    spent = counts(org_url)
    spent.subtract(before)
    return Run(
        settled=settled,
        batches=batches,
        parse_seconds=parsing,
        cpu_seconds=cpu,
        wall_seconds=wall,
        peak_rss=peak_rss(),
        first_batches_rss=early,
        calls=spent["calls"],
        bytes_in=spent["bytes in"],
        bytes_out=spent["bytes out"],
        aws_calls=sum(count for name, count in spent.items() if "." in name),
        log_bytes=logged() - log_before,
    )


def counts(org_url: str) -> Counter[str]:
    """What the org has counted, asked over a connection that it does not count."""
    connection = http.client.HTTPConnection(urlsplit(org_url).netloc)
    connection.request("GET", "/counts")
    answer = Counter(json.loads(connection.getresponse().read()))
    connection.close()
    return answer


def peak_rss() -> int:
    """The most memory that this process has had, in bytes.

    Linux tells it of the process since its program began; getrusage counts what the process had before that, which is
    the memory of the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(found.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if KIBIBYTES_ARE_BYTES else peak * 1024


def logged() -> int:
    """How many bytes went to stdout, where that is a file."""
    sys.stdout.flush()
    status = os.fstat(sys.stdout.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


if __name__ == "__main__":
    main()
