"""A person asks to be erased: the whole story, with a deliver function beside the command and an org behind both."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from builders import LOYAL, a_message, a_profile, an_id
from deliver_function import DeliverStack
from destination_cli.erase import Receipt, erase, show
from destination_cli.target import Target, TargetError
from destination_testbench.local.places import ROOT
from destination_testbench.org import serve
from destination_testbench.org.records.record_id import record_id
from moto import mock_aws
from operated_stack import impatient
from org_caller import INTEGRATION, Clock
from rich.console import Console
from salesforce_destination.aws.suppression import OBJECT
from salesforce_destination.login.token import AccessToken

CONTACTS = ROOT / "layers" / "destinations" / "contacts.toml"
HER, OTHER, LEAD, ROW = an_id(1), an_id(2), record_id("00Q", 1), record_id("a01", 1)
MEMBERSHIPS = """
[memberships]
object = "CDP_Membership__c"
key = "CDP_Key__c"
person = "Contact__c"
audience = "Audience__c"
status = "Status__c"
since = "Since_Ms__c"
"""
ORDERING = '[ordering]\nfield = "CDP_Event_Time__c"\n'


class Stack(DeliverStack):
    """A deliver stack with what the command needs; `clock` is that of the command."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.secrets.create_secret(Name="key", SecretString="a key")
        boto3.client("s3").create_bucket(
            Bucket="suppressed", CreateBucketConfiguration={"LocationConstraint": boto3.client("s3").meta.region_name}
        )
        self.environment(SUPPRESSION_BUCKET="suppressed", OUTCOME_KEY_SECRET_ID="key")
        self.clock = Clock()

    def connect(self, url: str) -> None:
        token = AccessToken(self.org.admin.log_in(INTEGRATION), url).to_secret()
        outputs = {
            "AccessTokenSecretArn": self.secrets.create_secret(Name="for-the-command", SecretString=token)["ARN"],
            "OutcomeKeySecretArn": "key",
            "SuppressionBucketName": "suppressed",
            "DeadLetterQueueUrl": self.dead_letters_url,
        }
        self.target = Target("a-stack", outputs, {"LogRetentionDays": "30"}, impatient, is_local=True)

    def erase(self, identity: str = HER, file: Path | None = None, **options: Any) -> Receipt:
        person, also = (file or self.destination_file, identity, options.pop("rule", None)), options.pop("also", ())
        chosen = {"yes": False, "keep": False, "lift": False, **options}
        return erase(self.target, person, also, None, (self.clock.now, self.clock.sleep), **chosen)

    def reject(self, *profiles: Any) -> None:
        body = json.dumps(profiles[0] if len(profiles) == 1 else {"profiles": profiles})
        self.sqs.send_message(QueueUrl=self.dead_letters_url, MessageBody=body)

    def there(self, sobject: str) -> set[str]:
        return {record.id for record in self.org.records(sobject)}

    def tell(self, number: int, **more: Any) -> None:
        assert self.invoke([a_message(a_profile(number, last_name="Okafor", **more))]) == []


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stack]:
    file = tmp_path / "contacts.toml"
    file.write_text(CONTACTS.read_text(encoding="utf-8") + MEMBERSHIPS, encoding="utf-8")
    with mock_aws():
        stack = Stack(monkeypatch, file)
        with serve(stack.org) as server:
            stack.connect(server.url)
            campaign = stack.org.admin.add_campaign("Spring")
            stack.org.insert("CampaignMember", record_id("00v", 1), {"CampaignId": campaign, "ContactId": HER})
            stack.org.insert("CampaignMember", record_id("00v", 2), {"CampaignId": campaign, "ContactId": OTHER})
            stack.org.insert("CDP_Membership__c", ROW, {"Contact__c": HER, "CDP_Key__c": f"{HER}:a"})
            stack.org.insert("CDP_Membership__c", record_id("a01", 2), {"CDP_Key__c": f"{HER}:cut-off"})
            stack.org.insert("CDP_Membership__c", record_id("a01", 3), {"CDP_Key__c": f"{OTHER}:a"})
            stack.org.insert("ContactHistory", record_id("017", 1), {"ContactId": HER, "Field": "Email"})
            stack.org.insert("Task", record_id("00T", 1), {"WhoId": HER, "Subject": "Call her"})
            stack.org.admin.convert_lead(LEAD, HER)
            stack.org.admin.merge("Contact", HER, [an_id(3)])
            yield stack


FOUND = {
    "Contact": 1,
    "Contact in the recycle bin": 1,
    "Lead": 1,
    "CampaignMember": 1,
    "CDP_Membership__c": 2,
    "ContactHistory": 1,
    "Task": 1,
    "dead letters": 1,
}


def test_what_there_is_of_a_person_is_counted_and_nothing_changes(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.reject(a_profile(1))
    stack.reject(a_profile(2))
    before = stack.there("Contact"), stack.there("CDP_Membership__c")

    receipt = stack.erase()

    assert dict(receipt.found) == FOUND
    assert (receipt.suppressed_at, +receipt.deleted) == ("", {})
    assert (stack.there("Contact"), stack.there("CDP_Membership__c")) == before
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="suppressed")
    assert len(stack.dead_letters()) == 2
    assert stack.clock.slept == []
    show(receipt, Console(width=200))
    text = capsys.readouterr().out
    assert "not suppressed" in text
    assert "the user needs Delete From Field History" in text
    assert "nobody" not in text


def test_that_nobody_has_the_identity_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show(Receipt(hashes=["01234567"], found=Counter({"dead letters": 0})), Console(width=80))

    assert "The org holds nobody with this identity." in capsys.readouterr().out


def test_a_person_is_suppressed_then_erased_and_does_not_come_back(stack: Stack) -> None:
    stack.reject(a_profile(1))
    stack.reject(a_profile(2))
    stack.org.admin.let_delete("ContactHistory", True)
    stack.org.admin.edit("Contact", OTHER, {"ReportsToId": HER})

    receipt = stack.erase(yes=True, also=["Contact"])

    assert stack.clock.slept == [600]
    gone = {name: count for name, count in FOUND.items() if name not in ("Task", "Contact in the recycle bin")}
    assert +receipt.deleted == gone
    in_bin = {name for name, text in receipt.left.items() if "if no administrator empties the bin" in text}
    assert in_bin == {
        f"{name} in the recycle bin" for name in ("Contact", "Lead", "CampaignMember", "CDP_Membership__c")
    }
    assert receipt.suppressed_at
    assert HER not in stack.there("Contact")
    assert OTHER in stack.there("Contact")
    assert LEAD not in stack.there("Lead")
    assert stack.there("CampaignMember") == {record_id("00v", 2)}
    assert stack.there("CDP_Membership__c") == {record_id("a01", 3)}
    assert stack.there("Task") == {record_id("00T", 1)}
    assert [json.loads(letter["Body"]) for letter in stack.dead_letters()] == [a_profile(2)]
    told = receipt.as_json()
    assert not [text for text in (HER, LEAD, an_id(3), "Okafor", "@") if text in told]
    stack.tell(1)  # an event that was on its way; without the list it would be a dead letter
    assert stack.dead_letters() == []


def test_who_calls_it_again_goes_on_without_waiting_and_deletes_what_came_meanwhile(stack: Stack) -> None:
    stack.clock.sleep = interrupt  # type: ignore[method-assign]
    with pytest.raises(TargetError, match="Interrupted"):
        stack.erase(yes=True)
    assert HER in stack.there("Contact")
    stack.tell(1)
    assert stack.contact(HER)["LastName"] != "Okafor"
    stack.clock.time += 601

    receipt = stack.erase(yes=True)

    assert receipt.deleted["Contact"] == 1
    again = stack.erase(yes=True)
    assert (+again.deleted)["Contact"] == 0
    assert again.found["Contact in the recycle bin"] == 2


def interrupt(seconds: float) -> None:
    raise KeyboardInterrupt


def test_who_comes_back_is_written_again(stack: Stack) -> None:
    stack.erase(yes=True, keep=True)
    stack.tell(1)
    assert stack.contact(HER)["LastName"] == "Erased"

    receipt = stack.erase(lift=True)

    assert receipt.suppressed_at == ""
    stack.start_cold()
    stack.tell(1)
    assert stack.contact(HER)["LastName"] == "Okafor"
    assert json.loads(boto3.client("s3").get_object(Bucket="suppressed", Key=OBJECT)["Body"].read())["people"] == []


@pytest.mark.parametrize("by", ["choice", "right"])
def test_a_record_that_is_kept_is_cleared_and_its_guards_are_set_to_now(stack: Stack, by: str) -> None:
    file = stack.destination_file
    file.write_text(file.read_text(encoding="utf-8") + ORDERING, encoding="utf-8")
    stack.tell(1, statuses={LOYAL: "realized"})
    assert stack.contact(HER)["CDP_Loyal__c"] == "realized"
    if by == "right":
        stack.org.admin.let_delete("Contact", False)

    receipt = stack.erase(yes=True, keep=by == "choice")

    held = stack.contact(HER)
    assert (held["LastName"], held.get("FirstName"), held.get("CDP_Loyal__c")) == ("Erased", None, None)
    assert held["CDP_Event_Time__c"] == int(stack.clock.now() * 1000)
    assert receipt.cleared["Contact"] == 1
    refused = "INSUFFICIENT_ACCESS_OR_READONLY: the user needs Delete on Contact"
    assert receipt.left.get("Contact") == (refused if by == "right" else None)


def test_each_right_that_is_missing_is_named_before_and_after(stack: Stack) -> None:
    lacking = ("Contact", "Lead", "CDP_Membership__c", "CampaignMember")
    for sobject in lacking:
        stack.org.admin.let_delete(sobject, False)
    rights = [*(f"Delete on {sobject}" for sobject in lacking), "Delete From Field History"]

    for yes in (False, True):
        receipt = stack.erase(yes=yes)

        said = " ".join(receipt.left.values())
        assert [right for right in rights if right not in said] == []


def test_what_is_not_ours_is_deleted_by_its_name(stack: Stack) -> None:
    receipt = stack.erase(yes=True, also=["Task"])

    assert (receipt.deleted["Task"], stack.there("Task")) == (1, set())


def test_a_letter_with_other_people_in_it_is_named_and_left(stack: Stack) -> None:
    file = stack.destination_file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[identity]", '[profiles]\nselect = "profiles"\n\n[identity]', 1), encoding="utf-8")
    stack.reject(a_profile(1), a_profile(2))

    receipt = stack.erase(yes=True)

    assert (receipt.found["dead letters"], receipt.deleted["dead letters"]) == (1, 0)
    assert "other people too" in receipt.left["dead letters"]
    assert len(stack.dead_letters()) == 1


def test_one_of_several_people_is_not_erased_for_another(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "people.toml"
    text = CONTACTS.read_text(encoding="utf-8")
    rules = '[[identity]]\nsource = "id"\ntarget = "SalesforceId"\n[[identity]]\nsource = "mail"\ntarget = "Email"\n'
    start, end = text.index("[identity]"), text.index("[[mappings]]")
    file.write_text(text[:start] + rules + text[end:], encoding="utf-8")
    for number in (4, 5):
        stack.org.insert("Contact", an_id(number), {"LastName": "A", "Email": "both@example.com"})
    stack.org.insert("Contact", an_id(6), {"LastName": "A", "Email": "one@example.com"})

    with pytest.raises(TargetError, match="More than one Contact"):
        stack.erase("both@example.com", file, yes=True)
    with pytest.raises(TargetError, match="nobody by Phone"):
        stack.erase("both@example.com", file, rule="Phone")
    by_id = stack.erase(an_id(6), file, rule="SalesforceId")
    by_mail = stack.erase("One@Example.com", file, rule="Email")

    assert (by_id.found["Contact"], by_mail.found["Contact"]) == (1, 1)
    assert set(by_mail.hashes) == set(by_id.hashes)
    assert len(by_id.hashes) == 2


def test_a_list_that_cannot_be_read_stops_the_command(stack: Stack) -> None:
    boto3.client("s3").put_object(Bucket="suppressed", Key=OBJECT, Body="broken")

    with pytest.raises(TargetError, match="SUPPRESSION_LIST_UNAVAILABLE"):
        stack.erase(yes=True)

    assert HER in stack.there("Contact")
