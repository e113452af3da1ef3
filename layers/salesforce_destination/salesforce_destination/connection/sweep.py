"""The sweep: rows of memberships that deliveries leave behind go along with their person, or go.

Nothing is deleted while messages are delivered. Each check does a bounded part of it, and the next one goes on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from salesforce_destination.connection.check import Connection
from salesforce_destination.connection.finding import Level
from salesforce_destination.destination.destination import Destination, Memberships, spelled_as
from salesforce_destination.errors import DestinationError, SalesforceError
from salesforce_destination.record.composite import WRITTEN, Collection, CollectionReply
from salesforce_destination.record.record import Address, Record
from salesforce_destination.record.successor import MERGEABLE, quoted

MOST_ROWS = 2_000  # that one run changes
KEPT = timedelta(days=30)
COLLECTION, LISTED, TOGETHER = 200, 30, 5  # records of a collection, values of a query, and both of a request
SELECT = "SELECT {} FROM {} WHERE IsDeleted = {} AND ({}) ORDER BY SystemModstamp DESC LIMIT 2000"
"""What stands in it are Ids, quoted texts, and names of the file: letters, digits and underscores."""

Query = Callable[[Sequence[str]], Sequence[Mapping[str, Any]]]
Send = Callable[[Sequence[Collection]], Sequence[CollectionReply]]


def swept(connection: Connection, destination: Destination, query: Query, send: Send, now: float) -> Connection:
    """Sweep the rows of an object that fits the file; the same connection, with how many were moved and deleted."""
    rows, facts = destination.memberships, connection.facts
    unfit = any(each.level is Level.ERROR and each.key.startswith("memberships.") for each in connection.findings)
    if rows is None or facts is None or unfit:
        return connection
    known, old = facts.known[rows.object.lower()], datetime.fromtimestamp(now, UTC) - KEPT
    rows = spelled_as(destination, [known.name, *known.fields]).memberships or rows
    try:
        changes, gone = _changes(rows, {name: rows.lookup(name) for name in destination.objects}, query, old)
        moved = [Record(one, one, fields, (), Address(rows.object)) for one, fields in changes.items()][:MOST_ROWS]
        # Whatever an answer held, no record of another object is deleted.
        ours = [one for one in dict.fromkeys(gone) if known.key_prefix and one.startswith(known.key_prefix)]
        place = Address(rows.object, deletes=True)
        deleted = [Record(one, one, {}, (), place) for one in ours[: MOST_ROWS - len(moved)]]
        return replace(connection, rows={"moved": _sent(send, moved), "deleted": _sent(send, deleted)})
    except DestinationError as problem:
        return replace(connection, rows={"not_swept": problem.code})


def _sent(send: Send, records: Sequence[Record]) -> int:
    replies = (reply for some in _parts(_parts(records, COLLECTION), TOGETHER) for reply in send(some))
    return sum(one == WRITTEN for reply in replies if not isinstance(reply, SalesforceError) for one in reply)


def _changes(
    rows: Memberships, lookups: dict[str, str], query: Query, old: datetime
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """By Id the changes to rows whose person is another one by now, and the Ids of those to delete."""

    def found(wheres: Iterable[str], sobject: str, *columns: str, deleted: bool = False) -> list[Mapping[str, Any]]:
        queries = [SELECT.format(", ".join(["Id", *columns]), sobject, deleted, where) for where in wheres]
        return [row for some in _parts(queries, TOGETHER) for row in query(some)]

    table, key, stamp, lead = rows.object, rows.key, f"{old:%Y-%m-%dT%H:%M:%SZ}", f"{lookups.get('Lead', '')[:-1]}r"
    ends = [" AND ".join([f"SystemModstamp < {stamp}", *map("{} = NULL".format, lookups.values())])]
    exited = f"{rows.status} = 'exited' AND {rows.since} < {old.timestamp() * 1000:.0f}"
    gone = [row["Id"] for row in found(ends + [exited] * (rows.when_exited == "delete"), table)]
    merged = f"MasterRecordId != NULL AND SystemModstamp > {stamp}"
    losers = [row["Id"] for name in lookups if name in MERGEABLE for row in found([merged], name, deleted=True)]
    wheres = [" OR ".join(f"{key} LIKE '{loser}:%'" for loser in some) for some in _parts(losers, LISTED)]
    columns, moved = [key, *lookups.values()], {}
    if {"Contact", "Lead"} <= lookups.keys():
        wheres, columns = [*wheres, f"{lead}.IsConverted = TRUE"], [*columns, f"{lead}.ConvertedContactId"]
    for row in found(wheres, table, *columns):
        contact, end = (row.get(lead) or {}).get("ConvertedContactId"), str(row[key]).partition(":")[2]
        person = contact or next(filter(None, map(row.get, lookups.values())), None)
        if person and end and row[key] != f"{person}:{end}":
            people = {lookups["Contact"]: contact, lookups["Lead"]: None} if contact else {}
            moved[row["Id"]] = {key: f"{person}:{end}", **people}
    keys = [",".join(quoted(moved[one][key]) for one in some) for some in _parts([*moved], LISTED)]
    taken = {row[key] for row in found((f"{key} IN ({some})" for some in keys), table, key)}
    gone += [one for one, fields in moved.items() if fields[key] in taken]
    return {one: fields for one, fields in moved.items() if fields[key] not in taken}, gone


def _parts(items: Sequence[Any], size: int) -> list[Any]:
    return [items[start : start + size] for start in range(0, len(items), size)]
