"""`destination reconcile` with an org and a queue: what it refuses, what it finds, and what it puts on the queue."""

from __future__ import annotations

import io
import json
import stat
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from builders import a_destination
from destination_cli.org_api import OrgApi
from destination_cli.reconcile import Difference, Mirror
from destination_cli.send.load import event_time_of
from destination_cli.target import Target, TargetError
from destination_testbench.org import OrgServer, SimulatedOrg, record_id, seed, serve
from moto import mock_aws
from org_target import a_target
from rich.console import Console
from salesforce_destination.record.record import to_18

PEOPLE = 40
AS_OF = "2026-02-01T12:00:00.999Z"
AS_OF_MS = 1_769_947_200_000
BEFORE, AFTER = "2026-01-31T12:00:00.000+0000", "2026-02-01T12:00:01.000+0000"

FILE = """
name = "People"
salesforce_object = ["Contact", "Lead"]

[[identity]]
source = "id"
target = "SalesforceId"

[[identity]]
source = "lower(email)"
target = "CDP_Customer_Id__c"

[[audiences]]
id = "loyal"
name = "Loyal customers"
mapping_id = "CDP_Loyal__c"
since_field = "CDP_Loyal_Since__c"

[[audiences]]
id = "unguarded"
mapping_id = "CDP_Newsletter__c"
"""

ONE_RULE = FILE.replace(FILE[FILE.index('[[identity]]\nsource = "lower') : FILE.index("[[audiences]]")], "")

ROWS = (
    FILE.partition("[[audiences]]")[0]
    + """
[[audiences]]
id = "rows"

[memberships]
object = "CDP_Membership__c"
key = "CDP_Key__c"
person = { Contact = "Contact__c", Lead = "Lead__c" }
audience = "Audience__c"
status = "Status__c"
since = "Since_Ms__c"
"""
)


UNGUARDED_ROWS = ROWS.replace('id = "rows"', 'id = "rows"\nmapping_id = "CDP_Newsletter__c"')


@dataclass
class Shop:
    """An org of which the first ten contacts are members, with a queue."""

    server: OrgServer
    sqs: Any
    folder: Path

    @property
    def queue(self) -> str:
        return str(self.sqs.get_queue_url(QueueName="queue")["QueueUrl"])

    def contact(self, number: int) -> dict[str, object]:
        return self.server.org.records("Contact").records[record_id("003", number)].values

    def target(self) -> Target:
        stack = a_target(self.server)
        clients = {"sqs": self.sqs, "secretsmanager": stack.client("secretsmanager")}
        return Target("local", {**stack.outputs, "QueueUrl": self.queue}, {}, clients.__getitem__, is_local=True)

    def run(
        self,
        members: str,
        audience: str = "loyal",
        identity: str | None = "SalesforceId",
        file: str = FILE,
        ceiling: float = 100,
        column: str | None = None,
        as_of: str | None = AS_OF,
        save: str = "old.csv",
        *,
        yes: bool = False,
    ) -> Difference:
        mirror = Mirror.of(a_destination(file), audience, identity, event_time_of(as_of))
        target, source = self.target(), io.BytesIO(members.encode())
        to = target if yes else None
        return mirror.reconcile(OrgApi.of(target, "66.0"), source, column, ceiling, self.folder / save, to)

    def sent(self) -> list[tuple[Any, dict[str, str]]]:
        found = []
        while got := self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for each in got:
                attributes = {name: value["StringValue"] for name, value in each["MessageAttributes"].items()}
                found.append((json.loads(each["Body"]), attributes))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[OrgServer]:
    org = SimulatedOrg()
    seed(org, contacts=PEOPLE, leads=5)
    org.config.bulk_query_page, org.config.bulk_query_runs = 25, False
    with serve(org) as server:
        yield server


@pytest.fixture(scope="module")
def sqs() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("sqs")
        client.create_queue(QueueName="queue")
        yield client


@pytest.fixture
def shop(server: OrgServer, sqs: Any, tmp_path: Path) -> Shop:
    for number, record in enumerate(server.org.records("Contact"), 1):
        member = {"CDP_Loyal__c": "realized", "CDP_Loyal_Since__c": BEFORE} if number <= 10 else {}
        record.values |= {"CDP_Loyal__c": None, "CDP_Loyal_Since__c": None, "CDP_Customer_Id__c": None, **member}
    for record in server.org.records("Lead"):
        record.values |= {"CDP_Loyal__c": None, "CDP_Customer_Id__c": None, "IsConverted": False}
    server.org.records("CDP_Membership__c").records.clear()
    return Shop(server, sqs, tmp_path)


def ids(*numbers: int, prefix: str = "003") -> str:
    return "".join(f"{record_id(prefix, number)}\n" for number in numbers)


def test_who_differs_is_sent_in_the_form_that_takes_memberships_alone(shop: Shop) -> None:
    shop.contact(3)["CDP_Loyal__c"] = "existing"
    members = ids(*range(2, 11), 12) + ids(1, prefix="00Q")

    found = shop.run(members, yes=True)

    assert found.counts == {
        "listed": 11,
        "unknown": 0,
        "members": 10,
        "nameless": 0,
        "newer": 0,
        "exits": 1,
        "entries": 2,
    }
    assert (found.sent, found.exit_status) == (3, 0)
    form = {"Form": "memberships", "EventTime": str(AS_OF_MS)}
    assert sorted(shop.sent(), key=str) == [
        (body(person, status), form)
        for person, status in [
            (record_id("003", 1), "exited"),
            (record_id("003", 12), "realized"),
            (record_id("00Q", 1), "realized"),
        ]
    ]


def body(person: str, status: str, audience: str = "loyal") -> dict[str, Any]:
    membership = {"status": status, "lastQualificationTime": "2026-02-01T12:00:00Z"}
    return {"identity": {"SalesforceId": person}, "memberships": {audience: membership}}


def test_without_yes_nothing_is_sent_and_the_old_values_are_saved(shop: Shop) -> None:
    found = shop.run(ids(*range(2, 12)))

    assert (found.sent, found.exit_status, shop.sent()) == (None, 1, [])
    saved = Path(found.saved)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert saved.read_text().splitlines() == [
        "id,status,since,becomes",
        f"{record_id('003', 1)},realized,1769860800000,exited",
        f"{record_id('003', 11)},,0,realized",
    ]
    with pytest.raises(TargetError, match=r"File exists\. Name a new file with --save"):
        shop.run(ids(*range(2, 12)), yes=True)
    assert shop.sent() == []


def test_an_audience_that_agrees_leaves_no_file(shop: Shop) -> None:
    found = shop.run(ids(*range(1, 11)), yes=True)

    assert (found.size, found.saved, found.sent, found.exit_status) == (0, "", 0, 0)


def test_what_changed_after_the_list_was_made_is_left_alone(shop: Shop) -> None:
    shop.contact(1)["CDP_Loyal_Since__c"] = AFTER
    shop.contact(12).update({"CDP_Loyal__c": "exited", "CDP_Loyal_Since__c": AFTER})

    found = shop.run(ids(*range(3, 11), 12), yes=True)

    assert {name: found.counts[name] for name in ("newer", "exits", "entries")} == {
        "newer": 2,
        "exits": 1,
        "entries": 0,
    }
    assert [sent["identity"]["SalesforceId"] for sent, _ in shop.sent()] == [record_id("003", 2)]


def test_a_list_may_name_people_by_a_key_as_the_org_compares_it(shop: Shop) -> None:
    for number in range(1, 13):
        shop.contact(number)["CDP_Customer_Id__c"] = f"Person{number}@example.com"
    shop.contact(10)["CDP_Customer_Id__c"] = None
    leads = list(shop.server.org.records("Lead"))
    leads[0].values["CDP_Customer_Id__c"] = "person11@example.com"
    leads[1].values |= {"CDP_Customer_Id__c": "person99@example.com", "IsConverted": True}
    members = "".join(f"x;PERSON{number}@EXAMPLE.COM\n" for number in (*range(1, 10), 11, 99, 98))

    found = shop.run(f"name;Customer\n{members}", identity="CDP_Customer_Id__c", column="customer", yes=True)

    assert found.counts == {
        "listed": 12,
        "unknown": 2,
        "members": 10,
        "nameless": 1,
        "newer": 0,
        "exits": 0,
        "entries": 1,
    }
    assert [sent for sent, _ in shop.sent()] == [body(record_id("003", 11), "realized")]  # the contact, not the lead


def test_a_file_without_a_rule_for_ids_names_people_by_their_key(shop: Shop) -> None:
    file = ONE_RULE.replace('"SalesforceId"', '"Email"')
    shop.contact(12)["Email"] = "Twelve@Example.com"
    members = [str(shop.contact(number)["Email"]) for number in (*range(1, 11), 12)]

    shop.run("Email\n" + "\n".join(members), identity=None, file=file, yes=True)

    assert [sent["identity"] for sent, _ in shop.sent()] == [{"Email": "Twelve@Example.com"}]


def test_several_records_with_one_key_get_no_entry(shop: Shop) -> None:
    file = FILE.replace("CDP_Customer_Id__c", "Email").replace("lower(email)", "email")
    shop.contact(12)["Email"], shop.contact(13)["Email"] = "shared@example.com", "shared@example.com"
    members = [str(shop.contact(number)["Email"]) for number in (*range(1, 11), 12)]

    found = shop.run("\n".join(["e-mail", *members]), identity="Email", file=file, yes=True)

    assert (found.counts["unknown"], found.size, shop.sent()) == (1, 0, [])  # the heading is nobody's address


def test_rows_are_compared_by_their_person_and_not_those_that_a_merge_left_over(shop: Shop) -> None:
    for number, person, status, since, lookup in [
        (1, 1, "realized", AS_OF_MS - 5, 1),
        (2, 2, "exited", AS_OF_MS - 5, 2),
        (3, 3, "realized", AS_OF_MS + 1_768_166_679, 3),
        (4, 4, "realized", AS_OF_MS - 5, 5),
    ]:
        values = {"CDP_Key__c": f"{record_id('003', person)}:rows", "Contact__c": record_id("003", lookup)}
        more = {"Audience__c": "rows", "Status__c": status, "Since_Ms__c": float(since)}
        shop.server.org.insert("CDP_Membership__c", record_id("a01", number), {**values, **more})

    found = shop.run(ids(2, 5), audience="rows", file=ROWS, ceiling=1_000, yes=True)

    assert {name: found.counts[name] for name in ("members", "newer", "exits", "entries")} == {
        "members": 2,
        "newer": 1,
        "exits": 1,
        "entries": 2,
    }
    assert sorted((sent for sent, _ in shop.sent()), key=str) == [
        body(record_id("003", number), status, "rows")
        for number, status in ((1, "exited"), (2, "realized"), (5, "realized"))
    ]


@pytest.mark.parametrize(
    ("members", "more"),
    [
        ("Name,SalesforceId\n" + "".join(f"x,{record_id('003', number)}\n" for number in range(1, 11)), {}),
        ("\ufeff" + ids(*range(1, 11)).replace("\n", "\r\n\r\n"), {}),
        ("id\n" + "".join(f"{record_id('003', number)[:15]}\n" for number in range(1, 11)), {}),
        ("".join(json.dumps({"n": 1, "Id": record_id("003", number)}) + "\n\n" for number in range(1, 11)), {}),
        ("who\tx\n" + "".join(f"{record_id('003', number)}\ty\n" for number in range(1, 11)), {"column": "WHO"}),
        (ids(*range(1, 11)) * 2 + "nobody\n", {}),
    ],
)
def test_a_list_is_csv_or_json_lines_or_ids(shop: Shop, members: str, more: dict[str, Any]) -> None:
    found = shop.run(members, **more)

    assert (found.counts["listed"], found.counts["unknown"], found.size) == (10, 0, 0)
    assert found.malformed == ("nobody" in members)


NOBODY = "".join(f"{to_18(f'003Zz{number:010d}')}\n" for number in range(11))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"members": ""}, "The list has no identities: everybody would exit"),
        ({"members": "Id\n"}, "The list has no identities"),
        ({"members": ids(*range(1, 11)) + NOBODY}, "under half of the list: 11 of 21 are not there. Check --identity"),
        ({"members": ids(*range(2, 11)), "ceiling": 9.9}, "1 exits and 0 entries are over 9.9 %. Find out why"),
        ({"as_of": None}, "When was the list made? Add --as-of TIME"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "--as-of is outside 2001 to 2286|--as-of is in the future"),
        ({"as_of": "2200-01-01T00:00:00Z"}, "--as-of is in the future"),
        ({"as_of": "yesterday"}, "--as-of is not a time"),
        ({"audience": "unguarded"}, "unguarded has no since_field and no rows: an exit would undo"),
        (
            {"audience": "rows", "file": f'{UNGUARDED_ROWS}audiences = "all"\nat_most = 9\nexcept = ["rows"]\n'},
            "rows has no since_field and no rows",
        ),
        ({"audience": "nobody"}, "has 0 audiences with the id or name nobody"),
        ({"identity": None}, "Add --identity with one of: SalesforceId, CDP_Customer_Id__c"),
        ({"identity": "Email"}, "Add --identity with one of"),
        ({"members": "a,b\n1,2\n"}, "The list has 2 columns, none called SalesforceId or id. Give --column"),
        ({"column": "other"}, "The list has 1 columns, none called other"),
        ({"members": '{"a": 1}\n'}, "The list has 1 columns, none called"),
        ({"members": '{"id": "1"}\n7\n'}, "The list is not UTF-8 with CSV, JSON lines"),
        ({"members": '{"id": "1"\n'}, "The list is not UTF-8 with CSV, JSON lines"),
        ({"members": "\udcff".encode("utf-8", "surrogateescape").decode("latin-1") + "\x00,\n"}, "The list "),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_sent(shop: Shop, given: dict[str, Any], told: str) -> None:
    with pytest.raises(TargetError, match=told.replace("?", r"\?").replace("%.", r"%\.")):
        shop.run(**{"members": ids(*range(1, 11)), **given}, yes=True)

    assert (shop.sent(), list(shop.folder.iterdir())) == ([], [])


def test_a_person_and_a_program_read_what_came_of_it(shop: Shop) -> None:
    found = shop.run(ids(*range(2, 12)))
    console = Console(file=io.StringIO(), width=80)

    found.show(console)

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "          1  " in text
    assert "Nothing was sent. To send it, add --yes." in text
    assert json.loads(found.as_json())["counts"]["exits"] == 1


def test_a_file_of_one_rule_needs_no_identity() -> None:
    assert Mirror.of(a_destination(ONE_RULE), "Loyal customers", None, AS_OF_MS).audience.id == "loyal"


class ManyRows(OrgApi):
    """An org with so many contacts that nobody would insert them: every tenth is no member."""

    people = 0

    def rows(self, columns: Iterable[str], sobject: str, where: str = "") -> Iterator[list[str]]:
        for number in range(self.people if sobject == "Contact" else 0):
            status = "realized" if number % 10 else ""
            yield [to_18(f"003Ab{number:010d}") or "", f"person{number}@example.com", status, BEFORE]


def peak(server: OrgServer, folder: Path, people: int) -> int:
    """The most bytes of Python that a comparison holds."""
    api = ManyRows.of(a_target(server), "66.0")
    api.people = people
    members = "".join(f"PERSON{number}@example.com\n" for number in range(people) if number % 10).encode()
    mirror = Mirror.of(a_destination(ONE_RULE.replace('"SalesforceId"', '"Email"')), "loyal", None, AS_OF_MS)
    tracemalloc.start()
    found = mirror.reconcile(api, io.BytesIO(members), None, 0, folder / "old.csv", None)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.counts["members"], found.size) == (people * 9 // 10, 0)
    return held


def test_memory_does_not_grow_with_the_audience(server: OrgServer, tmp_path: Path) -> None:
    few, many = (peak(server, tmp_path, people) for people in (1_000, 20_000))

    assert many < few + 200_000
