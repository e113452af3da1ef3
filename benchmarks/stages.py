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
from statistics import median
from typing import Any

from salesforce_destination.aws.outcome_log import OutcomeLog
from salesforce_destination.delivery import deliverer as delivery
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.sender import Sender
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.profile import profile
from salesforce_destination.record.composite import CompositeWriter
from salesforce_destination.salesforce import client, org

from benchmarks.contenders.deliver import Deliver, make
from benchmarks.events import WARM_UP, Variant, write_events
from benchmarks.layout import Table, number
from benchmarks.processes import answering_org

OTHER = "all else: handler, metrics, freeing memory"


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
    """Count the stages of a batch; none of them is entered once for each profile, or the watches would count most."""
    stages.time(deliver.app, "messages_in", "read the event of SQS")
    stages.time(delivery.Deliverer, "_read", "map, identify and check the profiles")
    stages.time(delivery, "merge", "merge by record")
    stages.time(Sender, "write", "guards, memory, outcome of each record")
    stages.time(CompositeWriter, "request", "build the request")
    stages.time(client, "to_json", "write JSON")
    stages.time(client, "packed", "gzip")
    stages.time(client.SalesforceClient, "_send", "HTTP, the answer's gzip in it")
    stages.time(client, "from_json", "parse the answer")
    stages.time(org, "read_reply", "read the results")
    stages.time(Batch, "conclude", "outcome of each message")
    stages.time(OutcomeLog, "lines", "outcome of each identity, hashed")
    stages.time(deliver.app, "report", "metrics and the line of the batch")


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


def parsing(events: Path, mapper: Mapper | None = None) -> float:
    """Seconds of CPU per profile to parse each body, and to map it where there is a mapper."""

    def work(event: dict[str, Any]) -> int:
        for record in event["Records"]:
            parsed = profile.read_body(record["body"])
            if mapper is not None:
                mapper.map(parsed, None, int(record["attributes"]["SentTimestamp"]))
        return 0

    return median(per_profile(events, work))


def main() -> None:
    """Print the table."""
    given = sys.argv[1:]
    profiles, variant = int((given[:1] or ["50000"])[0]), Variant((given[1:2] or ["plain"])[0])
    stages = Stages()
    with tempfile.TemporaryDirectory() as folder, answering_org() as url, quiet():
        events = Path(folder, "events")
        write_events(events, profiles, variant)
        deliver = make(url, variant)
        with events.open(encoding="utf-8") as lines:
            if deliver.deliver(json.loads(next(lines))) != WARM_UP:
                raise SystemExit("the warm-up was not written")
        alone = median(per_profile(events, deliver.deliver))
        parse, mapped = parsing(events), parsing(events, deliver.app.started().deliverer.mapper)
        watch(stages, deliver)
        stages.time(deliver, "deliver", OTHER)
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
