"""A clock whose time passes only when everybody sleeps, and the processes that sleep by it, one running at a time."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count


class Ended(BaseException):
    """Thrown into a process to end it. No `except Exception` on its way may stop it, as none stops a kill."""


class Killed(Ended):
    """The process was killed in the middle of its work."""


class TimedOut(Ended):
    """The process used up the time it was given."""


def held_lock() -> threading.Lock:
    """What one thread waits for, and another one lets go."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class Process:
    """A thread that runs only while it holds the baton, and gives it back whenever it sleeps."""

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        begin: Callable[[Process], None],
        end: Callable[[Process], None],
    ) -> None:
        self.name = name
        self.baton = held_lock()
        self.deadline: float | None = None
        self.ticket = -1
        self.ending: Ended | None = None
        self.failure: BaseException | None = None
        self.is_over = False
        self._work, self._begin, self._end = work, begin, end
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        self.baton.acquire()
        self._begin(self)
        try:
            if self.ending is None:
                self._work()
        except Ended:
            pass
        except BaseException as error:
            self.failure = error
        self._end(self)


class SimulatedClock:
    """Time in seconds since 1970, and the processes of a simulation.

    Exactly one process runs at a time, and which one is next depends on nothing but their sleeps: so a run with one
    seed is the same on every machine. A thread that is no process (a pool's) may look at the clock and never sleeps.
    """

    def __init__(self, start: float) -> None:
        self.time = start
        self._sleepers: list[tuple[float, int, Process]] = []
        self._tickets = count()
        self._by_thread: dict[int, Process] = {}
        self._processes: list[Process] = []
        self._main = held_lock()
        self._stopping = False

    def now(self) -> float:
        """The time."""
        return self.time

    def start(self, name: str, work: Callable[[], None]) -> Process:
        """Start a process; it runs for the first time when all that is due before has run."""
        process = Process(name, work, self._begin, self._end)
        self._processes.append(process)
        self._put_to_sleep(process, self.time)
        process.thread.start()
        return process

    def run(self) -> None:
        """Let time pass until `stop` is called or no process is left; raise what a process failed with."""
        self._pass_on()
        self._main.acquire()
        self._stopping = True
        for process in self._processes:
            if not process.is_over:
                process.ending = Ended()
                self._hand_over(process)
        failures = [process.failure for process in self._processes if process.failure]
        if failures:
            raise failures[0]

    def stop(self) -> None:
        """End the simulation once the running process sleeps."""
        self._stopping = True

    def sleep(self, seconds: float) -> None:
        """Let this process wait. Outside of a run, time simply passes."""
        process = self._by_thread.get(threading.get_ident())
        if process is None:
            self.time += seconds
            return
        wake_at = self.time + max(0.0, seconds)
        if process.deadline is not None and wake_at >= process.deadline:
            wake_at, process.ending = process.deadline, process.ending or TimedOut()
        is_anothers_turn = bool(self._sleepers) and self._sleepers[0][0] <= wake_at
        if self._stopping or is_anothers_turn or process.ending:
            self._put_to_sleep(process, wake_at)
            self._pass_on()
            process.baton.acquire()
        else:
            self.time = wake_at
        if process.ending:
            ending, process.ending = process.ending, None
            raise ending

    def kill(self, process: Process) -> None:
        """End what a sleeping process does, at once."""
        process.ending = Killed()
        self._put_to_sleep(process, self.time)

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Give this process so much time for what follows; then TimedOut is thrown."""
        process = self._by_thread[threading.get_ident()]
        process.deadline = self.time + seconds
        try:
            yield
        finally:
            process.deadline = None

    def _begin(self, process: Process) -> None:
        self._by_thread[threading.get_ident()] = process

    def _end(self, process: Process) -> None:
        del self._by_thread[threading.get_ident()]
        process.is_over = True
        self._pass_on()

    def _put_to_sleep(self, process: Process, wake_at: float) -> None:
        process.ticket = next(self._tickets)
        heapq.heappush(self._sleepers, (wake_at, process.ticket, process))

    def _next(self) -> Process | None:
        while self._sleepers:
            wake_at, ticket, process = heapq.heappop(self._sleepers)
            if ticket == process.ticket and not process.is_over:
                self.time = max(self.time, wake_at)
                return process
        return None

    def _pass_on(self) -> None:
        """Give the baton to the one whose turn it is; to whoever called `run` when there is none, or all shall end."""
        sleeper = None if self._stopping else self._next()
        (sleeper.baton if sleeper else self._main).release()

    def _hand_over(self, process: Process) -> None:
        process.baton.release()
        self._main.acquire()
