from __future__ import annotations

import tomllib

import pytest
from pydantic import ValidationError
from salesforce_destination.destination.checks import CHECKS
from salesforce_destination.destination.destination import Destination, read_destination
from salesforce_destination.errors import DestinationFileError

TOP = 'name = "Contacts"\nsalesforce_object = "Contact"\n'
LEADS = 'name = "Leads"\nsalesforce_object = "Lead"\n'
BY_ID = '[identity]\nsource = "crm"\ntarget = "SalesforceId"\n'
BY_KEY = '[identity]\nsource = "crm"\ntarget = "Key__c"\n'
LAST_NAME = '[[mappings]]\nsource = "surname"\ntarget = "LastName"\n'
LOYAL = '[[audiences]]\nid = "loyal"\nmapping_id = "Loyal__c"\n'
TRIAL = '[[audiences]]\nid = "trial"\nmapping_id = "Trial__c"\n'
WHOLE = '[profiles]\nmemberships = "all"\n'
TOP_KEYS = (
    "name, description, salesforce_object, api_version, converted_leads, merged_records, duplicate_rules, "
    "max_audience_fields, profiles, identity, mappings, audiences, ordering"
)
UNIQUE_CURE = "Set identity.target to a unique external-ID field, or create_missing to false."


def named(audience: str, field: str, name: str = "") -> str:
    more = f'name = "{name}"\n' if name else ""
    return f'[[audiences]]\nid = "{audience}"\nmapping_id = "{field}"\nvalue = "names"\n{more}'


ONE_KEY: list[tuple[str, str]] = [
    ('salesforce_object = "Contact"\n' + BY_ID, "name: is missing. Add it."),
    (TOP, "identity: is missing. Write [identity]."),
    (TOP + '[identity]\nsource = "crm"\n', "identity.target: is missing. Add it."),
    (TOP + BY_ID + LAST_NAME + '[[mappings]]\nsource = "x"\n', "mappings[1].target: is missing. Add it."),
    (TOP + BY_ID + '[[audiences]]\nid = "x"\n', "audiences[0].mapping_id: is missing. Add it."),
    (TOP + BY_ID + "[ordering]\n", "ordering.field: is missing. Add it."),
    (
        'conveted_leads = "reject"\n' + TOP + BY_ID,
        "conveted_leads: is not a known key. Did you mean converted_leads?",
    ),
    ("xyz = 1\n" + TOP + BY_ID, f"xyz: is not a known key. Known keys: {TOP_KEYS}."),
    (
        TOP + BY_ID + LAST_NAME + "requird = true\n",
        "mappings[0].requird: is not a known key. Did you mean required?",
    ),
    (
        TOP + BY_ID + 'api_version = "66.0"\n',
        "identity.api_version: does not belong here. Move it to the top of the file, before every [table].",
    ),
    ("create_missing = false\n" + TOP + BY_ID, "create_missing: does not belong here. Move it under [identity]."),
    (TOP + BY_ID + "required = true\n", "identity.required: does not belong here. Move it under [[mappings]]."),
    (TOP.replace('"Contacts"', "5") + BY_ID, 'name: must be text. Write it in quotes: "...".'),
    ("api_version = 66.0\n" + TOP + BY_ID, 'api_version: must be text. Write it in quotes: "...".'),
    (TOP + BY_ID.replace('"crm"', "7"), 'identity.source: must be text. Write it in quotes: "...".'),
    (TOP.replace('"Contacts"', '""') + BY_ID, "name: is empty. Write something."),
    (TOP + BY_ID + LOYAL + 'namespace = ""\n', "audiences[0].namespace: is empty. Write something."),
    (
        TOP + BY_ID + 'create_missing = "false"\n',
        "identity.create_missing: must be true or false. Write it without quotes.",
    ),
    (
        TOP + BY_ID + LAST_NAME + "required = 1\n",
        "mappings[0].required: must be true or false. Write it without quotes.",
    ),
    (
        TOP + BY_ID + LAST_NAME + 'max_length = "80"\n',
        "mappings[0].max_length: must be a whole number. Write it without quotes.",
    ),
    (TOP + BY_ID + LAST_NAME + "max_length = 0\n", "mappings[0].max_length: is 0. Write at least 1."),
    (
        TOP + BY_ID + '[[mappings]]\nsource = "x"\ntarget = "X__c"\nmax_length = 200000\n',
        "mappings[0].max_length: is 200000. Write at most 131072.",
    ),
    ("max_audience_fields = 0\n" + TOP + BY_ID + LOYAL, "max_audience_fields: is 0. Write at least 1."),
    ("max_audience_fields = 801\n" + TOP + BY_ID, "max_audience_fields: is 801. Write at most 800."),
    ('profiles = "@"\n' + TOP + BY_ID, "profiles: must be a table. Write [profiles]."),
    ("mappings = [1]\n" + TOP + BY_ID, "mappings[0]: must be a table. Write [[mappings]]."),
    (
        TOP + BY_ID + '[mappings]\nsource = "x"\ntarget = "X__c"\n',
        "mappings: must be a list of tables. Write [[mappings]].",
    ),
    (
        TOP + BY_ID + LAST_NAME + 'when_absent = "keep"\n',
        'mappings[0].when_absent: is "keep". Write "leave" or "clear".',
    ),
    (
        TOP + BY_ID + LAST_NAME + "when_too_long = true\n",
        'mappings[0].when_too_long: is true. Write "reject" or "truncate".',
    ),
    (
        TOP + BY_ID + LOYAL + 'value = "flag"\n',
        'audiences[0].value: is "flag". Write "status", "boolean", "timestamp" or "names".',
    ),
    (
        TOP + BY_ID + '[[mappings]]\nconstant = ["a"]\ntarget = "X__c"\n',
        'mappings[0].constant: must be text, a number, true or false. Put text in quotes: "...".',
    ),
    (
        TOP + BY_ID + LAST_NAME + "default = 2024-01-01\n",
        'mappings[0].default: must be text, a number, true or false. Put text in quotes: "...".',
    ),
    (
        TOP + BY_ID + '[[mappings]]\nconstant = nan\ntarget = "X__c"\n',
        'mappings[0].constant: must be text, a number, true or false. Put text in quotes: "...".',
    ),
    ('api_version = "66"\n' + TOP + BY_ID, 'api_version: is "66". Write a version such as "66.0".'),
    (
        TOP + BY_ID + LOYAL.replace("Loyal__c", "CDP Loyal__c"),
        'audiences[0].mapping_id: is "CDP Loyal__c": white space is not allowed. Write "CDP_Loyal__c".',
    ),
    (
        TOP + BY_ID + LAST_NAME.replace("LastName", "Account.Name"),
        'mappings[0].target: is "Account.Name", which is not an API name. '
        "Start with a letter, then use letters, digits and _.",
    ),
    (
        TOP + BY_ID.replace('"crm"', '"ids..crm"'),
        "identity.source: is not valid JMESPath: 'ids..crm' cannot be read at '.', character 5.",
    ),
    (
        TOP + "[profiles]\nonly_if = \"opt_in = 'y'\"\n" + BY_ID,
        "profiles.only_if: is not valid JMESPath: \"opt_in = 'y'\" cannot be read at '=', character 8.",
    ),
    (
        TOP + '[profiles]\nselect = "powertools_jsn(Message)"\n' + BY_ID,
        "profiles.select: is not valid JMESPath: 'powertools_jsn(Message)' calls powertools_jsn(), "
        "which does not exist, character 1.",
    ),
    (
        TOP + BY_ID + LAST_NAME.replace("surname", "join(names)"),
        "mappings[0].source: is not valid JMESPath: 'join(names)' calls join() with 1 arguments, "
        "but it takes 2, character 1.",
    ),
    (
        TOP + BY_ID + '[ordering]\nfield = "Time__c"\nsource = "to_number("\n',
        "ordering.source: is not valid JMESPath: 'to_number(' is incomplete, character 11.",
    ),
]

SEVERAL_KEYS: list[tuple[str, str]] = [
    (
        TOP + BY_ID + '[[mappings]]\ntarget = "LastName"\n',
        "mappings[0].source: is missing. Add a source, or a constant.",
    ),
    (
        TOP + BY_ID + LAST_NAME + 'constant = "x"\n',
        "mappings[0].constant: cannot be combined with a source. Remove one of the two.",
    ),
    (
        TOP + BY_ID + LAST_NAME + "max_length = 81\n",
        "mappings[0].max_length: is 81. LastName holds 80 characters: write 80 or less.",
    ),
    (
        TOP + BY_ID + '[[mappings]]\nconstant = "' + "x" * 41 + '"\ntarget = "FirstName"\n',
        "mappings[0].constant: has 41 characters, but FirstName holds 40. Shorten it.",
    ),
    (
        TOP + BY_ID + LAST_NAME + 'max_length = 5\ndefault = "Unknown"\n',
        "mappings[0].default: has 7 characters, but LastName holds 5. Shorten it.",
    ),
    (
        TOP + BY_ID + '[[mappings]]\nsource = "x"\ntarget = "X__c"\nwhen_too_long = "truncate"\n',
        'mappings[0].when_too_long: is "truncate", but the length of X__c is not known. Add max_length.',
    ),
    (
        TOP + BY_ID.replace("SalesforceId", "Id"),
        'identity.target: is "Id". Write "SalesforceId" for the record\'s own Id.',
    ),
    (
        TOP + BY_ID.replace("SalesforceId", "salesforceID"),
        'identity.target: is "salesforceID". Write "SalesforceId" for the record\'s own Id.',
    ),
    (
        TOP + BY_KEY + LAST_NAME.replace("LastName", "Id"),
        "mappings[0].target: is the record's own Id. Set it under [identity].",
    ),
    (
        'converted_leads = "contact"\n' + TOP + BY_ID,
        'converted_leads: is only for leads, but salesforce_object is "Contact". Remove it.',
    ),
    (
        'api_version = "60.0"\n' + TOP + BY_KEY,
        'api_version: is "60.0", which cannot update by Key__c without creating records. Write "61.0" or later.',
    ),
    (
        'api_version = "60.0"\n'
        + TOP
        + BY_KEY
        + "create_missing = true\n"
        + LAST_NAME
        + 'required = true\n[profiles]\nonly_if = "consent"\n',
        'api_version: is "60.0", which cannot update by Key__c without creating records. Write "61.0" or later.',
    ),
    (
        TOP + BY_ID + "create_missing = true\n" + LAST_NAME + "required = true\n",
        f"identity.create_missing: is true, but Salesforce cannot create a record with a given Id. {UNIQUE_CURE}",
    ),
    (
        TOP + BY_ID.replace("SalesforceId", "Email") + "create_missing = true\n" + LAST_NAME + "required = true\n",
        "identity.create_missing: is true, but Email is not unique: two records could be created for one address. "
        + UNIQUE_CURE,
    ),
    (
        TOP + BY_KEY + "create_missing = true\n",
        "mappings: LastName may stay without a value, but Salesforce requires it for a new Contact. "
        "Add a mapping to LastName with required = true.",
    ),
    (
        LEADS + BY_KEY + "create_missing = true\n" + LAST_NAME + "required = true\n",
        "mappings: Company may stay without a value, but Salesforce requires it for a new Lead. "
        "Add a mapping to Company with required = true.",
    ),
    (
        TOP + BY_ID + LAST_NAME + LAST_NAME.replace("LastName", "lastname"),
        "mappings[1].target: writes lastname, which mappings[0].target writes already. Use another field.",
    ),
    (
        TOP + BY_KEY + LOYAL.replace("Loyal__c", "Key__c"),
        "audiences[0].mapping_id: writes Key__c, which identity.target writes already. Use another field.",
    ),
    (
        TOP + BY_ID + '[ordering]\nfield = "Time__c"\n' + LOYAL + 'since_field = "Time__c"\n',
        "audiences[0].since_field: writes Time__c, which ordering.field writes already. Use another field.",
    ),
    (
        TOP + BY_ID + LOYAL + TRIAL.replace("Trial__c", "Loyal__c"),
        "audiences[1].mapping_id: writes Loyal__c, which audiences[0].mapping_id writes already. Use another field.",
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Loyal__c", "VIP") + LOYAL,
        "audiences[1].mapping_id: writes Loyal__c, which audiences[0].mapping_id writes already. Use another field.",
    ),
    (
        TOP + BY_ID + "".join(LOYAL.replace("loyal", f"a{n}").replace("Loyal", f"A{n}") for n in range(26)),
        "audiences: use 26 fields, but the limit is 25; A25__c is the first one too many. "
        "Remove some, or set max_audience_fields = 26 if the org has room for them.",
    ),
    (
        "max_audience_fields = 1\n" + TOP + BY_ID + LOYAL + TRIAL,
        "audiences: use 2 fields, but the limit is 1; Trial__c is the first one too many. "
        "Remove some, or set max_audience_fields = 2 if the org has room for them.",
    ),
    (
        TOP + BY_ID + named("vip", "Audiences__c", "VIP"),
        'audiences[0].value: is "names", but a message may leave memberships out. '
        'Set memberships = "all" under [profiles] if every message holds them all, or use another value.',
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c"),
        'audiences[0].name: is missing, but value = "names" needs it. Add it.',
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP; very"),
        "audiences[0].name: contains a semicolon, which separates names in Salesforce. Remove the semicolon.",
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP") + 'since_field = "Since__c"\n',
        'audiences[0].since_field: does not work with value = "names". Remove it.',
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP") + named("vip2", "Audiences__c", "Vip"),
        'audiences[1].name: is "Vip", like audiences[0].name. Give each its own name.',
    ),
    (
        TOP + "[profiles]\nonly_if = 'consents.val == \"y\"'\n" + BY_ID,
        'profiles.only_if: compares with "y", which JMESPath reads as a key of the profile. '
        "Write text in single quotes: 'y'.",
    ),
]

NOT_TOML = [
    ("name = Contacts", "the file: is not valid TOML: Invalid value (at line 1, column 8)."),
    (TOP + 'name = "Again"\n', "the file: is not valid TOML: Cannot overwrite a value (at line 3, column 15)."),
]


def mistakes(text: str) -> list[str]:
    with pytest.raises(DestinationFileError) as error:
        read_destination(text)
    return [str(mistake) for mistake in error.value.mistakes]


@pytest.mark.parametrize(("text", "expected"), [*ONE_KEY, *SEVERAL_KEYS, *NOT_TOML])
def test_a_mistake_is_told_by_its_key_with_what_would_be_right(text: str, expected: str) -> None:
    assert mistakes(text) == [expected]


def test_an_audience_that_is_mapped_twice_is_told_at_both_places() -> None:
    text = TOP + BY_ID + LOYAL + 'namespace = "ups"\n' + TRIAL.replace("trial", "loyal") + 'namespace = "UPS"\n'

    assert mistakes(text) == [
        'audiences[0].id: "loyal" is mapped 2 times. Map it once.',
        'audiences[1].id: "loyal" is mapped 2 times. Map it once.',
    ]


def test_an_empty_file_is_told_what_it_needs() -> None:
    assert mistakes("") == [
        "name: is missing. Add it.",
        "salesforce_object: is missing. Add it.",
        "identity: is missing. Write [identity].",
    ]


def test_a_file_with_many_mistakes_is_told_all_of_them_at_once() -> None:
    text = """
salesforce_object = "Lead"
api_version = "66"
merged_record = "follow"

[profiles]
only_if = "consents.marketing.email.val = 'y'"

[identity]
source = "identityMap.crmID[0].id"
target = "Customer Number__c"
create_missing = true

[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = "yes"

[[mappings]]
source = "person.name.firstName"
target = "LastName"
max_length = 200

[[audiences]]
id = "loyal"
mapping_id = "CDP_Audience__c"
value = "names"

[[audiences]]
id = "trial"
mapping_id = "CDP Trial__c"
"""

    assert mistakes(text) == [
        "name: is missing. Add it.",
        'api_version: is "66". Write a version such as "66.0".',
        "profiles.only_if: is not valid JMESPath: \"consents.marketing.email.val = 'y'\" cannot be read at '=', "
        "character 30.",
        'identity.target: is "Customer Number__c": white space is not allowed. Write "Customer_Number__c".',
        "mappings[0].required: must be true or false. Write it without quotes.",
        'audiences[1].mapping_id: is "CDP Trial__c": white space is not allowed. Write "CDP_Trial__c".',
        "merged_record: is not a known key. Did you mean merged_records?",
        "mappings[1].max_length: is 200. LastName holds 80 characters: write 80 or less.",
        "mappings: LastName may stay without a value, but Salesforce requires it for a new Lead. "
        "Add a mapping to LastName with required = true.",
        "mappings: Company may stay without a value, but Salesforce requires it for a new Lead. "
        "Add a mapping to Company with required = true.",
        "mappings[1].target: writes LastName, which mappings[0].target writes already. Use another field.",
        'audiences[0].value: is "names", but a message may leave memberships out. '
        'Set memberships = "all" under [profiles] if every message holds them all, or use another value.',
        'audiences[0].name: is missing, but value = "names" needs it. Add it.',
    ]


ALLOWED = [
    TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP") + named("new", "Audiences__c", "New"),
    TOP + BY_KEY + "create_missing = true\n" + LAST_NAME + 'default = "Unknown"\n',
    TOP + BY_ID + LAST_NAME + "max_length = 80\n" + 'when_too_long = "truncate"\n',
    TOP + BY_ID + LOYAL + 'namespace = "ups"\n' + TRIAL.replace("trial", "loyal") + 'namespace = "AAM"\n',
    'api_version = "60.0"\n' + TOP + BY_ID,
    'api_version = "60.0"\n' + TOP + BY_KEY + "create_missing = true\n" + LAST_NAME + "required = true\n",
    TOP + "[profiles]\nonly_if = 'consents.\"email.marketing\".val == `true`'\n" + BY_ID,
    "\n".join((TOP + BY_ID).splitlines()).replace("\n", "\r\n"),
]


@pytest.mark.parametrize("text", ALLOWED)
def test_what_is_right_is_no_mistake(text: str) -> None:
    assert read_destination(text).name


def test_every_kind_of_mistake_in_one_key_is_tried_here() -> None:
    found = {error["type"] for text, _ in ONE_KEY for error in errors_in(text)}

    assert found == {
        "missing",
        "extra_forbidden",
        "string_type",
        "string_too_short",
        "string_pattern_mismatch",
        "bool_type",
        "int_type",
        "float_type",
        "finite_number",
        "greater_than_equal",
        "less_than_equal",
        "literal_error",
        "model_type",
        "tuple_type",
        "value_error",
    }


def errors_in(text: str) -> list[dict[str, object]]:
    try:
        Destination.model_validate(tomllib.loads(text))
    except ValidationError as error:
        return [dict(details) for details in error.errors()]
    return []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.strip("_"))
def test_every_check_is_tried_here(check: object) -> None:
    twice = TOP + BY_ID + LOYAL + LOYAL.replace("Loyal__c", "Other__c")
    texts = [twice, *(text for text, _ in SEVERAL_KEYS)]

    assert callable(check)
    assert any(list(check(tomllib.loads(text))) for text in texts)
