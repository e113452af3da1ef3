"""`destination erase`: nothing is written of a person any more, and what the API can delete of her is deleted."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from salesforce_destination.aws.suppression import GOOD_FOR_SECONDS, SuppressionList
from salesforce_destination.destination.destination import SALESFORCE_ID
from salesforce_destination.errors import DestinationError
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import ProfileRefusedError
from salesforce_destination.record.description import TEXT_TYPES, ObjectDescription, read_description

from destination_cli.dead_letters.reader import DeadLetter, DeadLetterReader
from destination_cli.explain import destination_of, records_of
from destination_cli.org_api import OrgApi, admin_token
from destination_cli.target import Target, TargetError
from destination_cli.terminal import moment

WAIT_SECONDS = GOOD_FOR_SECONDS + 300.0  # until every function has read the list, and a batch begun before has ended
LINKS, PEOPLE, DAY_MS = ("MasterRecordId", "ConvertedContactId"), {"Contact", "Lead"}, 86_400_000
Row = Mapping[str, Any]


@dataclass(slots=True)
class Receipt:
    """What there is of a person, by object, and what became of it: counts, days and beginnings of hashes alone."""

    suppressed_at: str = ""
    hashes: Sequence[str] = ()
    found: Counter[str] = field(default_factory=Counter)
    deleted: Counter[str] = field(default_factory=Counter)
    cleared: Counter[str] = field(default_factory=Counter)
    left: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """All of it for programs."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, indent=2)


class Erasure:
    """Erases the person with an identity, which is one by the rule with the target `rule` if that is named."""

    def __init__(self, target: Target, token: Any, file: Path | None, identity: str, rule: str | None) -> None:
        self._target, self._identity, self.receipt = target, identity, Receipt()
        self._file = destination_of(target, file)
        self._api, self._mapper = OrgApi(token, self._file.api_version), Mapper(self._file)
        self._keys = [name for each in self._file.rules for name in each.targets.values()]
        of_file = {*self._file.objects}
        self._objects = of_file | (PEOPLE if PEOPLE & of_file else set())
        self._known: dict[str, tuple[ObjectDescription, Sequence[Row]]] = {}
        for name in self._file.objects:
            self._mapper.use_description(self._about(name)[0])
        self._rules = tuple(each for each in self._file.rules if rule in (None, *each.targets.values()))
        if not self._rules:
            raise TargetError(f"The file finds nobody by {rule}. Name one of these: {', '.join(self._keys)}.")

    def _about(self, sobject: str) -> tuple[ObjectDescription, Sequence[Row]]:
        """An object as this user sees it, and what looks its records up; nothing where the user may not see it."""
        if sobject not in self._known:
            answer = self._api.send("GET", f"sobjects/{sobject}/describe")
            body, names = answer.body if answer.good else {}, [*self._keys, *self._file.of(sobject).written_fields]
            self._known[sobject] = read_description(body).spelled_as(names), body.get("childRelationships", ())
        return self._known[sobject]

    def _find(self) -> tuple[dict[str, Row], set[str]]:
        """Her records by Id, deleted and converted ones too, and the keys of all their identities."""
        new = records_of(self._api.ask, self._file.model_copy(update={"rules": self._rules}), self._identity)
        live = Counter(row["sObject"] for row in new if not (row.get("IsDeleted") or row.get("IsConverted")))
        if several := [name for name, count in live.items() if count > 1]:
            raise TargetError(f"More than one {several[0]} has this identity. Name her by another.")
        found = dict[str, Row]()
        while new:
            found |= {row["Id"]: row for row in new}
            ids, ahead, new = [row["Id"] for row in new], [row[it] for row in new for it in LINKS if row.get(it)], []
            for name, (link, values) in product(self._objects, [("Id", ahead), *((link, ids) for link in LINKS)]):
                fields = self._about(name)[0].fields
                if values and link in fields:
                    names = dict.fromkeys(["Id", "IsDeleted", "IsConverted", *LINKS, *self._keys])
                    columns = ", ".join(name for name in names if name in fields)
                    rows = self._api.query(columns, name, {link: values}, "queryAll")
                    new += [{**row, "sObject": name} for row in rows if row["Id"] not in found]
        given = {name: self._identity for rule in self._rules for name in rule.targets.values()}
        held = [given, *({SALESFORCE_ID: key, **row} for key, row in found.items())]
        return found, set().union(*(self._mapper.keys({"identity": each}, is_form=True) for each in held))

    def suppress(self, now: Callable[[], float], *, lift: bool, yes: bool) -> tuple[dict[str, Row], set[str], float]:
        """Put her on the list, or take her off it: her records and keys, and when what was under way has ended."""
        output, client = self._target.output, partial(partial, self._target.client)
        s3 = client("s3"), output("SuppressionBucketName")
        listed = SuppressionList(*s3, client("secretsmanager"), output("OutcomeKeySecretArn"), now)
        listed.read()
        rows, keys = self._find()
        hashes, at = {listed.hash(key) for key in keys}, int(now() * 1000)
        hers = [each for each in listed.people if hashes & {*each["hashes"]}]
        known, others = {one for each in hers for one in each["hashes"]}, [p for p in listed.people if p not in hers]
        if lift and hers:
            listed.write(others)
        elif yes and not hashes <= known:
            listed.write([*others, {"at": at, "hashes": sorted(hashes | known)}])
        elif hers:
            at = max(each["at"] for each in hers)
        is_on_it = not lift and (yes or hers)
        self.receipt = Receipt(moment(at) if is_on_it else "", sorted(each[:8] for each in hashes | known))
        return rows, keys, at / 1000 + WAIT_SECONDS

    def go_through(self, rows: Mapping[str, Row], now_ms: int, also: Sequence[str], *, yes: bool, keep: bool) -> None:
        """Count what the org holds, and with `yes` delete it: what hangs on her records first."""
        own, receipt = self._file.memberships, self.receipt
        in_bin = f"until {moment(now_ms + 15 * DAY_MS)[:10]}, if no administrator empties the bin"
        for name, record_id in self._hanging(rows):
            receipt.found[name] += 1
            if name.endswith("History") or name in ("CampaignMember", own and own.object, *also):
                self._delete(name, record_id, yes=yes)
        for record_id, row in sorted(rows.items(), key=lambda pair: not pair[1].get("IsConverted")):
            name = row["sObject"] + " in the recycle bin" * bool(row.get("IsDeleted"))
            receipt.found[name] += 1
            if row.get("IsDeleted"):
                receipt.left[name] = in_bin
            elif (keep and not row.get("IsConverted")) or not self._delete(name, record_id, yes=yes):
                self._clear(name, record_id, now_ms, yes=yes)
        gone = [name for name, count in receipt.deleted.items() if count and not name.endswith("History")]
        receipt.left |= {f"{name} in the recycle bin": in_bin for name in gone}
        days = int(self._target.parameters.get("LogRetentionDays") or 30)
        receipt.left["log lines, as hashes"] = f"until {moment(now_ms + days * DAY_MS)[:10]}"
        receipt.left["messages hidden now"] = f"until {moment(now_ms + 14 * DAY_MS)[:10]}; nothing of them is written"

    def _hanging(self, rows: Mapping[str, Row]) -> Mapping[tuple[str, str], None]:
        """What looks her records up, by object and Id; rows of the file also by their keys: a merge cuts them off."""
        own, found = self._file.memberships, dict[tuple[str, str], None]()
        asked = [(own.object, f"{own.key} LIKE '{record_id}:%'") for record_id in rows] if own else []
        for sobject in dict.fromkeys(row["sObject"] for row in rows.values()):
            ids = "','".join(key for key, row in rows.items() if row["sObject"] == sobject)
            children = [(child["childSObject"], child["field"]) for child in self._about(sobject)[1]]
            asked += [(name, f"{lookup} IN ('{ids}')") for name, lookup in children if name not in self._objects]
        for name, condition in asked:
            soql = f"SELECT Id FROM {name} WHERE {condition}"  # noqa: S608  # nosec B608
            answer = self._api.send("GET", "query", parameters={"q": soql})
            found |= {(name, row["Id"]): None for row in answer.body["records"]} if answer.good else {}
            if not answer.good and name in ("CampaignMember", own and own.object):  # others cannot always be asked
                self.receipt.left[name] = f"{answer.code}: the user needs Read on {name}"
        return found

    def _delete(self, name: str, record_id: str, *, yes: bool) -> bool:
        is_gone, code = self._about(name)[0].deletable, "no right"
        if yes:
            answer = self._api.send("DELETE", f"sobjects/{name}/{record_id}")
            is_gone, code = answer.good or answer.code in ("ENTITY_IS_DELETED", "NOT_FOUND"), answer.code
        self.receipt.deleted[name] += yes and is_gone
        if not is_gone:
            right = "Delete From Field History" if name.endswith("History") else f"Delete on {name}"
            self.receipt.left[name] = f"{code}: the user needs {right}"
        return is_gone

    def _clear(self, sobject: str, record_id: str, now_ms: int, *, yes: bool) -> None:
        """Clear what the file writes; guards are set to now, as an older message passes an empty one."""
        file, description, body = self._file.of(sobject), self._about(sobject)[0], dict[str, Any]()
        since = {audience.since_field for audience in file.audiences}
        for name in file.written_fields if sobject in self._file.objects else ():
            parent = description.relationships.get(name.partition(".")[0].partition(":")[0].lower(), ("",))[0]
            known = description.fields.get(parent if "." in name else name)
            if known and known.updateable and (known.nillable or known.type in {"boolean", *TEXT_TYPES}):
                body[known.name] = None if known.nillable else False if known.type == "boolean" else "Erased"
            if name in since:
                body[name] = moment(now_ms).replace(" ", "T")
            if file.ordering and name == file.ordering.field:
                body[name] = now_ms
        if yes and body:
            answer = self._api.send("PATCH", f"sobjects/{sobject}/{record_id}", body)
            self.receipt.cleared[sobject] += answer.good
            if not answer.good:
                self.receipt.left[sobject] = f"{answer.code}: neither deleted nor cleared"

    def look_at_letters(self, keys: set[str], *, yes: bool) -> None:
        """Count her dead letters, and with `yes` delete those that hold nobody else."""
        found, deleted, name = self.receipt.found, self.receipt.deleted, "dead letters"
        with DeadLetterReader(self._target.client("sqs"), self._target.dead_letter_queue_url) as reader:
            for letter in chain.from_iterable(reader.each(list)):
                of_people = [bool(keys & each) for each in self._keys_in(letter)]
                found[name] += any(of_people)
                if any(of_people) and not all(of_people):
                    self.receipt.left[name] = f"message {letter.message_id} and perhaps more hold other people too"
                elif any(of_people):
                    deleted[name] += bool(yes and not reader.delete([letter]))
            if unread := reader.unread():
                self.receipt.left[name] = f"about {unread:,} were not read: run it again in 15 minutes"

    def _keys_in(self, letter: DeadLetter) -> list[set[str]]:
        try:
            if letter.text_of("Form"):
                return [self._mapper.keys(self._mapper.memberships(letter.body), is_form=True)]
            return [self._mapper.keys(profile) for profile in self._mapper.profiles(letter.body)]
        except ProfileRefusedError:
            return []


def erase(
    target: Target,
    person: tuple[Path | None, str, str | None],
    also: Sequence[str],
    read_token: Callable[[], str] | None,
    clock: tuple[Callable[[], float], Callable[[float], None]] = (time.time, time.sleep),
    *,
    yes: bool,
    keep: bool,
    lift: bool,
) -> Receipt:
    """Find a person by file, identity and rule; with `yes` suppress her, wait, and delete. Call it again to go on."""
    now, sleep = clock
    try:
        token = target.stored_token().current()
        token = admin_token(read_token(), token.instance_url, target.is_local) if read_token else token
        erasure = Erasure(target, token, *person)
        rows, keys, over = erasure.suppress(now, lift=lift, yes=yes)
        while yes and not lift and now() < over:
            until = moment(int(over * 1000))
            with Console(stderr=True).status(f"She is suppressed. Functions may still write until {until}"):
                sleep(over - now())
            rows, keys, over = erasure.suppress(now, lift=False, yes=True)  # what was written meanwhile is hers, too
        if not lift:
            erasure.go_through(rows, int(now() * 1000), also, yes=yes, keep=keep)
            erasure.look_at_letters(keys, yes=yes)
    except KeyboardInterrupt:
        raise TargetError("Interrupted. If you give the same command again, it goes on.") from None
    except DestinationError as error:
        why = error.reason.text if isinstance(error, ProfileRefusedError) else getattr(error, "reason", error.code)
        raise TargetError(f"The access token, the suppression list or this identity cannot be used: {why}") from None
    return erasure.receipt


def show(receipt: Receipt, console: Console) -> None:
    """The receipt as a person reads it."""
    on = f"suppressed since {receipt.suppressed_at}" if receipt.suppressed_at else "not suppressed"
    console.print(f"Identities {', '.join(receipt.hashes)}: {on}.\n", highlight=False)
    if not +receipt.found:
        console.print("The org holds nobody with this identity.\n", highlight=False)
    table = Table("", "found", "deleted", "cleared", "left", box=None, pad_edge=False, header_style="dim")
    for name in dict.fromkeys([*receipt.found, *receipt.left]):
        counts = (str(each[name] or "") for each in (receipt.found, receipt.deleted, receipt.cleared))
        table.add_row(name, *counts, receipt.left.get(name, ""))
    console.print(table)
