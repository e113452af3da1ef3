"""docs/runbook.md is held to the template's alarms, and to what the alarm test shows of them."""

from __future__ import annotations

import re
from functools import cache

import pytest
from destination_testbench.alarms.scenarios import FAULTS, HEALTHY
from destination_testbench.alarms.stack_alarms import EVERYTHING, StackAlarms, read_alarms
from destination_testbench.local.places import ROOT
from destination_testbench.template.template import read_template
from the_template import INFORMING

PARTS = ("**Meaning.** ", "**Look.**", "**Do.** ", "**Ends** ")
NAME = re.compile(r"\b([A-Z]\w+Alarm)\b")


@cache
def alarms() -> StackAlarms:
    return read_alarms(read_template(), EVERYTHING)


@cache
def sections() -> dict[str, str]:
    _, *parts = re.split(r"^## ", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def rows(section: str) -> list[list[str]]:
    lines = [line for line in sections()[section].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("| --")]


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    of_alarms = [name for name in sections() if name.endswith("Alarm")]

    assert len(of_alarms) >= 22
    assert sorted(of_alarms) == sorted(alarms().names)


@pytest.mark.parametrize("name", [name for name in sections() if name.endswith("Alarm")])
def test_a_section_says_what_it_means_how_to_look_what_to_do_and_when_it_ends(name: str) -> None:
    text = sections()[name]

    places = [text.find(f"\n{part}") for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)


def test_the_first_table_is_that_of_the_composite_alarms() -> None:
    told = {row[0]: set(NAME.findall(re.sub(r"\(#.*?\)", "", row[1]))) for row in rows("Which alarm wakes whom")}
    by_name = {NAME.findall(first)[0]: names for first, names in told.items() if NAME.findall(first)}

    for name, composite in alarms().composite.items():
        quiet = {"SchemaMismatchAlarm", "CreationsHeldAlarm"} if name == "DeliveryStoppedAlarm" else set()
        quiet |= {"OldestMessageAlarm"} if name == "StaleUpdatesAlarm" else set()
        quiet |= {"NeverScheduledAlarm"} if name == "MessagesWaitingAlarm" else set()
        assert by_name[name] == composite.children - quiet
    informing = {name for name in alarms().metric if not any(name in c.children for c in alarms().composite.values())}
    assert set(by_name) - set(alarms().composite) == informing


def test_the_table_of_causes_is_what_the_alarm_test_shows() -> None:
    scenarios = {scenario.name: scenario for scenario in (*FAULTS, *HEALTHY)}
    found = [row for row in rows("What sets off what") if row[0] in scenarios]

    assert {row[0] for row in found} >= {scenario.name for scenario in FAULTS}
    for name, on, wakes in found:
        assert set(NAME.findall(on)) == scenarios[name].alarms - set(alarms().composite), name
        assert tuple(NAME.findall(wakes)) == scenarios[name].wakes, name


def test_the_page_of_operating_leads_to_a_link_for_every_alarm_that_tells_somebody() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    telling = {*alarms().composite, *INFORMING}
    table = sections()["Which alarm wakes whom"]

    assert "(runbook.md#which-alarm-wakes-whom)" in page
    assert {name for name in telling if f"| [{name}](#{name.lower()})" not in table} == set()
