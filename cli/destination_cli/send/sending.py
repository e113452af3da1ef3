"""Sending a stream of lines in parallel, while only a few hundred of them are held in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from destination_cli.message_size import in_calls
from destination_cli.send.lines import Line
from destination_cli.send.progress_file import Position
from destination_cli.send.queue import Problems, SendingQueue

CALLS_AT_ONCE = 16
CALLS_AHEAD = 4 * CALLS_AT_ONCE
"""Calls that are read ahead of the oldest unanswered one: what is held in memory, and sent twice after a kill."""


def send_lines(
    lines: Iterable[Line],
    queue: SendingQueue,
    start: Position,
    note: Callable[[Position], None],
) -> Position:
    """
    Send lines, and tell `note` of each position that is reached: everything before it has been answered.

    When it is interrupted, by a person or by a call that fails, the calls on their way are waited for, and noted too.
    """
    position, pending = start, deque[tuple[list[Line], Future[Problems]]]()
    pool = ThreadPoolExecutor(CALLS_AT_ONCE)

    def settle_oldest() -> None:
        nonlocal position
        position = _reached(position, *pending[0])
        pending.popleft()
        note(position)

    try:
        for call in in_calls(lines, queue.size_of):
            pending.append((call, pool.submit(queue.send, [line for line in call if line.body])))
            while pending and (len(pending) >= CALLS_AHEAD or pending[0][1].done()):
                settle_oldest()
    finally:
        try:
            while pending:
                settle_oldest()
        finally:
            pool.shutdown(cancel_futures=True)
    return position


def _reached(position: Position, call: Sequence[Line], answered: Future[Problems]) -> Position:
    refused = answered.result()
    unsendable = tuple((line.number, line.problem) for line in call if line.problem)
    sent = sum(1 for line in call if line.body) - len(refused)
    return position.after(call[-1].end, call[-1].number, sent, tuple(sorted(unsendable + refused)))
