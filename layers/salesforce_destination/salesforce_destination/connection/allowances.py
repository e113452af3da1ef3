"""How much of what an org and a file allow is used: audience fields, long text, API calls."""

from collections.abc import Iterator

from salesforce_destination.connection.field_fit import Known
from salesforce_destination.connection.finding import Finding, error, note, warning
from salesforce_destination.destination.destination import MOST_AUDIENCE_FIELDS, Destination, Identity
from salesforce_destination.record.classification import ApiCalls
from salesforce_destination.record.description import ObjectDescription

LONG_TEXT_ALLOWANCE = 1_638_400  # characters of all of an object ("Custom Field Limits" in Salesforce Help)
LONGEST_TEXT_AREA = 255  # a text area beyond this is a long one, and counts

CUSTOM_FIELDS = {"Professional": 100, "Enterprise": 500, "Developer": 500, "Performance": 800, "Unlimited": 800}
"""Of an object by edition, without those of packages ("Custom Fields Allowed Per Object" in Salesforce Help)."""

NEARLY_ALL_PERCENT = 90

BATCHES_A_DAY, FEWEST_BATCHES_A_DAY = 7_200, 1_440
"""With Lambda's five pollers and a window of 60 s, and of 300 s, which is the longest."""


def audience_room(destination: Destination, description: ObjectDescription, edition: str = "") -> Iterator[Finding]:
    """How many audience fields the file uses, of what it means to, or of what Salesforce allows; and of long text."""
    used, most = len({each.mapping_id for each in destination.audiences} - {""}), destination.max_audience_fields
    told = f"{used} of {most} audience fields are used."
    if used > MOST_AUDIENCE_FIELDS:
        there = sum(name.endswith("__c") and name.count("__") == 1 for name in description.fields)
        allowed = CUSTOM_FIELDS.get(edition)
        left = f"{allowed - there} of {allowed} are left" if allowed else f"{there} are there; 100 to 800 may be"
        told += f" Adobe's guide allows {MOST_AUDIENCE_FIELDS}, Salesforce as many custom fields as the edition has:"
        told += f" on {description.name} {left}, by what the integration user can see."
    yield note("max_audience_fields", "", told)
    yield from long_text_room(description)


def long_text_room(description: ObjectDescription) -> Iterator[Finding]:
    """How many characters of long text the fields that the user can see take; nothing where there are none."""
    own = [field for field in description.fields.values() if field.type == "textarea" and field.name.endswith("__c")]
    used = sum(field.length for field in own if field.length > LONGEST_TEXT_AREA)
    problem = f"The long text fields of {description.name} that the integration user can see use"
    problem += f" {used:,} of {LONG_TEXT_ALLOWANCE:,} characters."
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


def storage_room(destination: Destination, free: int | None, whole: int | None) -> Iterator[Finding]:
    """How much storage rows and campaign members take, and what the org has left, in MB."""
    members, rows = sum(bool(each.campaign) for each in destination.audiences), destination.memberships
    most = (rows.at_most or len(destination.audiences)) if rows else 0
    if kilobytes := 2 * most + members:
        problem = f"A person has up to {most} rows of 2 KB and {members} campaign members of 1 KB: for a million people"
        problem += f" {kilobytes * 1e6 / 2**20:.1f} GiB of storage, for 1,000 at once {most + 2 * members} requests."
        problem += f" {free:,} of {whole:,} MB are left." if free is not None and whole else ""
        is_full = free is not None and 10 * free < (whole or 0)
        cure = "New rows wait until you make room. In a full org nobody can create records." if is_full else ""
        yield (error if is_full else note)("memberships" if rows else "audiences", "", problem, cure)


def is_direct(destination: Destination, rule: Identity, known: Known) -> bool:
    """Whether records of the first sObject are written by this rule before they are looked up: by Id or unique key."""
    description = known.get(destination.salesforce_object.lower())
    field = description.fields.get(rule.target) if description else None
    return rule.is_id or (field.unique if field else rule.target != "Email")


def requests_a_batch(destination: Destination, known: Known) -> int:
    """At most: to write straight, to look up, to write what that found, to create; and for members and rows."""
    straight = {is_direct(destination, rule, known) for rule in destination.rules}
    elsewhere = len(destination.objects) > 1 and not destination.updates_by_id
    further = len(destination.rules) > 1 or False in straight or elsewhere
    reads = destination.unchanged == "skip" or any(each.write == "if_empty" for each in destination.mappings)
    creates = bool(destination.creates)
    members = any(each.campaign for each in destination.audiences)
    return (True in straight) + (further or reads or creates) + further + creates + members + destination.has_parts


def calls_a_day(destination: Destination, known: Known, calls: ApiCalls | None = None) -> Finding:
    """How many API calls this file makes a day, and how to make fewer where there are many."""
    requests = requests_a_batch(destination, known)
    most, each = requests * BATCHES_A_DAY, "one request" if requests == 1 else f"up to {requests} requests"
    problem = f"A batch takes {each}: at most {most:,} API calls a day with BatchWindowSeconds = 60."
    cure = f"BatchWindowSeconds = 300 makes it {requests * FEWEST_BATCHES_A_DAY:,}." if requests > 1 else ""
    return (warning if calls and most > calls.allowed else note)("BatchWindowSeconds", "", problem, cure)
