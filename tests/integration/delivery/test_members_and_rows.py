"""What follows a person: members of campaigns, and rows, each case with the org before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from members_and_rows import (
    CAMPAIGN,
    DELETES,
    GUARDED,
    MEMBERS,
    ROWS,
    WITH_ROWS,
    a_crm,
    entered,
    left,
    member,
    members,
    rows,
)
from people_table import Crm
from salesforce_destination.outcome import Message


@dataclass(frozen=True)
class Story:
    """Batches that are delivered one after the other, and what the org holds then."""

    name: str
    batches: Sequence[Sequence[Message]]
    members: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    file: str = MEMBERS
    before: Sequence[str] = ("C1", "L1")
    outcomes: Sequence[str] = ("delivered",)
    calls: str | None = None
    counts: Mapping[str, object] = field(default_factory=dict)
    prepare: Callable[[Crm], object] = lambda crm: None
    between: Callable[[Crm], object] = lambda crm: None
    parts: bool = False


STORIES = [
    Story("a new member", [[entered()]], {"C1": "Sent"}, calls="update query query insert"),
    Story("a lead", [[entered("L1")]], {"L1": "Sent"}),
    Story("both", [[entered(), entered("L1")]], {"C1": "Sent", "L1": "Sent"}, outcomes=["delivered"] * 2),
    Story("who was a member already", [[entered()]], {"C1": "Sent"}, prepare=member, calls="update query query"),
    Story("existing, with no status of its own", [[entered(status="existing")]], {"C1": "Sent"}),
    Story("who left", [[entered(), left(at=9)]], {}, outcomes=["delivered"] * 2),
    Story("who left later", [[entered()], [left(at=9)]], {"C1": "Left"}, calls="update query update"),
    Story("who came back", [[entered()], [left(at=9)], [entered(at=20)]], {"C1": "Sent"}),
    Story("an exit of nobody", [[left()]], {}),
    Story(
        "a member whom sales moved",
        [[entered()]],
        {"C1": "Responded"},
        prepare=lambda crm: member(crm, status="Responded"),
        counts={"members_kept": 1},
    ),
    Story(
        "a member whom sales moved, who leaves",
        [[left()]],
        {"C1": "Responded"},
        prepare=lambda crm: member(crm, status="Responded"),
        counts={"members_kept": 1},
    ),
    Story("an exit before its entry", [[left(at=9)], [entered()]], {}, file=MEMBERS + GUARDED, outcomes=["superseded"]),
    Story(
        "an older entry after the exit",
        [[entered()], [left(at=9)], [entered(at=5)]],
        {"C1": "Left"},
        file=MEMBERS + GUARDED,
        outcomes=["superseded"],
    ),
    Story("deleted", [[entered()], [left(at=9)]], {}, file=DELETES, calls="update query delete"),
    Story(
        "an older entry after a delete",
        [[entered()], [left(at=9)], [entered(at=5)]],
        {},
        file=DELETES,
        outcomes=["superseded"],
    ),
    Story(
        "an older entry after a delete, cold",
        [[entered()], [left(at=9)], [entered(at=5)]],
        {},
        file=DELETES,
        between=Crm.start_cold,
    ),
    Story("the same again", [[entered()], [entered()]], {"C1": "Sent"}, calls="update"),
    Story(
        "a campaign that was deleted",
        [[entered()]],
        {},
        prepare=lambda crm: crm.org.admin.delete("Campaign", CAMPAIGN),
        parts=True,
        counts={"records_delivered": 1},
    ),
    Story(
        "a status that was renamed",
        [[entered()]],
        {},
        prepare=lambda crm: crm.org.admin.add_campaign("New", (("Mailed", False), ("Left", False)), CAMPAIGN),
        parts=True,
    ),
    Story("a row", [[entered()]], rows={"C1": "realized"}, file=WITH_ROWS, calls="update update"),
    Story("a row of a lead", [[entered("L1")]], rows={"L1": "realized"}, file=WITH_ROWS),
    Story("a row that is exited", [[entered()], [left(at=9)]], rows={"C1": "exited"}, file=WITH_ROWS),
    Story(
        "an older row",
        [[left(at=9)], [entered()]],
        rows={"C1": "exited"},
        file=WITH_ROWS,
        counts={"parts_superseded": 1},
        outcomes=["superseded"],
    ),
    Story(
        "an older row, cold",
        [[left(at=9)], [entered()]],
        rows={"C1": "exited"},
        file=WITH_ROWS,
        between=Crm.start_cold,
        counts={"parts_superseded": 1},
    ),
    Story("the same row again", [[entered()], [entered()]], rows={"C1": "realized"}, file=WITH_ROWS, calls="update"),
    Story(
        "events of one row",
        [[left(at=9), entered(), entered(at=4)]],
        rows={"C1": "exited"},
        file=WITH_ROWS,
        outcomes=["delivered"] * 3,
    ),
    Story("both parts", [[entered()]], {"C1": "Sent"}, {"C1": "realized"}, file=MEMBERS + ROWS),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_follows_a_person(story: Story) -> None:
    crm = a_crm(story.file)
    crm.put({short: {} for short in story.before})
    story.prepare(crm)
    outcomes: list[str] = []
    for number, batch in enumerate(story.batches):
        if number:
            story.between(crm)
        outcomes = crm.deliver(batch)

    parts = [delivery.parts is not None for delivery in crm.batch.deliveries]
    assert (outcomes, members(crm), rows(crm)) == ([*story.outcomes], story.members, story.rows)
    assert parts == [story.parts] * len(parts)
    assert story.calls in (None, crm.calls)
    assert {name: getattr(crm.batch, name) for name in story.counts} == story.counts
