"""
A real browser without a window, driven over a pipe by the Chrome DevTools Protocol.

Over a pipe (fd 3 in, fd 4 out) each message is one JSON object that ends in a zero byte: no web socket is needed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ON_A_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
HOW_TO_GET_IT = (
    "No Chromium was found. Install it (Debian, Ubuntu: apt-get install chromium; macOS: Google Chrome),"
    " or name it: CHROMIUM=/path/to/chromium make test-all"
)
OPTIONS = ("--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage")
# Becomes the browser, with the two pipes where it looks for them.
WITH_PIPES = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """The browser's path, None where there is none."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named or "") or next(filter(None, map(shutil.which, (*NAMES, ON_A_MAC))), None)


class Chromium:
    """A browser with one page open, which is as large as it is told."""

    def __init__(self, path: str, profile: Path) -> None:
        self._numbers, self._rest = count(1), b""
        (theirs_in, self._out), (self._in, theirs_out) = os.pipe(), os.pipe()
        # A sandbox needs a user that is not root, which a container often has not.
        options = (*OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else []), f"--user-data-dir={profile}")
        command = [sys.executable, "-c", WITH_PIPES, str(theirs_in), str(theirs_out), path, *options, "about:blank"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stdout=quiet, stderr=quiet)
        os.close(theirs_in)
        os.close(theirs_out)
        targets = self._ask("Target.getTargets", session=None)["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self._ask("Target.attachToTarget", session=None, targetId=page, flatten=True)
        self._session = attached["sessionId"]
        self._ask("Page.enable")

    def open(self, url: str) -> None:
        """Load a page, with everything in it."""
        self._ask("Page.navigate", url=url)
        self._until_loaded()

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def follow(self, action: str) -> None:
        """Do something in the page that leads to another one."""
        self.evaluate(action)
        self._until_loaded()

    def size(self, width: int, height: int, *, scale: float = 1, dark: bool = False) -> None:
        """Be a screen of this size; at most 500 wide is a phone's."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width <= 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path: Path) -> bytes:
        """What is on the screen, as PNG."""
        image = base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"])
        path.write_bytes(image)
        return image

    def close(self) -> None:
        """End the browser, with all its processes."""
        self._ask("Browser.close", session=None)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _until_loaded(self) -> None:
        while self._next().get("method") != "Page.loadEventFired":
            continue

    def _ask(self, method: str, session: str | None = "", **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            continue
        assert "error" not in answer, answer
        return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._in, 1 << 20)
            assert part, "the browser ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))
