from __future__ import annotations

import gc
import weakref

import pytest
from salesforce_destination.assembly import Garbage


class Node:
    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_looked_for_afterwards_and_not_before() -> None:
    with Garbage().collected_afterwards():
        while_at_work = gc.isenabled()
        gone = weakref.ref(Node())
        there_meanwhile = gone() is not None

    assert not while_at_work
    assert there_meanwhile
    assert gc.isenabled()
    assert gone() is None


def test_garbage_is_looked_for_after_an_error_too() -> None:
    made: list[weakref.ref[Node]] = []

    with pytest.raises(ValueError, match="bad"):
        fail(Garbage(), made)

    assert gc.isenabled()
    assert made[0]() is None


def fail(garbage: Garbage, made: list[weakref.ref[Node]]) -> None:
    with garbage.collected_afterwards():
        made.append(weakref.ref(Node()))
        raise ValueError("bad")


def test_only_what_the_first_time_leaves_is_kept_for_good() -> None:
    garbage = Garbage()
    with garbage.collected_afterwards():
        pass
    kept = gc.get_freeze_count()

    with garbage.collected_afterwards():
        later = [Node() for _ in range(1_000)]

    assert kept > 1_000
    assert gc.get_freeze_count() <= kept
    assert len(later) == 1_000
