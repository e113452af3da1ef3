"""Facts about the guards: rules that keep an older value from overwriting a newer one, also in a race."""

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from salesforce_destination.profile.event_time import to_salesforce
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.description import FieldDescription
from salesforce_destination.record.guards import stale_guards
from salesforce_destination.record.successor import MERGEABLE

from destination_cli.prove.fact import Trial, codes_of, errors_of, fact, fails, holds_if, unseen, untried
from destination_cli.prove.stage import COLLECTION, Stage

WRITERS = 16  # eight races at a time: more would meet the org's limit of long requests where it is slow
TRIES = 6
START_SECONDS = 30.0
LOCKED = "UNABLE_TO_LOCK_ROW"

BASE = 1_790_000_000_000  # an event time that test records begin with, in milliseconds
NO_GUARD = untried("the file has neither [ordering] nor a since_field")


class Race:
    """Races for one field. A writer that meets the other's lock tries again, as a delivery does."""

    def __init__(self, stage: Stage, field: str, older: object, newer: object) -> None:
        self._stage, self._field, self._values = stage, field, (older, newer)
        self._local = threading.local()
        self._stopped = threading.Event()
        self._barriers: list[threading.Barrier] = []

    def run(self, ids: Sequence[str]) -> None:
        """Run a race for each record; stop at once when interrupted. Raises OrgError where a writer got no answer."""
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="race", initializer=self._begin) as pool:
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
        row = self._stage.row(id_, **{self._field: value})
        for attempt in range(TRIES):
            if self._stopped.is_set():
                return
            (result,) = self._stage.update([row], api=self._local.api)
            if not any(error.code == LOCKED for error in errors_of(result)):
                return
            time.sleep(0.2 * 2**attempt)

    def _begin(self) -> None:
        self._local.api = self._stage.api.for_thread()


@fact("Older events overwrite newer ones: run `destination create-fields`, or correct the rule it names.")
def older_refused(stage: Stage) -> Trial:
    """The guards refuse an older time with their marker, and accept an equal one."""
    if not stage.fields.guards:
        return NO_GUARD
    writable = stage.fields.writable_guards
    for guard, field in writable.items():
        if problem := _try_guard(stage, guard, field):
            return fails(f"{guard}: {problem}")
    if lacking := [name for name in stage.fields.guards if name not in writable]:
        return unseen(stage, lacking)
    count = len(stage.fields.guards)
    return holds_if(True, f"{count} guards refuse older times with their markers, and accept equal ones")


def _try_guard(stage: Stage, guard: str, field: FieldDescription) -> str | None:
    id_ = stage.create([{}])[0]
    for written, passes in ((BASE, True), (BASE + 60_000, True), (BASE + 60_000, True), (BASE, False)):
        (result,) = stage.update([stage.row(id_, **{guard: value(field.type, written)})])
        if result["success"] and not passes:
            return "an older time is accepted: the rule is missing or off, or this user is exempt from it"
        if passes and not result["success"]:
            return f"a valid time is refused: {codes_of(result)}"
        if not passes and guard not in stale_guards(errors_of(result)):
            return f"the refusal lacks the marker: {codes_of(result)}"
    return None


@fact("After a merge by a person, a status may be older than it was, until the next event. Send that person again.")
def older_merged(stage: Stage) -> Trial:
    """A merge that would keep an older time is refused by the guards, too."""
    if not stage.fields.guards or stage.sobject not in MERGEABLE:
        return untried(f"records of {stage.sobject} are not merged") if stage.fields.guards else NO_GUARD
    if not stage.fields.writable_guards:
        return unseen(stage, list(stage.fields.guards))
    guard, field = next(iter(stage.fields.writable_guards.items()))
    older, newer = value(field.type, BASE), value(field.type, BASE + 60_000)
    kept, lost = stage.create([{}, {}])
    stage.update([stage.row(kept, **{guard: newer}), stage.row(lost, **{guard: older})])
    code, text = stage.merge(kept, lost, **{guard: older}) or ("", "")
    if code and not stale_guards([RecordError(code, text)]):
        return untried(f"this user cannot merge records: {code}")
    return holds_if(bool(code), code or f"{guard} is older after the merge")


@fact("The guards are best effort with concurrent writers. Limit the queue's concurrency so that only one writes.")
def concurrent(stage: Stage) -> Trial:
    """With two writers at once, the guards compare with what the first one wrote (under the record's lock)."""
    if not stage.fields.guards:
        return NO_GUARD
    if not stage.fields.writable_guards:
        return unseen(stage, list(stage.fields.guards))
    guard, kind = next((name, field.type) for name, field in stage.fields.writable_guards.items())
    ids = stage.create_many(stage.pairs)
    based = [stage.row(id_, **{guard: value(kind, BASE)}) for id_ in ids[::2]]
    for start in range(0, len(based), COLLECTION):
        stage.update(based[start : start + COLLECTION])
    older, newer = value(kind, BASE + 60_000), value(kind, BASE + 120_000)
    Race(stage, guard, older, newer).run(ids)
    rows = stage.read(ids, guard)
    lost = sum(not same(row[guard], newer) for row in rows)
    ends = f"{lost} of {len(ids)} pairs end with the older value"
    return holds_if(not lost, ends if lost else f"{len(ids)} pairs, the newer value stays")


def value(kind: str, time: int) -> object:
    """A time as a guard of this type holds it."""
    return to_salesforce(time) if kind == "datetime" else time


def same(kept: object, written: object) -> bool:
    """Whether a value that was read is the one that was written."""
    return str(kept)[:19] == written[:19] if isinstance(written, str) else kept == written


GUARD_FACTS = (older_refused, older_merged, concurrent)
