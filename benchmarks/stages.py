"""`python -m benchmarks.stages [profiles] [variant]`: what a batch's CPU goes to, in microseconds per profile."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name
from statistics import median
from typing import Any

from salesforce_destination.mapping.mapper import Mapper

from benchmarks.contenders.deliver import Deliver, make
from benchmarks.events import Variant, write_events
from benchmarks.layout import Table, number
from benchmarks.measurement import answering_org
from benchmarks.plan import Cell

OTHER = "all else: handler, freeing memory"
PACKAGE = "salesforce_destination"
STAGES = (
    ("deliver_app", "messages_in", "read the event of SQS"),
    (f"{PACKAGE}.delivery.deliverer:Deliverer", "_read", "map, identify and check the profiles"),
    (f"{PACKAGE}.delivery.deliverer", "merge", "merge by record"),
    (f"{PACKAGE}.delivery.sender:Sender", "write", "guards, memory, outcome of each record"),
    (f"{PACKAGE}.record.composite:CompositeWriter", "request", "build the request"),
    (f"{PACKAGE}.salesforce.client", "to_json", "write JSON"),
    (f"{PACKAGE}.salesforce.client", "packed", "gzip"),
    (f"{PACKAGE}.salesforce.client:SalesforceClient", "_send", "HTTP, the answer's gzip in it"),
    (f"{PACKAGE}.salesforce.client", "from_json", "parse the answer"),
    (f"{PACKAGE}.salesforce.org", "read_reply", "read the results"),
    (f"{PACKAGE}.delivery.batch:Batch", "conclude", "outcome of each message"),
    (f"{PACKAGE}.aws.outcome_log:OutcomeLog", "lines", "outcome of each identity, hashed"),
    ("deliver_app", "report", "metrics and the line of the batch"),
)
"""What is timed, where its caller finds it; nothing that is called for each profile, or the watches would count."""


class Stages:
    """Seconds of CPU by stage, each without the stages inside it."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def time(self, owner: Any, name: str, stage: str) -> None:
        """Have every call of a function counted to a stage."""
        setattr(owner, name, self._timed(getattr(owner, name), stage))

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            with self.stage(stage):
                return function(*given, **named)

        return call

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens meanwhile."""
        self._inside.append(0.0)
        started = time.process_time()
        try:
            yield
        finally:
            took = time.process_time() - started
            self.spent[name] += took - self._inside.pop()
            if self._inside:
                self._inside[-1] += took


def watch(stages: Stages, deliver: Deliver) -> None:
    """Count the stages of a batch."""
    for owner, name, stage in STAGES:
        stages.time(resolve_name(owner), name, stage)
    stages.time(deliver, "deliver", OTHER)


def per_profile(events: Path, deliver: Callable[[dict[str, Any]], int]) -> list[float]:
    """Seconds of CPU per profile for each batch of a file, the warm-up left out."""
    found = []
    with events.open(encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            event = json.loads(line)
            started = time.process_time()
            deliver(event)
            found.append((time.process_time() - started) / len(event["Records"]))
    return found


def mapping(events: Path, mapper: Mapper, *, parses_only: bool) -> float:
    """Seconds of CPU per profile to parse each body, and to map what is in it."""

    def work(event: dict[str, Any]) -> int:
        for record in event["Records"]:
            profiles = mapper.profiles(record["body"])
            for each in () if parses_only else profiles:
                mapper.map(each, None, int(record["attributes"]["SentTimestamp"]))
        return 0

    return median(per_profile(events, work))


def main() -> None:
    """Print the table."""
    given = sys.argv[1:]
    profiles, variant = int((given[:1] or ["50000"])[0]), Variant((given[1:2] or ["plain"])[0])
    stages = Stages()
    with (
        tempfile.TemporaryDirectory() as folder,
        answering_org(Cell("deliver", profiles, variant=variant)) as url,
        quiet(),
    ):
        events = Path(folder, "events")
        write_events(events, profiles, variant)
        deliver = make(url, variant)
        with events.open(encoding="utf-8") as lines:
            deliver.deliver(json.loads(next(lines)))
        alone = median(per_profile(events, deliver.deliver))
        mapper = deliver.app.started().deliverer.mapper
        parse, mapped = (mapping(events, mapper, parses_only=only) for only in (True, False))
        watch(stages, deliver)
        per_profile(events, deliver.deliver)
    rows = [(stage, number(spent / profiles * 1e6)) for stage, spent in stages.spent.items()]
    print(
        Table(
            f"CPU of a batch in microseconds per profile, {profiles:,} profiles, {variant}",
            ("stage", "µs"),
            [*rows, ("all, with the stop-watches", number(sum(stages.spent.values()) / profiles * 1e6))],
            [
                f"Without the stop-watches: {number(alone * 1e6)}. Of the second stage, parsing the bodies takes"
                f" {number(parse * 1e6)}, and mapping what was parsed {number((mapped - parse) * 1e6)}."
            ],
        ).text()
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Send the function's log where nobody looks, as it is written in earnest."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)


if __name__ == "__main__":
    main()
