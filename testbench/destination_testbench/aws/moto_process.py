"""A process that is AWS (moto) for as long as its standard input is open.

It writes the port it chose to standard output, as one line. A process of its own, so that its state ends with it, and
so that it ends with its parent, however that ends.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import datetime
from typing import Any

import moto.core.utils
from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler

GLANCE_SECONDS = 0.05


def main() -> None:
    """Serve until the parent goes away."""
    read_the_clock_quickly()
    receive_one_at_a_time()
    leave_the_queues_to_the_poller()
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()


def read_the_clock_quickly() -> None:
    """Give moto a quicker clock before its services are imported.

    Its queue (5.2.5) reads the time a hundred times for every message that is received from a queue of a thousand, at
    4 microseconds each: 38 s for those thousand, and 6 s with this clock, which shows the same time.
    """
    slow_clock = moto.core.utils.unix_time

    def unix_time(moment: datetime | None = None) -> float:
        return time.time() if moment is None else float(slow_clock(moment))

    moto.core.utils.unix_time = unix_time


def receive_one_at_a_time() -> None:
    """Let no two callers receive the same message at once.

    moto (5.2.5) looks whether a message is visible and hides it in two steps, while each request has a thread of its
    own; and it waits without a pause while a FIFO queue holds messages back. Waiting holds nobody up here, and a
    message that becomes visible is seen within `GLANCE_SECONDS`.
    """
    from moto.sqs.models import SQSBackend

    receive = SQSBackend.receive_message
    receiving = threading.Lock()

    def receive_message(backend: Any, queue_name: str, count: int, wait_seconds_timeout: int, *rest: Any) -> list[Any]:
        deadline = time.monotonic() + wait_seconds_timeout
        while True:
            with receiving:
                messages: list[Any] = receive(backend, queue_name, count, 0, *rest)
            left = deadline - time.monotonic()
            if messages or left <= 0:
                return messages
            time.sleep(min(GLANCE_SECONDS, left))

    SQSBackend.receive_message = receive_message


def leave_the_queues_to_the_poller() -> None:
    """Let event source mappings be there, to be paused and resumed, and feed nothing.

    moto (5.2.5) would run the function in a container for every message that is sent.
    """
    from moto.awslambda.models import LambdaBackend
    from moto.sqs.models import sqs_backends

    create = LambdaBackend.create_event_source_mapping

    def create_event_source_mapping(backend: Any, spec: dict[str, Any]) -> Any:
        mapping = create(backend, spec)
        for queue in sqs_backends[backend.account_id][backend.region_name].queues.values():
            queue.lambda_event_source_mappings.clear()
        return mapping

    LambdaBackend.create_event_source_mapping = create_event_source_mapping


if __name__ == "__main__":
    main()
