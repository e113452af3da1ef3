"""`destination reconcile`: who is a member in the org and not in a list, or in it alone, by a database on disk."""

import csv
import io
import json
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from salesforce_destination.destination.destination import Audience, Destination
from salesforce_destination.mapping.mapper import IdentityReader
from salesforce_destination.outcome import ProfileRefusedError
from salesforce_destination.profile.event_time import parse_time, to_salesforce
from salesforce_destination.record.description import read_description
from salesforce_destination.record.successor import quoted

from destination_cli.count import ALIVE, MEMBER, ROW, memberships, status_by, status_of
from destination_cli.org_api import OrgApi
from destination_cli.send.load import QueueUnavailableError, SendingQueue, send_lines
from destination_cli.send.source import Position, ProfileLine
from destination_cli.target import Target, TargetError, explained
from destination_cli.terminal import FINDINGS, GOOD

TABLES = """
PRAGMA cache_size = -32000;
CREATE TABLE listed (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE held (id TEXT PRIMARY KEY, key TEXT, named TEXT, place INT, status TEXT, since INT, member INT);
"""
# Who enters is written to the sObject that the file names first; where several of its records have the key, to none.
COMPARE = """
CREATE INDEX by_key ON held (key);
CREATE TABLE differing AS
    SELECT id, named, status, since, 'exited' AS becomes FROM held WHERE member AND key != '' AND key NOT IN listed
    UNION ALL
    SELECT id, named, status, since, 'realized' FROM held AS one WHERE NOT member AND key IN listed AND NOT EXISTS
        (SELECT 1 FROM held AS two WHERE two.key = one.key AND two.id != one.id AND two.place <= one.place);
"""
COUNTED = {
    "SELECT COUNT(*) FROM listed": ("listed", "in the list"),
    "SELECT COUNT(*) FROM listed WHERE key NOT IN (SELECT key FROM held)": ("unknown", "of them not in the org"),
    "SELECT COUNT(*) FROM held WHERE member": ("members", "members in the org"),
    "SELECT COUNT(*) FROM held WHERE member AND key = ''": ("nameless", "of them without such an identity: left alone"),
    "SELECT COUNT(*) FROM differing WHERE since > ?1": ("newer", "changed in the org after --as-of: left alone"),
    "SELECT COUNT(*) FROM differing WHERE since <= ?1 AND becomes = 'exited'": ("exits", "not in the list: they exit"),
    "SELECT COUNT(*) FROM differing WHERE since <= ?1 AND becomes = 'realized'": ("entries", "no members: they enter"),
}
OLD = "SELECT id, status, since, becomes FROM differing WHERE since <= ?"
BODIES = """
SELECT json_object('identity', json_object(?4, iif(?4 = 'SalesforceId', id, named)), 'memberships',
    json_object(?2, json_object('status', becomes, 'lastQualificationTime', ?3))) FROM differing WHERE since <= ?1
"""
HALF = "The org knows under half of the list: {unknown:,} of {listed:,} are not there. Check --identity and --column."
TOO_MANY = "{exits:,} exits and {entries:,} entries are over {ceiling:g} %. Find out why before you add --ceiling."


@dataclass(slots=True)
class Difference:
    """What was counted; `saved` names the file of the old values, `sent` says how many messages are on the queue."""

    counts: dict[str, int]
    malformed: int
    saved: str = ""
    sent: int | None = None

    @property
    def size(self) -> int:
        """How many people exit or enter."""
        return self.counts["exits"] + self.counts["entries"]

    @property
    def exit_status(self) -> int:
        """1 where somebody differs who is not on the queue."""
        return GOOD if (self.sent or 0) >= self.size else FINDINGS

    def as_json(self) -> str:
        """All of it for programs."""
        return json.dumps(asdict(self), indent=2)

    def show(self, console: Console) -> None:
        """Print it as a person reads it."""
        lines = [(self.counts[name], text) for name, text in COUNTED.values()]
        for number, text in [*lines, (self.malformed, "lines of the list are no identities")]:
            console.print(f"{number:>11,}  {text}", highlight=False)
        if self.saved:
            console.print(f"The old values are in {self.saved}.", highlight=False, soft_wrap=True)
        sent = "Nothing was sent. To send it, add --yes." if self.sent is None else f"{self.sent:,} are on the queue."
        console.print(sent, highlight=False)


@dataclass(frozen=True, slots=True)
class Mirror:
    """An audience as it was at a time, in ms, and the place of the file's rule by which a list names people."""

    destination: Destination
    audience: Audience
    rule: int
    as_of: int

    @classmethod
    def of(cls, destination: Destination, audience: str, identity: str | None, as_of: int | None) -> "Mirror":
        """What a person asked for; raise TargetError where it is not clear, or nothing would guard newer changes."""
        found = [each for each in destination.audiences if audience in (each.id, each.name)]
        targets = {number: rule.targets.values() for number, rule in enumerate(destination.rules)}
        rules = [number for number, names in targets.items() if identity is None or identity in names]
        if as_of is None:
            raise TargetError("When was the list made? Add --as-of TIME: what changed in Salesforce after it stays.")
        if len(found) != 1:
            raise TargetError(f"The file has {len(found)} audiences with the id or name {audience}.")
        rows = destination.memberships
        if not found[0].since_field and not (rows and rows.takes(found[0].id)):
            raise TargetError(f"{audience} has no since_field and no rows: an exit would undo what came after --as-of.")
        if len(rules) != 1:
            known = ", ".join(dict.fromkeys(chain(*targets.values())))
            raise TargetError(f"By what does the list name people? Add --identity with one of: {known}.")
        return cls(destination, found[0], rules[0], as_of // 1000 * 1000)

    def reconcile(
        self, api: OrgApi, source: BinaryIO, column: str | None, ceiling: float, save: Path | None, to: Target | None
    ) -> Difference:
        """Compare, save the old values, and send to a stack; raise TargetError where the list cannot be right."""
        with closing(sqlite3.connect("")) as db:
            found = self._compared(api, source, column, db)
            counts = found.counts
            if counts["unknown"] * 2 > counts["listed"]:
                raise TargetError(HALF.format(**counts))
            if found.size * 100 > max(counts["listed"], counts["members"]) * ceiling:
                raise TargetError(TOO_MANY.format(**counts, ceiling=ceiling))
            found.saved = self._save(save, db) if found.size else ""
            found.sent = self._send(to, db) if to else None
        return found

    def _compared(self, api: OrgApi, source: BinaryIO, column: str | None, db: sqlite3.Connection) -> Difference:
        plain = tuple(each.model_copy(update={"source": "it"}) for each in self.destination.rules)
        reader, rule = IdentityReader(self.destination.model_copy(update={"rules": plain}), self.rule), plain[self.rule]
        for name in self.destination.objects:
            reader.use_description(read_description(api.ask(f"sobjects/{name}/describe")))
        seen = Counter[bool]()

        def key_of(text: str) -> str:
            with suppress(ProfileRefusedError):
                return reader.read({"it": text})[0]
            return ""

        def listed(text: str) -> tuple[str, ...]:
            seen[bool(key := key_of(text))] += 1
            return (key,) if key else ()

        db.executescript(TABLES)
        texts = identities_in(source, [column] if column else [*rule.targets.values(), "id"])
        db.executemany("INSERT OR IGNORE INTO listed VALUES (?)", filter(None, map(listed, texts)))
        if not seen[True]:
            raise TargetError("The list has no identities: everybody would exit.")
        for place, file in enumerate(self.destination.by_object):
            if (field := "Id" if rule.is_id else reader.target_on(file.salesforce_object)) is None:
                continue
            held = ((row[0], key_of(row[1]), row[1], place, *row[2:]) for row in self._people(api, file, field))
            db.executemany("INSERT INTO held VALUES (?, ?, ?, ?, ?, ?, ?)", held)
        db.executemany("UPDATE held SET status = ?, since = ?, member = ? WHERE id = ?", self._rows(api))
        db.executescript(COMPARE)
        sums = ((name, db.execute(sql, (self.as_of,) if "?" in sql else ())) for sql, (name, _) in COUNTED.items())
        return Difference({name: found.fetchone()[0] for name, found in sums}, seen[False])

    def _people(self, api: OrgApi, file: Destination, key: str) -> Iterator[tuple[Any, ...]]:
        own = next((each for each in file.audiences if each.id == self.audience.id), None)
        fields = [own.mapping_id, own.since_field] if own and own.since_field else []
        where = ALIVE.get(file.salesforce_object, "")
        for row in api.rows(dict.fromkeys(["Id", key, *fields]), file.salesforce_object, where):
            status, since = row[-2:] if fields else ("", "")
            yield row[0], row[key != "Id"], status, _ms(since), own and status_of(own, status) in MEMBER

    def _rows(self, api: OrgApi) -> Iterator[tuple[str, int, bool, str]]:
        if (rows := self.destination.memberships) and not self.audience.since_field:
            where = f"WHERE {rows.audience} = {quoted(self.audience.id)}"
            for person, _, status, since in memberships(api, self.destination, where):
                yield status, _ms(since), status_by(ROW, status) in MEMBER, person

    def _save(self, file: Path | None, db: sqlite3.Connection) -> str:
        name = re.sub(r"\W+", "-", self.audience.name or self.audience.id)
        file = file or Path(f"reconcile-{name}-{time.strftime('%Y%m%dT%H%M%S')}.csv")
        try:
            file.touch(0o600, exist_ok=False)
            with file.open("w", encoding="utf-8", newline="") as out:
                found = db.execute(OLD, (self.as_of,))
                csv.writer(out).writerows(chain([[column for column, *_ in found.description]], found))
        except OSError as error:
            raise TargetError(f"{file}: {error.strerror}. Name a new file with --save.") from None
        return str(file)

    def _send(self, target: Target, db: sqlite3.Connection) -> int:
        form = {"DataType": "String", "StringValue": "memberships"}
        attributes = {"Form": form, "EventTime": {"DataType": "Number", "StringValue": str(self.as_of)}}
        ids = [each.target for each in self.destination.rules if each.is_id]
        by = [*ids, self.destination.rules[self.rule].target][0]
        bodies = db.execute(BODIES, (self.as_of, self.audience.id, to_salesforce(self.as_of), by))
        try:
            with explained(target.name):
                queue = SendingQueue(target.client("sqs"), target.queue_url, attributes)
                return send_lines((ProfileLine(0, 0, *row) for row in bodies), queue, Position(), lambda _: None).sent
        except QueueUnavailableError:
            raise TargetError("The queue takes no more messages. Compare again later, and send the rest.") from None


def _ms(text: str) -> int:
    """A time of a Date/Time field, or of a number as Bulk API writes it: 1.768166679E12."""
    return parse_time(text) if "T" in text else int(float(text or 0))


def identities_in(source: BinaryIO, names: Collection[str]) -> Iterator[str]:
    """What a list names people by: a column of CSV or a member of JSON lines with one of the names, or each line."""
    text = io.TextIOWrapper(source, "utf-8-sig", newline="")
    try:
        first = next(text, "")
        lines, is_json, mark = chain([first], text), first.lstrip().startswith("{"), max(",;\t", key=first.count)
        cells = list(json.loads(first)) if is_json else next(csv.reader([first], delimiter=mark), [])
        column = next((cell for name in names for cell in cells if cell.strip().lower() == name.lower()), "")
        if not column and (is_json or len(cells) > 1 or len(names) == 1):  # --column: one name
            raise TargetError(f"The list has {len(cells)} columns, none called {' or '.join(names)}. Give --column.")
        table = csv.DictReader(lines, None if column else [""], delimiter=mark)
        rows = map(json.loads, filter(str.strip, lines)) if is_json else table
        yield from filter(None, (str(row.get(column) or "").strip() for row in rows))
    except (ValueError, AttributeError, csv.Error):
        raise TargetError("The list is not UTF-8 with CSV, JSON lines or one identity on each line.") from None
