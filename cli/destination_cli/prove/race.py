"""Pairs of writers that write to one record at the same moment, each over a connection of its own."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from destination_cli.org_api import OrgApi, OrgError
from destination_cli.prove.reading_answers import errors_of
from destination_cli.prove.stage import Stage

WRITERS = 16
"""Eight races at a time: more would meet the org's limit of long requests where it is slow."""

TRIES = 6
START_SECONDS = 30.0
LOCKED = "UNABLE_TO_LOCK_ROW"


class Race:
    """Races for one field. A writer that meets the other's lock tries again, as a delivery does."""

    def __init__(self, stage: Stage, field: str, older: object, newer: object) -> None:
        self._stage, self._field, self._values = stage, field, (older, newer)
        self._local = threading.local()
        self._stopped = threading.Event()
        self._barriers: list[threading.Barrier] = []

    def run(self, ids: Sequence[str]) -> None:
        """Run a race for each record; stop at once when interrupted. Raises OrgError where a writer got no answer."""
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="race") as pool:
            try:
                # Both writers of a pair stand side by side in the queue: no pair waits for one that cannot begin.
                races = [writer for id_ in ids for writer in self._start(pool, id_)]
                for writer in races:
                    writer.result()
            except BaseException:
                self._stopped.set()
                for barrier in self._barriers:
                    barrier.abort()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _start(self, pool: ThreadPoolExecutor, id_: str) -> list[Future[None]]:
        together = threading.Barrier(2)
        self._barriers.append(together)
        values = random.sample(self._values, 2)
        return [pool.submit(self._write, id_, value, together) for value in values]

    def _write(self, id_: str, value: object, together: threading.Barrier) -> None:
        # The other may have been cancelled.
        with suppress(threading.BrokenBarrierError):
            together.wait(START_SECONDS)
        row = self._stage.row(id=id_, **{self._field: value})
        for attempt in range(TRIES):
            if self._stopped.is_set():
                return
            answer = self._stage.update([row], self._api())
            if not answer.good:
                raise OrgError(f"Salesforce refused a request of the race: {answer.code}. {answer.text}")
            if not any(error.code == LOCKED for error in errors_of(answer.body[0])):
                return
            time.sleep(0.2 * 2**attempt)

    def _api(self) -> OrgApi:
        if not hasattr(self._local, "api"):
            self._local.api = self._stage.api.for_thread()
        api: OrgApi = self._local.api
        return api
