"""A dead letter keeps the time that its message came with, whatever it was rejected for: one case for each code."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import salesforce_destination
from builders import CONTACTS, LOYAL, SENT_AT, a_destination, a_membership, a_profile, a_queue, an_id
from destination_cli.dead_letters.reader import DeadLetter
from destination_testbench.aws_lambda.event_source import event_of
from salesforce_destination.aws.dead_letters import DeadLetters
from salesforce_destination.aws.sqs_event import messages_in
from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import Delivery
from salesforce_destination.profile.profile import Profile
from salesforce_destination.record.classification import OF_A_WHOLE, TABLE, RecordError
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.record import Update
from salesforce_destination.record.successor import Successor
from scripted_org import NoMarker, Queues, ScriptedOrg

PACKAGE = Path(salesforce_destination.__file__).parent
SINCE = 'since_field = "CDP_Loyal_Since__c"\n'
ORDERED = '\n[ordering]\nfield = "CDP_Event_Time__c"\nsource = "timestamp"\n'
FILE = CONTACTS + SINCE + ORDERED
DAY = 86_400_000
GIVEN, OWN = SENT_AT - 3 * DAY, SENT_AT - 2 * DAY
IDS = [str(UUID(int=number + 1)) for number in range(3)]

Attributes = dict[str, dict[str, Any]]


def number(value: int | str) -> Attributes:
    return {"EventTime": {"DataType": "Number", "StringValue": str(value)}}


class Faulty(Mapper):
    def map(self, profile: Profile, message_time: int | None, sent_at: int, several: bool = False) -> Update | None:
        raise RuntimeError


class Suspects(NoMarker):
    def is_suspect(self, message_id: str) -> bool:
        return message_id == IDS[0]


class Described(ScriptedOrg):
    """Has every field: what it refuses is not missing."""

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        names = ("FirstName", "LastName", "Email", "CDP_Loyal__c", "CDP_Event_Time__c")
        return read_description({"fields": [{"name": name, "updateable": True} for name in names]})


class OneFound(Described):
    """Finds a record by its e-mail address, which has another customer's number."""

    count = 1

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        names = ("FirstName", "LastName", "Email", "CDP_Loyal__c", "CDP_Event_Time__c", "CDP_Customer_Id__c")
        return read_description({"fields": [{"name": name, "updateable": True} for name in names]})

    def query(self, queries: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        found = {"attributes": {"type": "Contact"}, "Email": "a@example.com", "CDP_Customer_Id__c": "K1"}
        return [{**found, "Id": an_id(number)} for number in range(self.count)]


class SeveralFound(OneFound):
    count = 2


class NoneFound(OneFound):
    count = 0


@dataclass(frozen=True)
class Case:
    """How a code comes about: by the file, the org, the function or the body; but for the last it can be mended."""

    file: str = FILE
    error: RecordError | None = None
    org: type[ScriptedOrg] = Described
    successor: Successor | None = None
    mapper: type[Mapper] = Mapper
    marker: NoMarker = field(default_factory=NoMarker)
    body: Callable[[dict[str, Any]], Any] | None = None
    several: bool = False


def by_file(old: str, new: str) -> Case:
    assert old in FILE
    return Case(FILE.replace(old, new))


def by_membership(status: str, since: int) -> Case:
    member = a_membership(status, datetime.fromtimestamp(since / 1000, UTC).isoformat())
    return Case(body=lambda profile: {**profile, "segmentMembership": {"ups": {LOYAL: member}}})


BY_RULES = FILE.replace(
    "[identity]", '[[identity]]\nsource = "person.name.lastName"\ntarget = "CDP_Customer_Id__c"\n[[identity]]'
)
BY_RULES = BY_RULES.replace("identityMap.crmID[0].id", "personalEmail.address").replace("SalesforceId", "Email")

MEMBER = a_membership()
ROWS_OF_ALL = """
[memberships]
object = "Row__c"
key = "Key__c"
person = "Contact__c"
audience = "Audience__c"
status = "Status__c"
since = "Since__c"
audiences = "all"
at_most = 1
"""

OWN_CODES = {
    "NOT_FOUND": Case(BY_RULES, org=NoneFound),
    "DUPLICATE_EXTERNAL_ID": Case(BY_RULES, org=SeveralFound),
    "IDENTITY_CONFLICT": Case(BY_RULES, org=OneFound),
    "NOT_JSON": Case(body=lambda profile: json.dumps(profile)[:-1]),
    "NO_PROFILE": Case(FILE + '\n[profiles]\nselect = "detail"\n'),
    "EXPRESSION_FAILED": Case(FILE + '\n[profiles]\nselect = "keys(identityMap.crmID[0].id)"\n'),
    "KILLED_THE_FUNCTION": Case(marker=Suspects()),
    "UNEXPECTED_FAULT": Case(mapper=Faulty),
    "EVENT_TIME_INVALID": Case(FILE.replace('"timestamp"', '"person.name.lastName"'), several=True),
    "QUALIFICATION_TIME_INVALID": by_membership("realized", SENT_AT + 3_600_000),
    "STATUS_UNKNOWN": by_membership("unknown", SENT_AT),
    "NO_IDENTITY": by_file("identityMap.crmID[0].id", "nothing"),
    "IDENTITY_MALFORMED": by_file("identityMap.crmID[0].id", "person.name.lastName"),
    "VALUE_NOT_PLAIN": by_file('"person.name.lastName"', '"person.name"'),
    "REQUIRED_VALUE_MISSING": by_file('"person.name.lastName"', '"person.name.nothing"'),
    "VALUE_NOT_LISTED": by_file("max_length = 80", 'values = { nobody = "x" }'),
    "VALUE_TOO_LONG": by_file("max_length = 80", "max_length = 1"),
    "TOO_MANY_MEMBERSHIPS": Case(
        FILE + ROWS_OF_ALL, body=lambda profile: {**profile, "segmentMembership": {"ups": {"a": MEMBER, "b": MEMBER}}}
    ),
    "RECORD_MERGED": Case(error=RecordError("ENTITY_IS_DELETED"), successor=Successor("Contact", an_id(7))),
    "FIELD_MISSING_IN_ORG": Case(error=RecordError("INVALID_FIELD", "", ("Email",)), org=ScriptedOrg),
    "NO_REASON": Case(error=RecordError("NO_REASON")),
}
OF_SALESFORCE = {code: Case(error=RecordError(code)) for code in sorted({code for code, *_ in TABLE} | {*OF_A_WHOLE})}
CASES = OWN_CODES | OF_SALESFORCE
NAMED_ELSEWHERE = {"error.code", "last.code", "kept['code']", "code"}
"""What Reason is given in place of a code of ours: Salesforce's, or that of a reason that is there already."""


def codes_of_the_package(texts: Sequence[str]) -> tuple[set[str], set[str]]:
    """The codes of ours that a reason is made with, and what else it is made with."""
    codes, others = set[str](), set[str]()
    for tree in map(ast.parse, texts):
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        said = [call.args[0] for call in calls if ast.unparse(call.func) in ("Reason", "rejected") and call.args]
        named = {one.id for one in said if isinstance(one, ast.Name)}
        assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        said += [one.value for one in assigned if ast.unparse(one.targets[0]) in named]
        for one in said:
            found = {node.value for node in ast.walk(one) if isinstance(node, ast.Constant)} - {""}
            is_code = isinstance(one, ast.Constant | ast.IfExp)
            codes |= {str(code) for code in found} if is_code else set()
            others |= set() if is_code else {ast.unparse(one)}
    return codes, others


def test_every_code_has_a_case() -> None:
    codes, others = codes_of_the_package([file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")])

    assert codes - {"SUPPRESSED"} == set(OWN_CODES)  # whose message becomes no dead letter
    assert others <= NAMED_ELSEWHERE
    assert len(OF_SALESFORCE) > 50


def test_a_new_code_would_be_found() -> None:
    texts = ['raise Refused(Reason("A"))', 'x = "B" if y else "C"\nrejected(x, z)', "Reason(x.y)"]

    assert codes_of_the_package(texts) == ({"A", "B", "C"}, {"x", "x.y"})


destination_of = cache(a_destination)


class Recorder:
    def __init__(self) -> None:
        self.entries: list[Any] = []

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        self.entries += call["Entries"]
        return {}


def as_received(body: str, attributes: Attributes, place: int) -> dict[str, Any]:
    """What SQS hands out: the first, its dead letter and the redriven one are a day apart and have their own ids."""
    system = {"SentTimestamp": str(SENT_AT + place * DAY), "ApproximateReceiveCount": "9"}
    ids = {"MessageId": IDS[place], "ReceiptHandle": "handle", "MD5OfBody": ""}
    return {**ids, "Body": body, "Attributes": system, "MessageAttributes": attributes}


def delivered(message: dict[str, Any], case: Case) -> tuple[Delivery, dict[str, Any], ScriptedOrg]:
    """Hand the function a message that it gives up at once; the delivery, its dead letter if any, and the org."""
    destination, recorder, queues = destination_of(case.file), Recorder(), Queues()
    org = case.org(destination, [case.error] * 100 if case.error else (), case.successor)
    letters = DeadLetters(*a_queue(recorder), "contacts")
    backoff, limits = Backoff(30, 1800, 1800, lambda: 0.5), Limits(give_up_after_seconds=0)
    around = case.marker, letters, queues, queues, backoff, limits, inf
    deliverer = Deliverer(case.mapper(destination), org, Memory(lambda: 0.0), *around)
    messages = messages_in(event_of([message], "arn"), SENT_AT)
    (delivery,) = deliverer.deliver(messages, SENT_AT + 9 * DAY).deliveries
    return delivery, next(iter(recorder.entries), {}), org


def redriven(entry: dict[str, Any]) -> tuple[DeadLetter, dict[str, Any]]:
    letter = DeadLetter.of(as_received(entry["MessageBody"], entry["MessageAttributes"], 1))
    return letter, as_received(letter.body, letter.attributes_to_send(), 2)


WAYS = ((GIVEN, None, GIVEN), (None, OWN, OWN), (None, None, SENT_AT))
"""The attribute EventTime, the profile's own time, and which of them, or of the sending, is meant."""


@pytest.mark.parametrize(
    ("code", "given", "own", "meant"),
    [(code, *way) for code in CASES for way in (WAYS if code in OWN_CODES else WAYS[:1])],
)
def test_the_time_of_the_event_is_kept_over_a_redrive(
    code: str, given: int | None, own: int | None, meant: int
) -> None:
    case = CASES[code]
    profile = a_profile(1, email="a@example.com") | ({"timestamp": own} if own else {})
    body = case.body(profile) if case.body else {"profiles": [profile, profile]} if case.several else profile
    text = body if isinstance(body, str) else json.dumps(body)

    first, entry, _ = delivered(as_received(text, number(given) if given else {}, 0), case)
    letter, again = redriven(entry)
    second, entry_again, org = delivered(again, Case(case.file if case.body else FILE, body=case.body))

    assert letter.code == code
    assert letter.event_time in (meant, SENT_AT if given is None else meant)
    assert (letter.message_id, first.message.id) == (IDS[0], IDS[0])
    if case.body:
        assert entry_again["MessageAttributes"]["EventTime"] == entry["MessageAttributes"]["EventTime"]
        assert entry_again["MessageAttributes"]["MessageId"]["StringValue"] == IDS[0]
        assert redriven(entry_again)[0].code == code
    else:
        assert second.outcome.kind == "delivered"
        assert {row["CDP_Event_Time__c"] for row in org.rows} == {meant}


def written(message: dict[str, Any], file: str = FILE) -> set[int]:
    """The event times with which a message is written."""
    delivery, _, org = delivered(message, Case(file))
    assert delivery.outcome.kind == "delivered"
    return {row["CDP_Event_Time__c"] for row in org.rows}


@pytest.mark.parametrize("case", [Case(), Case(marker=Suspects())], ids=["envelope", "killed"])
def test_a_notification_that_was_not_taken_apart_keeps_the_time_in_it(case: Case) -> None:
    attribute = {"EventTime": {"Type": "Number", "Value": str(GIVEN)}}
    content = {"TopicArn": "arn", "Message": json.dumps(a_profile(timestamp=OWN)), "MessageAttributes": attribute}

    _, entry, _ = delivered(as_received(json.dumps(content), {}, 0), case)
    letter, again = redriven(entry)

    assert letter.event_time == (SENT_AT if case.marker.is_suspect(IDS[0]) else GIVEN)
    assert written(again, FILE + "\n[profiles]\nselect = 'powertools_json(Message)'\n") == {GIVEN}


def test_the_time_of_an_envelope_is_not_that_of_the_event_in_it() -> None:
    content = {"detail-type": "changed", "timestamp": SENT_AT - 1, "detail": a_profile(timestamp=OWN)}

    _, entry, _ = delivered(as_received(json.dumps(content), {}, 0), Case())
    letter, again = redriven(entry)

    assert (letter.code, letter.event_time) == ("NO_PROFILE", SENT_AT)
    assert written(again, FILE + "\n[profiles]\nselect = 'detail'\n") == {OWN}


UNREADABLE: list[dict[str, Any]] = [
    {"DataType": "String", "StringValue": "yesterday"},
    {"DataType": "String", "StringValue": "8" * 39 + " ms of a month"},
    {"DataType": "String", "StringValue": "2023-11-13T22:13:20Z"},
    {"DataType": "Number", "StringValue": "9" * 30},
    {"DataType": "Number", "StringValue": "17"},
    {"DataType": "Number", "StringValue": str(SENT_AT + 3_600_000)},
    {"DataType": "Binary", "BinaryValue": b"\x00"},
]


@pytest.mark.parametrize("case", [Case(), Case(marker=Suspects()), None], ids=["read", "killed", "moved by SQS"])
@pytest.mark.parametrize("attribute", UNREADABLE)
def test_no_valid_time_takes_the_place_of_one_that_cannot_be(attribute: dict[str, Any], case: Case | None) -> None:
    """However late it is redriven: what was in the future at first is so for ever."""
    message = as_received(json.dumps(a_profile(timestamp=OWN)), {"EventTime": attribute}, 0)
    if case is None:
        again = as_received(message["Body"], DeadLetter.of(message).attributes_to_send(), 2)
    else:
        again = redriven(delivered(message, case)[1])[1]

    for _ in range(2):
        _, entry, org = delivered(again, Case())
        letter, again = redriven(entry)
        assert (letter.code, org.rows) == ("EVENT_TIME_INVALID", [])
        assert letter.text_of("EventTime") == attribute.get("StringValue", "unreadable")[:40]


def test_a_profiles_own_time_that_was_in_the_future_is_not_written_later() -> None:
    body = json.dumps(a_profile(timestamp=SENT_AT + 3_600_000))

    _, entry, _ = delivered(as_received(body, {}, 0), Case())
    _, entry_again, org = delivered(redriven(entry)[1], Case())

    assert (redriven(entry_again)[0].code, org.rows) == ("EVENT_TIME_INVALID", [])


@pytest.mark.parametrize(("given", "meant"), [(GIVEN, {OWN, GIVEN}), (None, {OWN, SENT_AT})])
def test_of_several_profiles_each_has_its_own_time_again(given: int | None, meant: set[int]) -> None:
    body = {"profiles": [a_profile(1, timestamp=OWN), a_profile(2), a_profile(3, last_name=None)]}
    optional = FILE.replace("required = true\n", "")

    _, entry, _ = delivered(as_received(json.dumps(body), number(given) if given else {}, 0), Case())
    letter, again = redriven(entry)

    assert (letter.code, letter.event_time) == ("REQUIRED_VALUE_MISSING", given or SENT_AT)
    assert written(again, optional) == meant


@pytest.mark.parametrize(("given", "own", "meant"), WAYS)
@pytest.mark.parametrize("others", [0, 9])
def test_what_sqs_moved_keeps_its_time_however_many_attributes_it_has(
    given: int | None, own: int | None, meant: int, others: int
) -> None:
    attributes = {f"Own{place}": {"DataType": "String", "StringValue": "x"} for place in range(others)}
    body = json.dumps(a_profile() | ({"timestamp": own} if own else {}))
    letter = DeadLetter.of(as_received(body, attributes | (number(given) if given else {}), 0))

    again = as_received(body, letter.attributes_to_send(), 2)

    assert (letter.code, letter.message_id, len(again["MessageAttributes"]) <= 10) == ("MOVED_BY_SQS", IDS[0], True)
    assert written(again) == {meant}


def test_a_senders_own_message_id_is_kept_under_another_name_and_is_not_ours() -> None:
    own = {"MessageId": {"DataType": "String", "StringValue": "anna@example.com"}}
    message = as_received(json.dumps(a_profile(last_name=None)), own, 0)

    _, entry, _ = delivered(message, Case())
    letter, again = redriven(entry)

    assert letter.message_id == DeadLetter.of(message).message_id == IDS[0]
    for attributes in (again["MessageAttributes"], DeadLetter.of(message).attributes_to_send()):
        assert attributes["ProducerMessageId"] == own["MessageId"]
        assert attributes["MessageId"]["StringValue"] == IDS[0]


def test_a_first_sending_that_is_ahead_of_the_last_one_bounds_nothing() -> None:
    ahead = {"EventTime": {"DataType": f"Number.Given.{SENT_AT + 9 * DAY}", "StringValue": str(SENT_AT + 8 * DAY)}}

    _, entry, _ = delivered(as_received(json.dumps(a_profile()), ahead, 0), Case())

    assert redriven(entry)[0].code == "EVENT_TIME_INVALID"
