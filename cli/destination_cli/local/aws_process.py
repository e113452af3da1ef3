"""
A process that is AWS (moto) for as long as its standard input is open.

It writes the port it chose to standard output, as one line. A process of its own, so that its state ends with it, and
so that it ends with its parent, however that ends.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime

import moto.core.utils
from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler


def main() -> None:
    """Serve until the parent goes away."""
    read_the_clock_quickly()
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()


def read_the_clock_quickly() -> None:
    """
    Give moto a quicker clock before its services are imported.

    Its queue (5.2.5) reads the time a hundred times for every message that is received from a queue of a thousand, at
    4 microseconds each: 38 s for those thousand, and 6 s with this clock, which shows the same time.
    """
    slow_clock = moto.core.utils.unix_time

    def unix_time(moment: datetime | None = None) -> float:
        return time.time() if moment is None else float(slow_clock(moment))

    moto.core.utils.unix_time = unix_time


if __name__ == "__main__":
    main()
