"""Runs a function as often as it is wanted at one time."""

from __future__ import annotations

import threading
from itertools import count
from typing import Any

from destination_testbench.aws_lambda.execution_environment import ExecutionEnvironment, FunctionError
from destination_testbench.aws_lambda.function import Function


class Invoker:
    """Runs a function, in as many processes as there are invocations at one time, and uses each again."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self._idle: list[ExecutionEnvironment] = []
        self._all: set[ExecutionEnvironment] = set()
        self._numbers: set[int] = set()
        self._lock = threading.Lock()
        self._closed = False

    def warm_up(self) -> None:
        """Start the first process; raise FunctionError if the function cannot be imported."""
        self._give_back(self._take())

    def invoke(self, event: Any) -> Any:
        """The function's response to an event, or FunctionError."""
        environment = self._take()
        try:
            return environment.invoke(event)
        finally:
            self._give_back(environment)

    def _take(self) -> ExecutionEnvironment:
        with self._lock:
            if self._closed:
                raise FunctionError("Runtime.Stopped: the local stack is stopping")
            while self._idle:
                environment = self._idle.pop()
                if environment.alive:
                    return environment
                self._end(environment)
            number = next(n for n in count() if n not in self._numbers)
            self._numbers.add(number)
        try:
            environment = ExecutionEnvironment(self.function, number)
        except BaseException:
            with self._lock:
                self._numbers.discard(number)
            raise
        with self._lock:
            self._all.add(environment)
        return environment

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        with self._lock:
            if environment.alive and not self._closed:
                self._idle.append(environment)
            else:
                self._end(environment)

    def _end(self, environment: ExecutionEnvironment) -> None:
        self._all.discard(environment)
        self._numbers.discard(environment.number)
        environment.close()

    def close(self) -> None:
        """End every process, whatever it is doing."""
        with self._lock:
            self._closed = True
            environments = list(self._all)
            self._all.clear()
            self._idle.clear()
        for environment in environments:
            environment.close()
