"""The sweep: each check moves or deletes a bounded part of the rows that deliveries leave over; the next goes on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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

Row = Mapping[str, Any]
Query = Callable[[Sequence[str]], Sequence[Row]]
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
        changes, gone = _Rows(rows, {name: rows.lookup(name) for name in destination.objects}, query, old).changes()
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


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows in an org, and what of them is out of date."""

    table: Memberships
    lookups: Mapping[str, str]  # the fields that lead to people, by their sObjects
    query: Query
    old: datetime

    def changes(self) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """By Id the changes to rows whose person is another one by now, and the Ids of those to delete.

        A row whose place is taken gives what is newer in it to the one that has the place, and goes at the next sweep.
        """
        key, since, moved = self.table.key, self.table.since, self._moved()
        keys = [quoted(fields[key]) for fields in moved.values()]
        wheres = [f"{key} IN ({','.join(some)})" for some in _parts(keys, LISTED)]
        taken = {row[key]: row for row in self._found(wheres, self.table.object, key, since)}
        changes, doubles = dict[str, dict[str, Any]](), list[str]()
        for one, fields in sorted(moved.items(), key=lambda each: each[1][since] or 0):
            if (there := taken.get(fields[key])) is None:
                changes[one] = fields
            elif (fields[since] or 0) > (there[since] or 0):
                changes[there["Id"]] = {self.table.status: fields[self.table.status], since: fields[since]}
            else:
                doubles.append(one)
        return changes, [*self._ended(), *doubles]

    def _ended(self) -> list[str]:
        """Rows that no person has any more and, where the file says so, those of exits."""
        rows = self.table
        wheres = [" AND ".join([f"SystemModstamp < {self._stamp}", *map("{} = NULL".format, self.lookups.values())])]
        if rows.when_exited == "delete":
            wheres.append(f"{rows.status} = 'exited' AND {rows.since} < {self.old.timestamp() * 1000:.0f}")
        return [row["Id"] for row in self._found(wheres, rows.object)]

    def _moved(self) -> dict[str, dict[str, Any]]:
        """By Id the changes to rows whose person was merged into another, or is a lead that became a contact."""
        key, lead = self.table.key, f"{self.lookups.get('Lead', '')[:-1]}r"
        where, changes = f"MasterRecordId != NULL AND SystemModstamp > {self._stamp}", {}
        mergeable = [name for name in self.lookups if name in MERGEABLE]
        merged = [row["Id"] for name in mergeable for row in self._found([where], name, deleted=True)]
        wheres = [" OR ".join(f"{key} LIKE '{one}:%'" for one in some) for some in _parts(merged, LISTED)]
        said = [self.table.status, self.table.since]
        columns = [key, *said, *self.lookups.values()]
        if {"Contact", "Lead"} <= self.lookups.keys():
            wheres, columns = [*wheres, f"{lead}.IsConverted = TRUE"], [*columns, f"{lead}.ConvertedContactId"]
        for row in self._found(wheres, self.table.object, *columns):
            contact = (row.get(lead) or {}).get("ConvertedContactId")
            person = contact or next(filter(None, map(row.get, self.lookups.values())), None)
            audience = str(row[key]).partition(":")[2]
            if person and audience and row[key] != f"{person}:{audience}":
                people = {self.lookups["Contact"]: contact, self.lookups["Lead"]: None} if contact else {}
                changes[row["Id"]] = {key: f"{person}:{audience}", **people, **{name: row[name] for name in said}}
        return changes

    @property
    def _stamp(self) -> str:
        return f"{self.old:%Y-%m-%dT%H:%M:%SZ}"

    def _found(self, wheres: Iterable[str], sobject: str, *columns: str, deleted: bool = False) -> list[Row]:
        queries = [SELECT.format(", ".join(["Id", *columns]), sobject, deleted, where) for where in wheres]
        return [row for some in _parts(queries, TOGETHER) for row in self.query(some)]


def _parts(items: Sequence[Any], size: int) -> list[Any]:
    return [items[start : start + size] for start in range(0, len(items), size)]
