"""
Follows docs/recipes.md: makes what each recipe says an org needs, checks its files there, and delivers its profiles.
So it does with the shipped files.

An org begins without a field of ours, and its integration user without a right. `BY_HAND` does what the page says is
done by hand, create-fields the rest. Each example is one message; the records behind its `→` must be the only ones that
the message has changed. `Account.Key__c` is the key of the record's account.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from builders import a_message, an_id
from destination_cli.create_fields.creation import CreateFields
from destination_testbench.org import SimulatedOrg, serve
from destination_testbench.org.records.store import StoredRecord
from destination_testbench.org.schema.schema import Field
from org_target import a_target, admin_token
from people_table import INSTANCE, Crm, Recorder, Tokens
from rich.console import Console
from salesforce_destination.connection.allowances import BATCHES_A_DAY
from salesforce_destination.connection.check import Connection, check_connection
from salesforce_destination.connection.comparison import CANNOT_PROVE
from salesforce_destination.connection.finding import Level
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.salesforce.client import SalesforceClient
from salesforce_destination.salesforce.facts import FactFinder

PAGE = Path(__file__).parents[3] / "docs" / "recipes.md"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OBJECTS = ("Account", "Contact", "Lead", "Loyalty_Member__c", "CampaignMember", "CDP_Membership__c")
MARKETING_USER = "UserPermissionsMarketingUser"

Json = Any


@dataclass(frozen=True)
class Recipe:
    title: str
    prose: str
    files: list[str]
    examples: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    """A body, and by sObject what the records hold then that it has changed, one of each."""


def recipes() -> Iterator[Recipe]:
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        blocks = FENCE.findall(text)
        cases = [case for kind, found in blocks if kind == "text example" for case in found.split("\n\n")]
        examples = []
        for case in cases:
            body, *arrows = case.strip().split("\n→ ")
            records = [arrow.partition(" ") for arrow in arrows if arrow != "nothing"]
            examples.append((body, {sobject: json.loads(held) for sobject, _, held in records}))
        yield Recipe(title, FENCE.sub("", text), [found for kind, found in blocks if kind == "toml"], examples)


RECIPES = {recipe.title: recipe for recipe in recipes()}


def a_field(name: str, type_: str, length: int = 0, **more: Any) -> Field:
    flags: dict[str, Any] = {"nillable": type_ != "boolean", "createable": True, "updateable": True}
    return Field(name, name, type_, length, **flags | {"defaulted": type_ == "boolean"} | more)


def a_key(name: str) -> Field:
    return a_field(name, "string", 64, unique=True, external_id=True, id_lookup=True)


def a_picklist(name: str, type_: str, *values: str) -> Field:
    return a_field(name, type_, 255, values=tuple((value, value) for value in values))


def put(org: SimulatedOrg, sobject: str, *fields: Field) -> None:
    for each in fields:
        org.schema.put_field(sobject, each)


def contacts(org: SimulatedOrg, **values: object) -> None:
    for number in (1, 2):
        org.insert("Contact", an_id(number), {"LastName": "Old", **(values if number == 1 else {})})


def for_business(org: SimulatedOrg) -> None:
    put(org, "Account", a_key("Customer_Number__c"))
    org.insert("Account", an_id(1, "001"), {"Name": "Fjord Energy", "Customer_Number__c": "F-7"})


def for_people(org: SimulatedOrg) -> None:
    org.config.assignment_rule_owner = org.users[1].id
    contacts(org, Email="ada@example.com")


def for_members(org: SimulatedOrg) -> None:
    lookup = a_field("Contact__c", "reference", 18, reference_to=("Contact",), relationship="Contact__r")
    points = a_field("Points__c", "double", precision=18)
    put(org, "Loyalty_Member__c", points, a_picklist("Tier__c", "picklist", "Silver", "Gold"), lookup)
    put(org, "Contact", a_key("CDP_Customer_Id__c"))
    contacts(org, CDP_Customer_Id__c="K-1")


def for_both_orgs(org: SimulatedOrg) -> None:
    put(org, "Contact", a_key("CDP_Customer_Id__c"))
    org.admin.add_record_type("Contact", "Consumer")
    contacts(org, CDP_Customer_Id__c="K-1")
    for_business(org)


def for_picklists(org: SimulatedOrg) -> None:
    put(org, "Contact", a_picklist("Interests__c", "multipicklist", "Chess", "Sailing"))
    put(org, "Contact", a_picklist("CDP_Loyal__c", "picklist", "Member", "Former member"))
    contacts(org)


def for_opt_outs(org: SimulatedOrg) -> None:
    for sobject in ("Contact", "Lead"):
        put(org, sobject, a_field("HasOptedOutOfEmail", "boolean", default=False))
    contacts(org, HasOptedOutOfEmail=True)
    org.insert("Lead", an_id(1, "00Q"), {"LastName": "Old", "Company": "Old", "Email": "bea@example.com"})


def for_campaigns(org: SimulatedOrg) -> None:
    contacts(org)
    org.admin.add_campaign("Summer offer", [("Sent", False), ("Left", False), ("Responded", True)])
    org.admin.edit("User", org.users[0].id, {MARKETING_USER: True})


BY_HAND: Mapping[str, Callable[[SimulatedOrg], None]] = {
    "B2B contacts under accounts": for_business,
    "Prospects and customers": for_people,
    "Double opt-in": lambda org: put(org, "Lead", a_field("CDP_Confirmed__c", "datetime")),
    "A loyalty programme": for_members,
    "Person accounts": lambda org: org.admin.enable_person_accounts(),
    "Sandbox and production": for_both_orgs,
    "Two platforms": contacts,
    "Region routing": contacts,
    "Picklists": for_picklists,
    "Opt-out": for_opt_outs,
    "Campaigns": for_campaigns,
    "Rows": contacts,
}


def prepared(recipe: Recipe, folder: Path, number: int = 0) -> Crm:
    """An org that has what the recipe asks for; another number is another org, with other Ids."""
    crm = Crm(recipe.files[0])
    org = crm.org
    org.users[0].minimal = True
    org.admin.edit("User", org.users[0].id, {MARKETING_USER: False})
    org.schema.conversion.clear()
    for sobject in OBJECTS:
        for name in [name for name in org.schema.sobjects[sobject].fields if name.endswith("__c")]:
            org.admin.remove_field(sobject, name)
    for other in range(number):
        org.admin.add_record_type("Contact", f"Other_{other}")
    if recipe.title in BY_HAND:
        BY_HAND[recipe.title](org)
    with serve(org) as server:
        for place, text in enumerate(recipe.files):
            file, output = folder / f"{place}.toml", io.StringIO()
            file.write_text(text)
            console = Console(file=output)
            run = CreateFields(file, a_target(server), console, partial(admin_token, server), lambda _: False, yes=True)
            assert run.run() == 0, output.getvalue()
    return crm


def checked(crm: Crm, text: str) -> Connection:
    session = requests.Session()
    session.trust_env = False
    session.mount(INSTANCE, Recorder(crm.org))
    destination = read_destination(text)
    return check_connection(
        destination, FactFinder(SalesforceClient(session, Tokens(crm.org), lambda: 60.0), destination.api_version)
    )


def records(org: SimulatedOrg) -> dict[str, tuple[str, StoredRecord]]:
    return {key: (name, found) for name in OBJECTS for key, found in org.records(name).records.items()}


def delivered(crm: Crm, body: str) -> tuple[list[str], list[tuple[str, StoredRecord]]]:
    """What became of one message, and the records that it has changed."""
    before = {key: len(found.history) for key, (_, found) in records(crm.org).items()}
    outcomes = crm.deliver([a_message(body)])
    return outcomes, [each for key, each in records(crm.org).items() if len(each[1].history) > before.get(key, 0)]


def held(org: SimulatedOrg, sobject: str, record: StoredRecord, name: str) -> object:
    path, dot, key = name.rpartition(".")
    if not dot:
        return record.get(name)
    reference = org.schema.sobjects[sobject].by_relationship(path)
    assert reference is not None
    found = org.store.find(str(record.get(reference.name)))
    return found and found[1].get(key)


def test_there_is_a_recipe_for_each_of_twelve_situations() -> None:
    assert list(RECIPES) == list(BY_HAND)
    assert all(recipe.examples for recipe in RECIPES.values())


@pytest.mark.parametrize("title", BY_HAND)
def test_a_recipe_gives_what_it_says(title: str, tmp_path: Path) -> None:
    recipe = RECIPES[title]
    crm = prepared(recipe, tmp_path)
    for text in recipe.files:
        connection = checked(crm, text)
        findings = [found for found in connection.findings if found.cure != CANNOT_PROVE]
        assert [found for found in findings if found.level is not Level.NOTE] == []
        (calls,) = [found.problem for found in findings if found.key == "BatchWindowSeconds"]
        (a_day,) = re.findall(r"at most ([\d,]+) API", calls)
        assert a_day in recipe.prose

    for number, (body, wanted) in enumerate(recipe.examples):
        if len(recipe.files) > 1:
            crm.file = recipe.files[number]
            crm.start_cold()
        outcomes, changed = delivered(crm, body)

        of_a_batch = [call for call in crm.calls.split() if call != "ask"]  # once an hour: how full the org is
        assert BATCHES_A_DAY * len(of_a_batch) <= int(a_day.replace(",", ""))
        assert outcomes == ["delivered" if wanted else "skipped"], crm.batch.deliveries
        assert [name for name, _ in changed] == list(wanted)
        for name, record in changed:
            assert {key: held(crm.org, name, record, key) for key in wanted[name]} == wanted[name]


def test_a_lead_that_a_recipe_makes_belongs_to_whom_the_rule_gives_it(tmp_path: Path) -> None:
    recipe = RECIPES["Prospects and customers"]
    crm = prepared(recipe, tmp_path)

    for body, *_ in recipe.examples:
        crm.deliver([a_message(body)])

    (lead,) = crm.org.records("Lead")
    assert lead.get("OwnerId") == crm.org.users[1].id


def test_a_contact_waits_for_its_account_three_times_and_then_comes_without(tmp_path: Path) -> None:
    recipe = RECIPES["B2B contacts under accounts"]
    crm = prepared(recipe, tmp_path)
    crm.org.admin.delete("Account", an_id(1, "001"))
    ((body, *_),) = recipe.examples

    kinds = [crm.deliver([a_message(body, receive_count=count)])[0].partition(" ")[0] for count in (1, 2, 3, 4)]

    (contact,) = crm.org.records("Contact")
    assert kinds == ["deferred"] * 3 + ["delivered"]
    assert (contact.get("LastName"), contact.get("AccountId")) == ("Lind", None)


def test_a_message_without_news_of_a_member_writes_nothing(tmp_path: Path) -> None:
    recipe = RECIPES["A loyalty programme"]
    crm = prepared(recipe, tmp_path)
    ((body, *_),) = recipe.examples

    changes = [len(delivered(crm, text)[1]) for text in (body, body, body.replace("120", "130"))]

    assert changes == [1, 0, 1]


def test_the_second_platform_fills_a_phone_number_and_changes_none(tmp_path: Path) -> None:
    recipe = RECIPES["Two platforms"]
    crm = prepared(recipe, tmp_path)
    crm.file = recipe.files[1]
    crm.start_cold()
    body = recipe.examples[1][0]

    for text in (body, body.replace("+47 1", "+47 2")):
        assert crm.deliver([a_message(text)]) == ["delivered"]

    assert crm.org.records("Contact").records[an_id(1)].get("MobilePhone") == "+47 1"


def test_the_other_region_s_file_takes_whom_this_one_leaves(tmp_path: Path) -> None:
    recipe = RECIPES["Region routing"]
    crm = prepared(recipe, tmp_path)
    crm.file = recipe.files[0].replace("'EU'", "'US'")
    crm.start_cold()

    assert [delivered(crm, body)[0] for body, *_ in recipe.examples] == [["skipped"], ["delivered"]]


def test_the_status_that_sales_gave_a_member_stays_when_the_person_leaves(tmp_path: Path) -> None:
    recipe = RECIPES["Campaigns"]
    crm = prepared(recipe, tmp_path)
    ((body, _),) = recipe.examples
    left = body.replace("realized", "exited")
    found = []
    for given in ("Sent", "Responded"):
        crm.deliver([a_message(body)])
        (member,) = crm.org.records("CampaignMember")
        crm.org.admin.edit("CampaignMember", member.id, {"Status": given})
        assert crm.deliver([a_message(left)]) == ["delivered"]
        found.append((member.get("Status"), crm.batch.members_kept))

    assert found == [("Left", 0), ("Responded", 1)]


@pytest.mark.parametrize("name", ["contacts", "leads", "people"])
def test_a_shipped_file_without_its_comment_signs_needs_the_one_command_that_it_names(
    name: str, tmp_path: Path
) -> None:
    shipped = (PAGE.parents[1] / "layers" / "destinations" / f"{name}.toml").read_text(encoding="utf-8")
    text = re.sub(r"^# (?=\w+ = |\[)", "", shipped, flags=re.MULTILINE)

    crm = prepared(Recipe("Shipped", "", [text]), tmp_path)

    findings = [found for found in checked(crm, text).findings if found.cure != CANNOT_PROVE]
    assert text != shipped
    assert f"destination create-fields layers/destinations/{name}.toml " in shipped
    assert [found for found in findings if found.level is not Level.NOTE] == []


def test_one_file_finds_in_each_org_the_ids_of_that_org(tmp_path: Path) -> None:
    recipe = RECIPES["Sandbox and production"]
    found = []
    for number in (0, 1):
        crm = prepared(recipe, tmp_path, number)
        ((body, wanted),) = recipe.examples
        outcomes, ((name, record),) = delivered(crm, body)
        assert outcomes == ["delivered"]
        assert {key: held(crm.org, name, record, key) for key in wanted[name]} == wanted[name]
        found.append(record.get("RecordTypeId"))

    assert found[0] != found[1]
