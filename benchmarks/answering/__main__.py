"""`python -m benchmarks.answering [seconds per call] [seconds per record]` prints its port and serves until killed."""

from __future__ import annotations

import sys

from benchmarks.answering.server import AnsweringOrg, Speed, listen, serve


def main() -> None:
    """Serve one contender."""
    listening = listen()
    print(listening.getsockname()[1], flush=True)
    serve(AnsweringOrg(Speed(*map(float, sys.argv[1:]))), listening)


if __name__ == "__main__":
    main()
