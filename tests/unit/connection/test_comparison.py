from __future__ import annotations

from typing import Any

import pytest
from builders import CONTACTS, a_destination
from salesforce_destination.connection.comparison import (
    OrgFacts,
    compare,
    examine,
    file_findings,
    rights_for,
)
from salesforce_destination.connection.field_fit import nearest_name
from salesforce_destination.connection.finding import Finding, Level
from salesforce_destination.record.description import ObjectDescription, read_description


def a_field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    usual = {"name": name, "label": name, "type": kind, "length": 80, "createable": True, "updateable": True}
    return {**usual, "nillable": True, "filterable": True, "precision": 18 if kind == "double" else 0, **more}


FIELDS = [
    a_field("Id", "id", updateable=False, createable=False, idLookup=True),
    a_field("LastName", nillable=False),
    a_field("FirstName", length=40),
    a_field("Email", "email", idLookup=True),
    a_field("CDP_Loyal__c", length=20),
    a_field("Checkbox__c", "boolean", length=0, nillable=False),
    a_field("When__c", "datetime", length=0),
    a_field("Long__c", "textarea", length=32_768, filterable=False),
    a_field("Choice__c", "picklist", restrictedPicklist=True, picklistValues=[{"value": "realized", "active": True}]),
    a_field("Choices__c", "multipicklist", length=4099),
    a_field("Short__c", length=5),
    a_field("Number__c", "double", length=0),
    a_field("Money__c", "double", length=0, precision=10, scale=2),
    a_field("Read_Only__c", updateable=False, createable=False),
    a_field("Key__c", externalId=True, unique=True, idLookup=True),
    a_field("Loose_Key__c", externalId=True, idLookup=True),
    a_field("Strict_Key__c", externalId=True, unique=True, idLookup=True, caseSensitive=True),
    a_field("Demanded_When__c", "datetime", length=0, nillable=False, defaultedOnCreate=True),
]


def an_org(*fields: dict[str, Any], **more: Any) -> ObjectDescription:
    answer = {"name": "Contact", "label": "Contact", "createable": True, "updateable": True, **more}
    return read_description({**answer, "fields": [*FIELDS, *fields]})


def findings(text: str = CONTACTS, org: ObjectDescription | None = None) -> list[Finding]:
    described = org or an_org()
    return compare(a_destination(text), OrgFacts({described.name.lower(): described}, {}))


def audience(mapping_id: str, **keys: str) -> str:
    more = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return CONTACTS.replace('mapping_id = "CDP_Loyal__c"', f'mapping_id = "{mapping_id}"\n{more}')


def mapping(lines: str) -> str:
    return CONTACTS + f"\n[[mappings]]\n{lines}\n"


def identity(target: str, more: str = "") -> str:
    return CONTACTS.replace('target = "SalesforceId"', f'target = "{target}"\n{more}')


ALL = 'memberships = "all"'

CASES: list[tuple[str, str, str]] = [
    (mapping('source = "x"\ntarget = "Lastname__c"'), "mappings[3].target", "Did you mean LastName?"),
    (mapping('source = "x"\ntarget = "Read_Only__c"'), "mappings[3].target", "user may not edit Read_Only__c"),
    (mapping('constant = 5\ntarget = "Title__c"'), "mappings[3].target", "Contact has no field Title__c"),
    (mapping('constant = 5\ntarget = "Choices__c"'), "mappings[3].constant", "Write text in quotes"),
    (mapping('constant = "yes"\ntarget = "Checkbox__c"'), "mappings[3].constant", "is a Checkbox. Write true or false"),
    (mapping('source = "x"\ndefault = "1"\ntarget = "Number__c"'), "mappings[3].default", "a number without quotes"),
    (mapping('constant = "left"\ntarget = "Choice__c"'), "mappings[3].constant", "Write one of realized."),
    (mapping('source = "x"\nmax_length = 9\ntarget = "Short__c"'), "mappings[3].max_length", "holds 5 characters"),
    (audience("CDP_Loyl__c"), "audiences[0].mapping_id", "Did you mean CDP_Loyal__c?"),
    (audience("Read_Only__c"), "audiences[0].mapping_id", "user may not edit Read_Only__c"),
    (audience("Checkbox__c"), "audiences[0].value", 'does not accept value = "status"'),
    (audience("When__c", value="boolean"), "audiences[0].value", 'or set value = "timestamp"'),
    (audience("CDP_Loyal__c", value="timestamp"), "audiences[0].value", "Use a Date/Time"),
    (audience("Short__c"), "audiences[0].mapping_id", "a status has up to 8"),
    (audience("Choice__c"), "audiences[0].mapping_id", "without existing, exited"),
    (audience("Choice__c", existing_as="realized"), "audiences[0].mapping_id", "without exited"),
    (audience("CDP_Loyal__c", since_field="Short__c"), "audiences[0].since_field", "must be a Date/Time"),
    (audience("CDP_Loyal__c", since_field="None__c"), "audiences[0].since_field", "has no field None__c"),
    (CONTACTS + '\n[ordering]\nfield = "When__c"\n', "ordering.field", "must be a Number(18,0)"),
    (CONTACTS + '\n[ordering]\nfield = "Money__c"\n', "ordering.field", "holds 10 digits, 2 of them decimals"),
    (mapping('constant = "sixsix"\ntarget = "Short__c"'), "mappings[3].constant", "holds 5 characters"),
    (audience("Demanded_When__c", value="timestamp"), "audiences[0].mapping_id", "cannot be empty"),
    (identity("None__c"), "identity.target", "has no field None__c"),
    (identity("Long__c"), "identity.target", "cannot find records"),
    (identity("Loose_Key__c", "create_missing = true"), "identity.target", "is not unique"),
    (identity("Strict_Key__c"), "identity.case_sensitive", "is case-sensitive in Salesforce. Set it to true"),
]


@pytest.mark.parametrize(("text", "key", "words"), CASES, ids=[f"{key} {words}" for _, key, words in CASES])
def test_what_does_not_fit_is_named_by_its_key_with_what_to_do(text: str, key: str, words: str) -> None:
    found = [str(finding) for finding in findings(text) if finding.key == key and finding.level is Level.ERROR]

    assert found
    assert any(words in line for line in found), found


@pytest.mark.parametrize(
    "text",
    [
        CONTACTS,
        audience("Checkbox__c", value="boolean"),
        audience("When__c", value="timestamp"),
        audience("CDP_Loyal__c", since_field="When__c"),
        CONTACTS.replace("[identity]", f"[profiles]\n{ALL}\n[identity]").replace(
            'mapping_id = "CDP_Loyal__c"', 'mapping_id = "Choices__c"\nvalue = "names"\nname = "Loyal"'
        ),
        CONTACTS + '\n[ordering]\nfield = "Number__c"\n',
        identity("Key__c", "create_missing = true"),
        identity("Strict_Key__c", "case_sensitive = true"),
        mapping('constant = true\ntarget = "Checkbox__c"'),
        mapping('constant = 5\ntarget = "Number__c"'),
        mapping('constant = "sixsix"\ntarget = "Short__c"\nmax_length = 5\nwhen_too_long = "truncate"'),
        mapping('source = "x"\ntarget = "Short__c"\nmax_length = 5'),
        mapping('source = "x"\ntarget = "Long__c"'),
    ],
)
def test_what_fits_is_not_mentioned(text: str) -> None:
    assert findings(text) == []


def test_a_field_that_cannot_be_filtered_is_noted_with_a_better_one() -> None:
    (found,) = findings(audience("Long__c"))

    assert found.level is Level.NOTE
    assert "cannot be filtered" in found.problem
    assert "Text(20)" in found.cure


def test_rights_on_the_object_are_looked_at() -> None:
    org = an_org(updateable=False, createable=False)

    keys = {found.key for found in findings(identity("Key__c", "create_missing = true"), org)}

    assert keys == {"salesforce_object", "identity.create_missing"}


def test_a_field_that_a_new_record_needs_has_to_be_mapped() -> None:
    org = an_org(a_field("Branch__c", nillable=False))

    (found,) = findings(identity("Key__c", "create_missing = true"), org)

    assert (found.key, found.field) == ("mappings", "Branch__c")


def offers(*active: str, inactive: str = "", **more: Any) -> dict[str, Any]:
    listed = [{"value": value, "active": True} for value in active]
    return {"picklistValues": [*listed, {"value": inactive, "active": False}] if inactive else listed, **more}


WORDS = offers("Mr.", "Ms.", "Dr.", inactive="Mx.", restrictedPicklist=True)
FREE = WORDS | {"restrictedPicklist": False}
PAIR = 'source = "x"\ntarget = "Words__c"\nvalues = { a = "Mr.", b = "Ms." }\n'
AS_ERROR, AS_WARNING, AS_NOTE = Level.ERROR, Level.WARNING, Level.NOTE


@pytest.mark.parametrize(
    ("kind", "org", "lines", "expected"),
    [
        ("picklist", WORDS, f'{PAIR}default = "Dr."', []),
        ("picklist", WORDS, PAIR, [(AS_NOTE, "values", "also offers Dr., which nothing in values gives")]),
        (
            "picklist",
            WORDS,
            PAIR.replace("Ms.", "Mx.").replace("Mr.", "Sir"),
            [
                (AS_ERROR, "values", "is a restricted picklist without Mx. (inactive), Sir. Write one of"),
                (AS_NOTE, "values", "Dr., Mr., Ms., which"),
            ],
        ),
        (
            "picklist",
            FREE,
            PAIR.replace("Ms.", "Mx."),
            [
                (AS_WARNING, "values", "is a picklist without Mx. (inactive)."),
                (AS_NOTE, "values", "also offers Dr., Ms.,"),
            ],
        ),
        ("picklist", WORDS, PAIR.replace('"Ms."', "5"), [(AS_ERROR, "values.b", "one of"), (AS_NOTE, "values", "Ms.")]),
        ("multipicklist", WORDS, PAIR.replace("Ms.", "Dr.; Ms."), []),
        ("picklist", FREE, 'constant = "Dr."\ntarget = "Words__c"\n', []),
        (
            "picklist",
            FREE,
            'constant = "Sir"\ntarget = "Words__c"\n',
            [(AS_WARNING, "constant", "is a picklist without Sir. Write one of Dr., Mr., Ms., or add")],
        ),
        ("string", {"length": 2}, PAIR.replace("Ms.", "M"), [(AS_ERROR, "values.a", "but values.a is longer")]),
        ("boolean", {}, PAIR.replace('"Mr."', "true"), [(AS_ERROR, "values.b", "Write true or false.")]),
        ("string", {"nillable": False}, f'{PAIR}other = "clear"', [(AS_WARNING, "values", "cannot be empty")]),
        ("string", {"nillable": False}, PAIR.replace("Ms.", ""), [(AS_WARNING, "values", "cannot be empty")]),
        ("string", {}, PAIR.replace("Ms.", ""), []),
        ("datetime", {}, PAIR, []),
    ],
)
def test_each_listed_value_is_compared_with_what_its_field_takes(
    kind: str, org: dict[str, Any], lines: str, expected: list[tuple[Level, str, str]]
) -> None:
    found = findings(mapping(lines), an_org(a_field("Words__c", kind, **org)))

    assert [(each.level, each.key) for each in found] == [(level, f"mappings[3].{key}") for level, key, _ in expected]
    assert [words for each, (*_, words) in zip(found, expected, strict=True) if words not in str(each)] == []


def test_each_text_of_a_status_is_compared_with_what_its_field_takes() -> None:
    text = audience("Words__c").replace(
        '"Words__c"\n', '"Words__c"\nvalues = { realized = "Mr.", exited = "Mx." }\n', 1
    )

    lacking, unused = findings(text, an_org(a_field("Words__c", "picklist", **WORDS)))
    (short,) = findings(text.replace("Mx.", "Gone away"), an_org(a_field("Words__c", length=8)))

    assert (lacking.level, lacking.key) == (Level.ERROR, "audiences[0].values")
    assert "is a restricted picklist without Mx. (inactive). Write one of" in str(lacking)
    assert (unused.level, unused.problem) == (
        Level.NOTE,
        "Words__c also offers Dr., Ms., which nothing in values gives.",
    )
    assert (short.key, short.cure) == ("audiences[0].mapping_id", "Make it 9 or longer in Salesforce.")


def test_a_value_that_may_be_left_out_does_not_make_a_new_record_sure() -> None:
    text = (
        identity("Key__c", "create_missing = true")
        + '\n[[mappings]]\nsource = "x"\ntarget = "Branch__c"\nrequired = true\n'
    )
    org = an_org(a_field("Branch__c", nillable=False))

    (found,) = findings(f'{text}values = {{ a = "b" }}\nother = "leave"\n', org)

    assert (found.key, found.field) == ("mappings", "Branch__c")
    assert findings(f'{text}values = {{ a = "b" }}\n', org) == []


NOTED: list[tuple[str, str, str]] = [
    ('source = "x"\ntarget = "Short__c"', "mappings[3].max_length", "Add max_length = 5"),
    ('source = "x"\ntarget = "Checkbox__c"', "mappings[3].source", "accepts only true or false"),
    ('source = "x"\ntarget = "Number__c"', "mappings[3].source", "accepts only numbers"),
    ('source = "x"\ntarget = "When__c"', "mappings[3].source", "accepts only times such as"),
    ('source = "x"\ntarget = "Choice__c"', "mappings[3].source", "accepts only one of realized;"),
]


@pytest.mark.parametrize(("lines", "key", "words"), NOTED, ids=[f"{key} {words}" for _, key, words in NOTED])
def test_what_a_field_takes_is_noted_where_only_the_profiles_will_tell(lines: str, key: str, words: str) -> None:
    found = [finding for finding in findings(mapping(lines)) if finding.key == key]

    assert [finding.level for finding in found] == [Level.NOTE]
    assert words in str(found[0])


def test_a_field_that_cannot_be_empty_is_not_to_be_cleared() -> None:
    text = mapping('source = "x"\ntarget = "Demanded_When__c"\nwhen_absent = "clear"')

    (found,) = [finding for finding in findings(text) if finding.key == "mappings[3].when_absent"]

    assert found.level is Level.WARNING


def test_a_field_that_a_new_record_may_not_have_is_found_where_records_are_created() -> None:
    text = identity("Key__c", "create_missing = true") + '\n[[mappings]]\nconstant = "x"\ntarget = "Later__c"\n'
    org = an_org(a_field("Later__c", createable=False))

    (found,) = findings(text, org)

    assert (found.key, found.level) == ("mappings[3].target", Level.ERROR)


def test_names_that_do_not_fit_together_into_their_field_are_found() -> None:
    both = '''mapping_id = "CDP_Loyal__c"
value = "names"
name = "Loyal customers"

[[audiences]]
id = "trial"
mapping_id = "CDP_Loyal__c"
value = "names"
name = "Trial users"'''
    text = CONTACTS.replace("[identity]", f"[profiles]\n{ALL}\n[identity]")

    (found,) = findings(text.replace('mapping_id = "CDP_Loyal__c"', both))

    assert (found.key, found.level) == ("audiences[0].mapping_id", Level.WARNING)
    assert "holds 20 characters" in found.problem


ACCOUNT = (
    CONTACTS.replace('"Contact"', '"Account"')
    .replace("CDP_Loyal__c", "CDP_Loyal__pc")
    .replace('target = "Email"', 'target = "PersonEmail"\nmax_length = 80')
)
PERSON = a_field("IsPersonAccount", "boolean", updateable=False, createable=False, nillable=False)
EMAIL = a_field("PersonEmail", "email")
ON_ACCOUNT = (PERSON, EMAIL, a_field("CDP_Loyal__pc", length=20), a_field("Name", nillable=False))


def test_person_accounts_are_pointed_out_where_contacts_are_written() -> None:
    (found,) = findings(CONTACTS, an_org(PERSON))

    assert (found.level, found.field) == (Level.NOTE, "IsPersonAccount")
    assert "updates their contacts, but cannot create or delete one" in found.problem
    assert "Loyal__pc" in found.cure


def test_a_file_that_would_create_contacts_is_warned_that_they_are_no_persons() -> None:
    creating = identity("Key__c", "create_missing = true")

    found = {finding.field: finding.level for finding in findings(creating, an_org(PERSON))}

    assert found["IsPersonAccount"] is Level.WARNING


@pytest.mark.parametrize("name", ["MailingState", "MailingCountry", "OtherCountry"])
@pytest.mark.parametrize(("refused", "level"), [("reject", Level.WARNING), ("omit", Level.NOTE)])
def test_state_and_country_picklists_are_pointed_out(name: str, refused: str, level: Level) -> None:
    text = mapping(f'source = "place"\ntarget = "{name}"\nwhen_refused = "{refused}"')
    place, code = a_field(name), a_field(f"{name}Code", "picklist")

    without = {finding.problem for finding in findings(text, an_org(place))}
    (found,) = [found for found in findings(text, an_org(place, code)) if found.problem not in without]

    assert (found.level, found.field) == (level, name)
    assert f"{name}Code" in found.cure


def test_fields_of_persons_are_found_on_the_account() -> None:
    assert findings(ACCOUNT, an_org(*ON_ACCOUNT, name="Account")) == []


def test_the_name_of_a_contacts_field_on_a_person_account_is_told() -> None:
    text = ACCOUNT.replace("CDP_Loyal__pc", "CDP_Trial__c")

    (found,) = findings(text, an_org(*ON_ACCOUNT, a_field("CDP_Trial__pc"), name="Account"))

    assert "Write CDP_Trial__pc" in found.cure


def test_an_org_without_person_accounts_is_told_from_one_that_lacks_the_field() -> None:
    (found,) = findings(ACCOUNT, an_org(EMAIL, name="Account"))

    assert "has no person accounts" in found.cure


def test_a_new_person_account_needs_a_record_type_and_no_name() -> None:
    text = ACCOUNT.replace('target = "SalesforceId"', 'target = "Key__c"\ncreate_missing = true')

    (found,) = findings(text, an_org(*ON_ACCOUNT, name="Account"))

    assert (found.level, found.field) == (Level.WARNING, "RecordTypeId")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CDP_Loyl__c", "CDP_Loyal__c"),
        ("cdp_loyal__c", "CDP_Loyal__c"),
        ("CDP_Loyal", "CDP_Loyal__c"),
        ("Emial", "Email"),
        ("CDP_Trial__c", None),
    ],
)
def test_the_name_that_was_meant_is_found_and_no_other_audiences(written: str, meant: str | None) -> None:
    assert nearest_name(written, ["CDP_Loyal__c", "CDP_Trial_Since__c", "Email", "LastName"]) == meant


@pytest.mark.parametrize(
    ("more", "others"),
    [
        ("", "the audiences in the message are written as exited, and nothing else."),
        ('when_skipped = "leave"', "nothing is written."),
    ],
)
def test_the_filter_of_profiles_is_shown_with_what_it_does_to_the_others(more: str, others: str) -> None:
    (found,) = file_findings(a_destination(CONTACTS, f"\n[profiles]\nonly_if = \"consent == 'y'\"\n{more}\n"))

    assert (found.level, found.key) == (Level.NOTE, "profiles.only_if")
    assert found.problem == f"Only profiles for which consent == 'y' is true are written. Of the others {others}"
    assert file_findings(a_destination()) == []


def relates(name: str, to: list[str], **more: Any) -> dict[str, Any]:
    called = name.replace("__c", "__r").removesuffix("Id")
    return a_field(name, "reference", length=18, relationshipName=called, referenceTo=to, **more)


PARENTS = [
    relates("AccountId", ["Account"]),
    relates("OwnerId", ["Group", "User"], nillable=False, defaultedOnCreate=True),
    relates("Level__c", ["Level__c"]),
    relates("JigsawContactId", []),
    relates("CreatedById", ["User"], updateable=False, createable=False),
    relates("RecordTypeId", ["RecordType"]),
]
KINDS = [
    {"developerName": name, "recordTypeId": "012", "active": name != "Old", "available": True}
    for name in ("Customer", "Partner", "Old")
]
KNOWN = {
    "account": read_description(
        {"name": "Account", "fields": [a_field("Name"), a_field("CDP_Key__c", externalId=True, idLookup=True)]}
    ),
    "level__c": read_description({"name": "Level__c"}),
    "user": read_description({"name": "User", "fields": [a_field("FederationIdentifier", idLookup=True)]}),
}


def to(target: str, lines: str = 'source = "x"') -> str:
    return mapping(f'{lines}\ntarget = "{target}"')


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (to("Account.CDP_Key__c"), "", ""),
        (to("account.cdp_key__C"), "", ""),
        (to("Owner:User.FederationIdentifier"), "", ""),
        (to("Account:Account.CDP_Key__c"), "", ""),
        (to("Account.Name"), "target", "cannot find Account records by Name"),
        (to("Account.CDP_Keys__c"), "target", "Account has no field CDP_Keys__c"),
        (to("Accounts.CDP_Key__c"), "target", "has no relationship Accounts that the user can see. Did"),
        (to("Levl__r.Key__c"), "target", "Did you mean Level__r?"),
        (to("Nothing__r.Key__c"), "target", "The relationship of a lookup X__c is X__r"),
        (to("Level__r.Key__c"), "target", "cannot see Level__c. Give it the right to read Level__c."),
        (to("Owner.FederationIdentifier"), "target", "OwnerId can hold the Id of Group or User. Write Owner:Group.Fed"),
        (to("Owner:Contact.Email"), "target", "Write Owner:Group.Email or Owner:User.Email."),
        (to("JigsawContact.Email"), "target", "the Id of no object"),
        (to("CreatedBy.FederationIdentifier"), "target", "may not edit CreatedById"),
        (to("RecordType.DeveloperName", 'constant = "Customer"'), "", ""),
        (to("RecordType.DeveloperName", 'constant = "customer"'), "constant", "type customer that"),
        (to("RecordType.DeveloperName", 'constant = "Old"'), "constant", "type Old that the integration user may"),
        (to("RecordType.DeveloperName", 'constant = "Old"'), "constant", "Write one of Customer, Partner."),
        (to("RecordType.DeveloperName", 'source = "x"\ndefault = "New"'), "target", "record type New that"),
        (to("recordtype.developername", 'source = "x"\nvalues = { a = "Partner", b = "B" }'), "values", "type B that"),
    ],
)
def test_a_relationship_is_compared_with_the_sobject_and_its_parent(text: str, key: str, words: str) -> None:
    contact = an_org(*PARENTS, recordTypeInfos=KINDS)

    found = compare(a_destination(text), OrgFacts({"contact": contact, **KNOWN}, {}))

    assert [each.key for each in found if each.level is Level.ERROR] == ([f"mappings[3].{key}"] if key else [])
    assert not words or words in str(found[0])


def test_a_parent_that_nobody_described_is_not_called_missing() -> None:
    (found,) = findings(to("Account.CDP_Key__c"), an_org(*PARENTS))

    assert (found.level, found.key) == (Level.NOTE, "mappings[3].target")
    assert found.problem == "No describe of Account was given, so CDP_Key__c is not compared."


def test_record_types_that_nobody_may_assign_are_told_from_those_that_a_profile_names() -> None:
    text = to("RecordType.DeveloperName")

    (none,) = findings(text, an_org(*PARENTS))
    (some,) = findings(text, an_org(*PARENTS, recordTypeInfos=KINDS))

    assert (none.level, none.key, none.field) == (Level.ERROR, "mappings[3].target", "RecordTypeId")
    assert "Assign one in its permission set" in none.cure
    assert (some.level, some.problem) == (
        Level.NOTE,
        "It must give the name of a record type: Customer, Partner.",
    )


CREATING = identity("Key__c", "create_missing = true")
ONCE = a_field("Once__c", updateable=False)
FLAG = a_field("Checkbox__c", "boolean")


@pytest.mark.parametrize(
    ("field", "write", "expected"),
    [
        (ONCE, "create", []),
        (ONCE, "always", [(AS_ERROR, "target", 'can be set on a new record only. Add write = "create".')]),
        (ONCE, "if_empty", [(AS_ERROR, "target", "can be set on a new record only")]),
        (a_field("No__c", updateable=False, createable=False), "create", [(AS_ERROR, "target", "may not set No__c")]),
        (a_field("Yes__c"), "if_empty", []),
        (FLAG, "if_empty", [(AS_WARNING, "write", "is a Checkbox, which is never empty")]),
    ],
)
def test_when_a_field_is_written_is_compared_with_what_may_be_done_to_it(
    field: dict[str, Any], write: str, expected: list[tuple[Level, str, str]]
) -> None:
    value = "true" if field is FLAG else '"x"'
    text = f'{CREATING}\n[[mappings]]\nconstant = {value}\ntarget = "{field["name"]}"\nwrite = "{write}"\n'

    found = findings(text, an_org(field))

    assert [(each.level, each.key) for each in found] == [(level, f"mappings[3].{key}") for level, key, _ in expected]
    assert all(words in str(each) for each, (*_, words) in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("field", "level", "words"),
    [
        (a_field("Find__c", externalId=True), None, ""),
        (a_field("Find__c", "email", idLookup=True), None, ""),
        (a_field("Find__c"), Level.WARNING, "has no index"),
        (a_field("Find__c", unique=True), Level.ERROR, "cannot find records by Find__c"),
        (a_field("Find__c", externalId=True, filterable=False), Level.ERROR, "cannot find records by Find__c"),
    ],
)
def test_a_field_that_is_not_unique_is_found_by_a_query(field: dict[str, Any], level: Level | None, words: str) -> None:
    found = findings(identity("Find__c"), an_org(field))

    assert [(each.level, each.key) for each in found] == ([(level, "identity.target")] if level else [])
    assert all(words in each.problem for each in found)


PEOPLE = """
name = "People"
salesforce_object = ["Contact", "Lead"]

[[identity]]
source = "id"
target = "SalesforceId"

[[identity]]
source = "lower(email)"
target = { Contact = "Key__c", Lead = "Lead_Key__c" }
create_missing = "Lead"

[[mappings]]
source = "surname"
target = "LastName"
required = true
max_length = 80

[[mappings]]
source = "title"
target = "Title"
max_length = 80
objects = ["Contact"]

[[mappings]]
source = "company"
target = "Company"
required = true
max_length = 80
objects = ["Lead"]

[[audiences]]
id = "loyal"
mapping_id = "CDP_Loyal__c"
"""
LEAD_FIELDS = [a_field("Company", nillable=False), a_field("Lead_Key__c", externalId=True, unique=True, idLookup=True)]


def people(
    contact: ObjectDescription | None = None, lead: ObjectDescription | None = None, text: str = PEOPLE, **more: Any
) -> OrgFacts:
    known = {"contact": contact or an_org(a_field("Title")), "lead": lead or an_org(*LEAD_FIELDS, name="Lead")}
    return OrgFacts(known, {}, **more)


def told(facts: OrgFacts, text: str = PEOPLE) -> list[tuple[Level, str, str]]:
    return [(each.level, each.key, each.problem) for each in compare(a_destination(text), facts)]


def test_a_file_of_two_objects_is_compared_with_each_by_its_own_part() -> None:
    assert told(people()) == []


def test_what_is_written_on_new_records_only_is_compared_with_their_object_alone() -> None:
    text = f'{PEOPLE}\n[[mappings]]\nconstant = "CDP"\ntarget = "Once__c"\nwrite = "create"\n'
    lead = an_org(*LEAD_FIELDS, a_field("Once__c", updateable=False), name="Lead")

    assert told(people(lead=lead), text) == []
    assert [problem for *_, problem in told(people(), text)] == [
        "Lead has no field Once__c that the integration user can see."
    ]


def test_a_key_that_creates_records_is_theirs_and_another_one_is_not() -> None:
    demanded = an_org(a_field("Key__c", externalId=True, unique=True, idLookup=True, nillable=False))

    assert findings(CREATING, demanded) == []
    assert findings(CREATING.replace('"Key__c"', '"Strict_Key__c"\ncase_sensitive = true'), demanded) != []


def test_what_an_object_lacks_is_told_by_the_key_of_the_whole_file_and_the_object() -> None:
    bare = an_org(a_field("Company", updateable=False, createable=False), name="Lead")

    found = told(people(an_org(), bare))

    assert found == [
        (Level.ERROR, "mappings[1].target", "Contact has no field Title that the integration user can see."),
        (Level.ERROR, "identity[1].target", "Lead has no field Lead_Key__c that the integration user can see."),
        (Level.ERROR, "mappings[2].target", "Lead: The integration user may not edit Company."),
    ]


def test_what_both_objects_lack_is_told_once() -> None:
    short = a_field("CDP_Loyal__c", length=5)
    contact, lead = an_org(a_field("Title"), short), an_org(*LEAD_FIELDS, short, name="Lead")

    ((_, key, problem),) = told(people(contact, lead))

    assert (key, problem) == ("audiences[0].mapping_id", "CDP_Loyal__c holds 5 characters, but a status has up to 8.")


def test_an_object_that_nobody_described_is_named() -> None:
    found = compare(a_destination(PEOPLE), OrgFacts({"contact": an_org(a_field("Title"))}, {}))

    assert [str(each) for each in found] == ["salesforce_object: No describe of Lead was given. Add it."]


def test_a_field_that_only_the_other_object_creates_with_is_not_demanded() -> None:
    needy = an_org(a_field("Title"), a_field("Branch__c", nillable=False))

    assert told(people(needy)) == []
    assert [
        key for _, key, _ in told(people(lead=an_org(*LEAD_FIELDS, a_field("B", nillable=False), name="Lead")))
    ] == ["mappings"]


BOTH = frozenset({"contact", "lead"})


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"sees_all": BOTH, "edits_converted": False}, []),
        (
            {"sees_all": frozenset({"lead"}), "edits_converted": False},
            [(AS_ERROR, "lacks View All Records on Contact")],
        ),
        ({"sees_all": BOTH, "edits_converted": True}, [(AS_ERROR, "has View and Edit Converted Leads")]),
        (
            {},
            [
                (AS_WARNING, "Not proved: View All Records on Contact"),
                (AS_WARNING, "Not proved: View All Records on Lead"),
                (AS_WARNING, "Not proved: no View and Edit Converted Leads"),
            ],
        ),
    ],
)
def test_the_rights_that_creating_needs_are_proved_or_asked_for(
    more: dict[str, Any], expected: list[tuple[Level, str]]
) -> None:
    found = examine(a_destination(PEOPLE), people(**more))

    rights = [each for each in found if "View" in each.problem]
    assert [each.level for each in rights] == [level for level, _ in expected]
    assert all(words in each.problem for each, (_, words) in zip(rights, expected, strict=True))


def test_a_file_that_creates_nothing_needs_no_view_of_all_records() -> None:
    text = PEOPLE.replace('create_missing = "Lead"\n', "")

    names = [right.name for right in rights_for(a_destination(text), people())]

    assert names == ["Edit on Contact", "Edit on Lead", "no View and Edit Converted Leads"]


OWNED = '\n[[mappings]]\nsource = "owner"\ntarget = "OwnerId"\nobjects = ["Lead"]\n'
BY_KEY = OWNED.replace("OwnerId", "Owner:User.FederationIdentifier")
RUN = PEOPLE.replace("[[identity]]", 'assignment_rules = "created"\n\n[[identity]]', 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PEOPLE, ["New leads belong to the integration user."]),
        (PEOPLE + OWNED, []),
        (PEOPLE + BY_KEY, []),
        (RUN, ["The org's active assignment rule runs for new leads."]),
    ],
)
def test_who_will_own_new_leads_is_said(text: str, words: list[str]) -> None:
    lead = an_org(*LEAD_FIELDS, *PARENTS, name="Lead")

    found = examine(a_destination(text), people(lead=lead))

    assert [(each.level, each.problem) for each in found if each.key == "assignment_rules"] == [
        (Level.NOTE, each) for each in words
    ]


@pytest.mark.parametrize(
    ("rules", "level", "words"),
    [
        (("Standard_Lead_Rule", "Ours"), Level.WARNING, "Active duplicate rules of Lead refuse records"),
        ((), Level.NOTE, "No duplicate rule of Lead is active."),
        (None, Level.NOTE, "The user may not see whether duplicate rules of Lead refuse"),
    ],
)
def test_the_duplicate_rules_of_new_records_are_named(rules: tuple[str, ...] | None, level: Level, words: str) -> None:
    allowing = PEOPLE.replace("[[identity]]", 'duplicate_rules = "allow"\n\n[[identity]]', 1)

    (found,) = [
        each for each in examine(a_destination(PEOPLE), people(duplicate_rules=rules)) if each.key == "duplicate_rules"
    ]

    assert (found.level, found.problem.startswith(words)) == (level, True)
    assert found.problem.endswith("(DUPLICATES_DETECTED): Standard_Lead_Rule, Ours.") or not rules
    assert "duplicate_rules" not in [each.key for each in examine(a_destination(allowing), people())]


def test_the_room_for_new_records_is_told_where_the_org_tells_it() -> None:
    said = [each.problem for each in examine(a_destination(PEOPLE), people(free_mb=1_000))]

    assert "1,000 MB of storage are free, for 512,000 new records of 2 KB." in said
