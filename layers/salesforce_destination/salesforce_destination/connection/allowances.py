"""How much of what an org and a file allow is used: audience fields, long text, API calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from salesforce_destination.connection.finding import Finding, error, note, warning
from salesforce_destination.record.description import ObjectDescription

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

LONG_TEXT_ALLOWANCE = 1_638_400
"""Characters of all custom long text fields of an object together ("Custom Field Limits" in Salesforce Help)."""

LONGEST_TEXT_AREA = 255
"""A text area beyond this is a long one, and counts."""

NEARLY_ALL_PERCENT = 90


class ApiCalls(NamedTuple):
    """The org's API calls of the last 24 hours."""

    used: int
    allowed: int


def audience_room(destination: Destination) -> Finding:
    """How many audience fields the file uses, of those that it allows."""
    used = len({audience.mapping_id for audience in destination.audiences})
    return note("max_audience_fields", "", f"{used} of {destination.max_audience_fields} audience fields are used.")


def long_text_room(description: ObjectDescription) -> Iterator[Finding]:
    """How many characters of long text the fields that the user can see take; nothing where there are none."""
    lengths = [
        field.length
        for field in description.fields.values()
        if field.type == "textarea" and field.length > LONGEST_TEXT_AREA and field.name.endswith("__c")
    ]
    used = sum(lengths)
    problem = (
        f"The long text fields of {description.name} that the integration user can see use {used:,} of"
        f" {LONG_TEXT_ALLOWANCE:,} characters."
    )
    if 100 * used >= NEARLY_ALL_PERCENT * LONG_TEXT_ALLOWANCE:
        cure = "There is almost no room for another one. Shorten some in Salesforce, or use Text(20) for audiences."
        yield warning("audiences", "", problem, cure)
    elif used:
        yield note("audiences", "", problem)


def call_room(calls: ApiCalls) -> Finding:
    """How many API calls are left today."""
    said = f"{max(calls.allowed - calls.used, 0):,} of {calls.allowed:,} API calls are left today."
    if calls.used >= calls.allowed:
        return error("api_calls", "", said, "Messages wait. Find what uses them: Setup > Company Information.")
    if 100 * calls.used >= NEARLY_ALL_PERCENT * calls.allowed:
        cure = "Find what uses them: Setup > Company Information. Above ApiUsageCeilingPercent, messages wait."
        return warning("api_calls", "", said, cure)
    return note("api_calls", "", said)
