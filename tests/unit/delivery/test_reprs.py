from __future__ import annotations

import pytest
from salesforce_destination.delivery.finder import Place
from salesforce_destination.outcome import Message, WaitingParts
from salesforce_destination.record.record import Content, Follower, Record, Update

MARKED = "MARKED"
PART = Update(0, 0, MARKED, MARKED, {"Status": MARKED}, 1, audience=f"row {MARKED}", place=("Contact", MARKED))
PERSON = Update(
    0,
    0,
    MARKED,
    MARKED,
    {"Phone": MARKED},
    1,
    follower=Follower((MARKED,), {"Contact": Content({"Phone": MARKED}, {})}),
    parts=[PART],
)


@pytest.mark.parametrize(
    "thing",
    [
        PART,
        PERSON,
        Record(MARKED, MARKED, {"Phone": MARKED}, (PERSON,)),
        Place("Contact", MARKED, {"Phone": MARKED}),
        Message("id", MARKED, MARKED, 1, parts=WaitingParts({0: (f"row {MARKED}",)}, 1, 1)),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_nothing_of_a_person_stands_in_a_repr(thing: object) -> None:
    assert MARKED not in repr(thing)
