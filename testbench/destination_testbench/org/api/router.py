"""Which resource answers which path of the data API, by which methods."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from destination_testbench.org.api.call import Call
from destination_testbench.org.exchange import Answer
from destination_testbench.org.faults.failure import method_not_allowed, not_found

Handler = Callable[..., Answer]


class Router:
    """
    Resources by the pattern of their path below the version: `{name}` stands for one part of it.

    Paths are tried in the order in which they were added. A slash at the end is no difference.
    """

    def __init__(self) -> None:
        self._routes: list[tuple[re.Pattern[str], dict[str, Handler]]] = []

    def add(self, pattern: str, **handlers: Handler) -> None:
        """Let these handlers, one per method, answer a path; they get the parts of the path after the call."""
        expression = re.sub(r"\{\w+\}", "([^/]+)", pattern)
        self._routes.append((re.compile(expression + r"/?\Z"), handlers))

    def dispatch(self, call: Call) -> Answer:
        """The answer to a call: 404 where there is no such path, 405 where the method is another."""
        for pattern, handlers in self._routes:
            if match := pattern.match(call.resource):
                if handler := handlers.get(call.method):
                    return handler(call, *map(unquote, match.groups()))
                raise method_not_allowed(call.method, sorted(handlers))
        raise not_found()
