"""
The `destination` command, loaded once and forked for each call: to import it takes longer than most of its work.

A call is a process of its own, with the caller's folder, environment, standard input and output. `calling` is the
program that makes one.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import destination_cli
from destination_cli.app import main as destination

READY = b"ready\n"

ASKING = """
import json, os, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
call = {"folder": os.getcwd(), "environ": dict(os.environ), "words": sys.argv[2:]}
socket.send_fds(asked, [json.dumps(call).encode()], [0, 1, 2])
asked.shutdown(socket.SHUT_WR)
sys.exit(int(asked.recv(8) or 1))
"""


@contextmanager
def forked_command() -> Iterator[str]:
    """Start it, and give the words of a shell that call it."""
    # The path of such a socket has a hundred characters at most.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        place = Path(folder, "socket")
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        serving = subprocess.Popen([sys.executable, __file__, place], env=environ, stdout=subprocess.PIPE)
        try:
            assert serving.stdout
            assert serving.stdout.readline() == READY
            yield shlex.join([sys.executable, "-S", "-c", ASKING, str(place)])
        finally:
            serving.kill()
            serving.communicate()


def serve(place: str) -> None:
    """Fork for every call."""
    for module in pkgutil.walk_packages(destination_cli.__path__, "destination_cli."):
        importlib.import_module(module.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        os.write(sys.stdout.fileno(), READY)
        while True:
            caller, _ = listening.accept()
            text, files, _, _ = socket.recv_fds(caller, 1 << 16, 3)
            while more := caller.recv(1 << 16):
                text += more
            if not os.fork():
                answer(caller, text, files)
            caller.close()
            for file in files:
                os.close(file)


def answer(caller: socket.socket, text: bytes, files: list[int]) -> None:
    """Be the command that was called."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    call, status = json.loads(text), 1
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["environ"])
    for number, file in enumerate(files):
        os.dup2(file, number)
    sys.argv = ["destination", *call["words"]]
    try:
        destination()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    caller.sendall(str(status).encode())
    os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
