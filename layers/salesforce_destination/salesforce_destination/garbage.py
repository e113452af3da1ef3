"""
When Python looks for garbage: between batches, and not among what is there from the first one on.

All that a batch makes lives to its end, and hardly any of it is in a cycle. Yet the collector would go through it, and
through all modules, every few thousand profiles: a quarter of the processor's time for nothing. Memory is freed by
reference counts meanwhile, as ever ("gc: Garbage Collector interface", on `freeze`).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class Garbage:
    """One process's garbage."""

    def __init__(self) -> None:
        self._is_settled = False

    @contextmanager
    def collected_afterwards(self) -> Iterator[None]:
        """
        Look for garbage at the end of this, however it ends, and not before.

        What is there after the first time (modules, clients, connections) stays for good and is not looked at again.
        """
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
            gc.collect()
            if not self._is_settled:
                gc.freeze()
                self._is_settled = True
