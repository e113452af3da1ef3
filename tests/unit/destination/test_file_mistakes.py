# ruff: noqa: RUF001  # what looks like another character is what these tests are about
from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from salesforce_destination.destination.checks import CHECKS, OBJECT_CHECKS, doubts, for_each_object
from salesforce_destination.destination.destination import Destination, read_destination, spelled_as
from salesforce_destination.destination.mistakes import _LINES, _VALUES
from salesforce_destination.errors import DestinationFileError, Mistake

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
    "assignment_rules, unchanged, most_created_percent, max_audience_fields, profiles, identity, "
    "mappings, audiences, ordering, memberships"
)
UNIQUE_CURE = "Set target to a unique external-ID field, or create_missing to false."


def named(audience: str, field: str, name: str = "") -> str:
    more = f'name = "{name}"\n' if name else ""
    return f'[[audiences]]\nid = "{audience}"\nmapping_id = "{field}"\nvalue = "names"\n{more}'


BOTH = 'name = "People"\nsalesforce_object = ["Contact", "Lead"]\n'
RULES = "".join(f'[[identity]]\nsource = "{key.lower()}"\ntarget = "{key}__c"\n' for key in ("A", "B"))
LEAD = 'create_missing = "Lead"\n'
NEW_LEAD = "".join(
    f'[[mappings]]\nsource = "x"\ntarget = "{name}"\nrequired = true\n' for name in ("LastName", "Company")
)
CREATING = TOP + BY_KEY + "create_missing = true\n" + LAST_NAME + "required = true\n"


def to(target: str, more: str = "") -> str:
    """A mapping to a target, written as TOML."""
    return f'[[mappings]]\nsource = "x"\ntarget = {target}\n{more}'


GENDER = '[[mappings]]\nsource = "gender"\ntarget = "Salutation"\n'
MR = 'values = { male = "Mr." }\n'
CAMPAIGN = "701Ab0000000001IAA"
ONLY_ROWS = '[[audiences]]\nid = "vip"\n'
STATUSES = 'member_status = { realized = "Sent", exited = "Left" }\n'
MEMBER = f'{ONLY_ROWS}campaign = "{CAMPAIGN}"\n{STATUSES}'
ROW_KEYS = ("object", "key", "person", "audience", "status", "since")
ROWS = "[memberships]\n" + "".join(f'{name} = "{name.title()}__c"\n' for name in ROW_KEYS)
NO_CAMPAIGN = 'Write 15 or 18 characters that begin with 701, or { name = "..." }.'

ONE_KEY: list[tuple[str, str]] = [
    (
        TOP + BY_ID + MEMBER.replace('{ realized = "Sent", exited = "Left" }', '"Sent"'),
        'audiences[0].member_status: must be a table. Write { a = "b", c = "d" }.',
    ),
    (
        TOP + BY_ID + MEMBER.replace('{ realized = "Sent", exited = "Left" }', "{}"),
        "audiences[0].member_status: is empty. Write something.",
    ),
    (
        TOP + BY_ID + MEMBER.replace("exited", 'left = "Left", exited'),
        "audiences[0].member_status.left: is not a status. Write realized, existing or exited.",
    ),
    (TOP + BY_ID + LOYAL + ROWS.replace('key = "Key__c"\n', ""), "memberships.key: is missing. Add it."),
    (TOP + BY_ID + LOYAL + f"[{ROWS}".replace("]", "]]"), "memberships: has double brackets. Write [memberships]."),
    (
        'memberships = "all"\n' + TOP + BY_ID + LOYAL,
        "memberships: does not belong here. Move it under [profiles].",
    ),
    (
        TOP + BY_ID + LOYAL + ROWS.replace('"Person__c"', "5"),
        'memberships.person: must be text. Write it in quotes: "...".',
    ),
    (TOP + BY_ID + LOYAL + ROWS.replace('"Person__c"', "{}"), "memberships.person: is empty. Write something."),
    (
        TOP + BY_ID + LOYAL + ROWS + 'audiences = "some"\n',
        'memberships.audiences: is "some". Write "mapped" or "all".',
    ),
    (
        TOP + BY_ID + ROWS + 'audiences = "all"\nat_most = 0\n',
        "memberships.at_most: is 0. Write at least 1.",
    ),
    (
        TOP + BY_ID + ROWS + 'audiences = "all"\nat_most = 9\nonly = "vip"\n',
        'memberships.only: must be a list. Write it in brackets: ["..."].',
    ),
    (
        TOP + BY_ID + ROWS + 'audiences = "all"\nat_most = 9\nexcept = []\n',
        "memberships.except: is empty. Write something.",
    ),
    (
        TOP + BY_ID + LOYAL + 'status = "Status__c"\n',
        "audiences[0].status: does not belong here. Move it under [memberships].",
    ),
    (
        TOP + BY_ID + GENDER + 'values = "Mr."\n',
        'mappings[0].values: must be a table. Write { a = "b", c = "d" }.',
    ),
    (
        TOP + BY_ID + GENDER + MR.replace("values", "value"),
        "mappings[0].value: is not a known key. Did you mean values?",
    ),
    (
        TOP + BY_ID + LOYAL + 'values = { realized = 1, exited = "Left" }\n',
        'audiences[0].values.realized: must be text. Write it in quotes: "...".',
    ),
    (
        TOP + BY_ID + GENDER + "values = {}\n",
        "mappings[0].values: is empty. Write what each value becomes, or remove it.",
    ),
    (
        TOP + BY_ID + GENDER + 'values = { male = ["Mr."] }\n',
        'mappings[0].values.male: must be text, a number, true or false. Put text in quotes: "...".',
    ),
    (
        TOP + BY_ID + GENDER + 'values = { 1.5 = "Mr." }\n',
        'mappings[0].values.1: must be text, a number, true or false. Put a key with a dot in quotes: "1.5".',
    ),
    (
        TOP + BY_ID + GENDER + MR + 'other = "Mx."\n',
        'mappings[0].other: is "Mx.". Write "reject", "leave" or "clear".',
    ),
    (
        TOP + BY_ID + LOYAL + "values = {}\n",
        "audiences[0].values: is empty. Write what each value becomes, or remove it.",
    ),
    (
        TOP + BY_ID + LOYAL + 'values = { realised = "Member" }\n',
        "audiences[0].values.realised: is not a status. Write realized, existing or exited.",
    ),
    (
        TOP + BY_ID + LOYAL + "values = { exited = false }\n",
        'audiences[0].values.exited: must be text. Write it in quotes: "...".',
    ),
    (
        TOP + BY_ID + LOYAL + 'values = { exited = "" }\n',
        "audiences[0].values.exited: is empty. Write something.",
    ),
    (
        TOP + BY_ID + LOYAL + f'values = {{ exited = "{"x" * 256}" }}\n',
        "audiences[0].values.exited: is longer than 255 characters. Shorten it.",
    ),
    (TOP + BY_ID + LOYAL + 'field = "X__c"\n', "audiences[0].field: does not belong here. Move it under [ordering]."),
    (
        TOP + BY_ID + LAST_NAME + "[ordering]\nfield = 'X__c'\ntarget = 'X__c'\n",
        "ordering.target: does not belong here. Move it under [identity] or [[mappings]].",
    ),
    (
        'salesforce_object = "Contact"\n' + BY_ID,
        "name: is missing. Add it to the top of the file, before every [table].",
    ),
    (TOP, "identity: is missing. Write [identity]."),
    (TOP + '[identity]\nsource = "crm"\n', "identity.target: is missing. Add it."),
    (TOP + BY_ID + LAST_NAME + '[[mappings]]\nsource = "x"\n', "mappings[1].target: is missing. Add it."),
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
        "mappings: has single brackets. Write [[mappings]].",
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
        'audiences[0].mapping_id: is "CDP Loyal__c", which contains U+0020 (space). Write "CDP_Loyal__c".',
    ),
    (TOP.replace('"Contact"', "[]") + BY_ID, "salesforce_object: is empty. Write something."),
    (TOP.replace('"Contact"', "5") + BY_ID, 'salesforce_object: must be text. Write it in quotes: "...".'),
    (TOP.replace('"Contact"', "[5]") + BY_ID, 'salesforce_object[0]: must be text. Write it in quotes: "...".'),
    (
        BOTH.replace("Lead", "Lead s") + BY_ID,
        'salesforce_object[1]: is "Lead s", which contains U+0020 (space). Write "Lead_s".',
    ),
    ("identity = []\n" + TOP, "identity: is empty. Write something."),
    (TOP + BY_ID.replace('"SalesforceId"', "5"), 'identity.target: must be text. Write it in quotes: "...".'),
    (
        BOTH + BY_ID + to('{ Contact = "Birthdate", Lead = 5 }'),
        'mappings[0].target.Lead: must be text. Write it in quotes: "...".',
    ),
    (BOTH + BY_ID.replace('"SalesforceId"', "{}"), "identity.target: is empty. Write something."),
    (BOTH + BY_ID + to("{}"), "mappings[0].target: is empty. Write something."),
    (TOP + RULES + "required = true\n", "identity[1].required: does not belong here. Move it under [[mappings]]."),
    (
        TOP + RULES + "case_sensitive = 1\n",
        "identity[1].case_sensitive: must be true or false. Write it without quotes.",
    ),
    (BOTH + BY_ID + to('"X__c"', "objects = []\n"), "mappings[0].objects: is empty. Write something."),
    (
        BOTH + BY_ID + to('"X__c"', 'objects = "Lead"\n'),
        'mappings[0].objects: must be a list. Write it in brackets: ["..."].',
    ),
    (
        TOP + BY_ID + LAST_NAME + 'write = "never"\n',
        'mappings[0].write: is "never". Write "always", "create" or "if_empty".',
    ),
    (TOP + 'unchanged = "leave"\n' + BY_ID, 'unchanged: is "leave". Write "write" or "skip".'),
    ("most_created_percent = 0\n" + CREATING, "most_created_percent: is 0. Write at least 1."),
    (
        TOP + BY_ID + LAST_NAME.replace("LastName", "Account.Owner.Name"),
        'mappings[0].target: is "Account.Owner.Name", which is not an API name. '
        "Start with a letter, then use letters, digits and _.",
    ),
    (
        TOP + BY_ID.replace('"crm"', '"ids..crm"'),
        "identity.source: is not valid JMESPath: \"ids..crm\" cannot be read at '.', character 5.",
    ),
    (
        TOP + "[profiles]\nonly_if = \"opt_in = 'y'\"\n" + BY_ID,
        "profiles.only_if: is not valid JMESPath: \"opt_in = 'y'\" cannot be read at '=', character 8.",
    ),
    (
        TOP + '[profiles]\nselect = "powertools_jsn(Message)"\n' + BY_ID,
        'profiles.select: is not valid JMESPath: "powertools_jsn(Message)" calls powertools_jsn(), '
        "which does not exist, character 1.",
    ),
    (
        TOP + BY_ID + LAST_NAME.replace("surname", "join(names)"),
        'mappings[0].source: is not valid JMESPath: "join(names)" calls join() with 1 arguments, '
        "but it takes 2, character 1.",
    ),
    (
        TOP + BY_ID + '[ordering]\nfield = "Time__c"\nsource = "to_number("\n',
        'ordering.source: is not valid JMESPath: "to_number(" is incomplete, character 11.',
    ),
]

SEVERAL_KEYS: list[tuple[str, str]] = [
    *(
        (
            TOP + BY_ID + ONLY_ROWS + more,
            "audiences[0].mapping_id: is missing. Add it, a campaign, or [memberships] to the file.",
        )
        for more in (
            "",
            ROWS + 'audiences = "all"\nat_most = 9\nexcept = ["vip"]\n',
            ROWS + 'audiences = "all"\nat_most = 9\nonly = ["other"]\n',
        )
    ),
    (
        TOP + BY_ID + MEMBER + 'value = "boolean"\n',
        "audiences[0].value: has no effect without mapping_id. Add mapping_id, or remove it.",
    ),
    (
        TOP + BY_ID + MEMBER + 'values = { realized = "In" }\n',
        "audiences[0].values: has no effect without mapping_id. Add mapping_id, or remove it.",
    ),
    (
        TOP + BY_ID + MEMBER + 'existing_as = "realized"\n',
        "audiences[0].existing_as: has no effect without mapping_id. Add mapping_id, or remove it.",
    ),
    (
        TOP + BY_ID + ONLY_ROWS + 'since_field = "Since__c"\n' + ROWS,
        "audiences[0].since_field: has no effect without mapping_id. Add mapping_id, or remove it.",
    ),
    (
        TOP + BY_ID + MEMBER.replace("701Ab0000000001IAA", "003Ab0000000001IAA"),
        f'audiences[0].campaign: is "003Ab0000000001IAA", which is not the Id of a campaign. {NO_CAMPAIGN}',
    ),
    (
        TOP + BY_ID + MEMBER.replace(CAMPAIGN, "Summer"),
        f'audiences[0].campaign: is "Summer", which is not the Id of a campaign. {NO_CAMPAIGN}',
    ),
    (
        TOP + BY_ID + MEMBER.replace(f'"{CAMPAIGN}"', "{ id = 1 }"),
        f"audiences[0].campaign: is {{'id': 1}}, which is not the Id of a campaign. {NO_CAMPAIGN}",
    ),
    (
        TOP + BY_ID + MEMBER.replace(f'"{CAMPAIGN}"', '{ name = "" }'),
        f"audiences[0].campaign: is {{'name': ''}}, which is not the Id of a campaign. {NO_CAMPAIGN}",
    ),
    (
        TOP + BY_ID + MEMBER.replace(f'"{CAMPAIGN}"', '{ name = "Summer " }'),
        'audiences[0].campaign.name: is "Summer ", which ends with U+0020 (space). Write "Summer".',
    ),
    (
        TOP + BY_ID + MEMBER.replace(STATUSES, ""),
        'audiences[0].member_status: is missing. Add { realized = "...", exited = "..." }, with statuses of the '
        "campaign.",
    ),
    (
        TOP + BY_ID + LOYAL + STATUSES,
        "audiences[0].member_status: has no effect without a campaign. Add campaign, or remove it.",
    ),
    (
        TOP + BY_ID + MEMBER.replace(', exited = "Left"', ""),
        "audiences[0].member_status.exited: is missing. Add it, with a status of the campaign.",
    ),
    (
        TOP + BY_ID + MEMBER.replace("realized", "existing"),
        "audiences[0].member_status.realized: is missing. Add it, with a status of the campaign.",
    ),
    (
        TOP + BY_ID + MEMBER.replace("Left", "sent"),
        'audiences[0].member_status: writes realized as "Sent", like exited. Write another text for one of the two.',
    ),
    (
        TOP + BY_ID + MEMBER.replace("Sent", "Se\u200bnt"),
        'audiences[0].member_status: has "Se<U+200B>nt", which contains U+200B (zero width space). Write "Sent".',
    ),
    (
        TOP + BY_ID + MEMBER.replace("Left", "delete"),
        'audiences[0].member_status.exited: is "delete", but no field remembers the exit. '
        "Add mapping_id and since_field, or write a status of the campaign.",
    ),
    (
        TOP + BY_ID + MEMBER.replace("Left", "delete") + 'mapping_id = "Vip__c"\n',
        'audiences[0].member_status.exited: is "delete", but no field remembers the exit. '
        "Add mapping_id and since_field, or write a status of the campaign.",
    ),
    (
        TOP + BY_ID + MEMBER + MEMBER.replace("vip", "new").replace(CAMPAIGN, CAMPAIGN[:15]),
        "audiences[1].campaign: is that of audience 1, 'vip', line 6: the exit from one would change the member of "
        "the other. Use another campaign.",
    ),
    (
        BOTH
        + BY_ID
        + MEMBER.replace(f'"{CAMPAIGN}"', '{ name = "Summer" }')
        + MEMBER.replace("vip", "new").replace(f'"{CAMPAIGN}"', '{ name = "SUMMER" }\nobjects = ["Lead"]'),
        "audiences[1].campaign: is that of audience 1, 'vip', line 6: the exit from one would change the member of "
        "the other. Use another campaign.",
    ),
    (
        BOTH + BY_ID + MEMBER + 'objects = ["lead"]\n' + LOYAL.replace("loyal", "vip") + 'objects = ["Contact"]\n',
        "audiences[1].id: is \"vip\", like audience 1, 'vip', line 6, but members and rows are told apart by it alone. "
        "Keep one of the two.",
    ),
    (
        TOP + BY_ID + LOYAL + 'namespace = "ups"\n' + ONLY_ROWS.replace("vip", "loyal") + 'namespace = "AAM"\n' + ROWS,
        "audiences[1].id: is \"loyal\", like audience 1, 'loyal', line 6, but members and rows are told apart by it "
        "alone. Keep one of the two.",
    ),
    (
        BOTH.replace("Contact", "Account") + BY_ID + MEMBER,
        "audiences[0].campaign: is for contacts and leads, not for Account. Remove it, or name another under objects.",
    ),
    (
        BOTH + BY_ID + LOYAL + ROWS,
        'memberships.person: names no lookup to Contact. Write { Contact = "...", Lead = "..." }.',
    ),
    (
        BOTH + BY_ID + LOYAL + ROWS.replace('"Person__c"', '{ CONTACT = "Person__c" }'),
        'memberships.person: names no lookup to Lead. Write { Contact = "...", Lead = "..." }.',
    ),
    (
        TOP + BY_ID + LOYAL + ROWS.replace('"Person__c"', '{ Contact = "Person__c", Lead = "Lead__c" }'),
        'memberships.person: names "Lead", which is not in salesforce_object. Write "Contact".',
    ),
    (
        TOP + BY_ID + LOYAL + ROWS.replace('"Since__c"', '"STATUS__C"'),
        'memberships.since: is "STATUS__C", like memberships.status. Use another field.',
    ),
    (
        BOTH + BY_ID + LOYAL + ROWS.replace('"Person__c"', '{ Contact = "Person__c", Lead = "person__c" }'),
        'memberships.person.Lead: is "person__c", like memberships.person.Contact. Use another field.',
    ),
    (
        TOP + BY_ID + LOYAL + ROWS + 'audience_name = "Name_c"\n',
        'memberships.audience_name: is "Name_c", but custom names end in two underscores and c. Write "Name__c".',
    ),
    (
        TOP + BY_ID + LOYAL + ROWS.replace("Object__c", "contact"),
        'memberships.object: is "contact", like salesforce_object. '
        "Name an object that has a record for each person and audience.",
    ),
    (
        TOP + BY_ID + ROWS + 'audiences = "all"\n',
        'memberships.at_most: is missing, but audiences = "all" needs it. Write the most rows of a person, such as 50.',
    ),
    (
        TOP + BY_ID + LOYAL + ROWS + 'only = ["vip"]\n',
        'memberships.only: works only with audiences = "all". Remove one of the two.',
    ),
    (
        TOP + BY_ID + ROWS + 'audiences = "all"\nat_most = 9\nonly = ["vip"]\nexcept = ["new"]\n',
        "memberships.except: cannot be combined with only. Remove one of the two.",
    ),
    (
        TOP + BY_ID + ROWS + 'audiences = "all"\nat_most = 9\nonly = ["vip\u200b"]\n',
        'memberships.only[0]: is "vip<U+200B>", which ends with U+200B (zero width space). Write "vip".',
    ),
    (
        TOP + BY_ID + ROWS,
        'memberships.audiences: is "mapped", but there is no audience. '
        'Add [[audiences]], or write audiences = "all" and at_most.',
    ),
    (
        TOP.replace('"Contact"', '["Contact", "contact"]') + BY_ID,
        "salesforce_object: names an object twice. Name each once.",
    ),
    (
        TOP.replace('"Contact"', '["Contact", "Lead", "Case"]') + BY_ID,
        "salesforce_object: names 3 objects, but a file writes to 2 at most. Write another file for the others.",
    ),
    (BOTH.replace('"Lead"', '"leads"') + BY_ID, 'salesforce_object: is "leads". Write "Lead".'),
    (
        TOP + BY_ID + LOYAL + 'objects = ["Contact"]\n',
        "audiences[0].objects: has no effect with one salesforce_object. Remove it.",
    ),
    (
        BOTH + BY_ID + LOYAL + 'objects = ["Account"]\n',
        'audiences[0].objects: names "Account", which is not in salesforce_object. Write "Contact" or "Lead".',
    ),
    (
        BOTH + BY_ID + to('{ Contact = "MailingCity", Lead = "City", Case = "City__c" }'),
        'mappings[0].target: names "Case", which is not in salesforce_object. Write "Contact" or "Lead".',
    ),
    (
        BOTH + BY_ID + to('{ Contact = "MailingCity" }'),
        "mappings[0].target: names no field for Lead. Add one, or name the other objects under objects.",
    ),
    (
        BOTH + BY_ID + to('{ Contact = "MailingCity", Lead = "City" }', 'objects = ["Contact"]\n'),
        "mappings[0].target: names a field for Lead, which objects leaves out. Remove it, or add Lead to objects.",
    ),
    (
        BOTH + BY_ID + to('{ Contact = "MailingCity" }', 'objects = ["contact", "lead"]\n'),
        "mappings[0].target: names no field for lead. Add one, or name the other objects under objects.",
    ),
    (
        BOTH + BY_ID.replace('"SalesforceId"', '{ Contact = "SalesforceId", Lead = "Key__c" }'),
        'identity.target: has "SalesforceId" in a table. Write target = "SalesforceId".',
    ),
    (
        BOTH + RULES.replace('"A__c"', '{ Lead = "A__c" }').replace('"B__c"', "{ Lead = 'B__c' }"),
        "identity: has no rule for Contact. Add one, or name a field for it in the target of another.",
    ),
    (
        TOP + RULES.replace("B__c", "SalesforceId"),
        'identity[1].target: is "SalesforceId", which must be the first rule. Move this rule up.',
    ),
    (
        TOP + RULES.replace("B__c", "a__C"),
        "identity[1].target: writes a__C, which identity 1, 'A__c', line 3 writes already. Use another field.",
    ),
    (
        BOTH + RULES.replace('"B__c"', '{ Contact = "B__c", Lead = "A__c" }'),
        "identity[1].target: writes A__c, which identity 1, 'A__c', line 3 writes already. Use another field.",
    ),
    (
        TOP + RULES + to('"b__c"'),
        "mappings[0].target: writes b__c, which identity 2, 'B__c', line 6 writes already. "
        'Use another field, or write = "if_empty".',
    ),
    (
        BOTH + BY_ID + to('"City"', 'objects = ["Lead"]\n') + to('{ Contact = "MailingCity", Lead = "CITY" }'),
        "mappings[1].target: writes CITY, which mapping 1, 'City', line 6 writes already. Use another field.",
    ),
    (
        BOTH + BY_ID + LOYAL + TRIAL + LOYAL.replace("loyal", "vip") + 'objects = ["Lead"]\n',
        "audiences[2].mapping_id: writes Loyal__c, which audience 1, 'loyal', line 6 writes already. "
        "Use another field.",
    ),
    (
        BOTH + BY_ID + to('{ Contact = "Title", Lead = "City" }', "max_length = 100\n"),
        "mappings[0].max_length: is 100. City holds 40 characters: write 40 or less.",
    ),
    (
        BOTH + BY_ID + to('{ Contact = "Title", Lead = "X_c" }'),
        'mappings[0].target.Lead: is "X_c", but custom names end in two underscores and c. Write "X__c".',
    ),
    (
        TOP + BY_ID + 'create_missing = "Contact"\n',
        "identity.create_missing: must be true or false. Write it without quotes.",
    ),
    (
        BOTH + RULES + "create_missing = true\n",
        'identity[1].create_missing: is true. Write what a new person becomes: "Contact" or "Lead".',
    ),
    (
        BOTH + RULES + 'create_missing = "yes"\n',
        'identity[1].create_missing: is "yes". Write what a new person becomes: "Contact" or "Lead".',
    ),
    (
        BOTH + RULES + "create_missing = [1]\n",
        'identity[1].create_missing: is [1]. Write what a new person becomes: "Contact" or "Lead".',
    ),
    (
        BOTH + RULES.replace('"B__c"', '{ Contact = "B__c" }') + LEAD + NEW_LEAD,
        'identity[1].create_missing: is "Lead", but target has no field for it. Add one.',
    ),
    (
        BOTH
        + RULES.replace("[[identity]]\n", f"[[identity]]\n{LEAD}").replace(LEAD, 'create_missing = "Contact"\n', 1)
        + NEW_LEAD,
        'identity[1].create_missing: is "Lead", but identity 1, \'A__c\', line 3 is "Contact". Write the same object.',
    ),
    (
        BOTH + RULES.replace("B__c", "Email") + LEAD + NEW_LEAD,
        f'identity[1].create_missing: is "Lead", but Email is not unique: two records could be '
        f"created for one value. {UNIQUE_CURE}",
    ),
    (
        TOP + BY_ID.replace("SalesforceId", "Phone") + "create_missing = true\n" + LAST_NAME + "required = true\n",
        f"identity.create_missing: is true, but Phone is not unique: two records could be "
        f"created for one value. {UNIQUE_CURE}",
    ),
    (
        BOTH + RULES + LEAD + NEW_LEAD.replace('"Company"\n', '"Company"\nobjects = ["Contact"]\n'),
        'identity[1].create_missing: is "Lead", but Company, which Salesforce requires for a new Lead, may stay empty. '
        "Map Company with a default or required = true.",
    ),
    (
        "most_created_percent = 5\n" + TOP + BY_ID,
        "most_created_percent: has no effect without create_missing. Remove it.",
    ),
    (
        'assignment_rules = "created"\n' + CREATING,
        'assignment_rules: is "created", but no lead or case is created. Remove it.',
    ),
    (
        'assignment_rules = "created"\n' + LEADS + BY_KEY,
        'assignment_rules: is "created", but no lead or case is created. Remove it.',
    ),
    (
        TOP + BY_KEY + GENDER + 'write = "create"\n',
        'mappings[0].write: is "create", but no such record is created. Write "if_empty", or set create_missing.',
    ),
    (
        BOTH + RULES + LEAD + NEW_LEAD + to('"X__c"', 'write = "create"\nobjects = ["Contact"]\n'),
        'mappings[2].write: is "create", but no such record is created. Write "if_empty", or set create_missing.',
    ),
    (
        TOP + BY_ID + GENDER + 'write = "if_empty"\nwhen_absent = "clear"\n',
        'mappings[0].when_absent: is "clear", but write = "if_empty" changes no value. Remove one of the two.',
    ),
    (
        TOP + BY_ID + to('"AccountId"') + to('"Account.Customer__c"'),
        "mappings[1].target: writes Account.Customer__c (AccountId), which mapping 1, 'AccountId', line 6 writes "
        "already. Use another field.",
    ),
    (
        TOP + BY_ID + to('"Parent__r.Key__c"') + to('"parent__c"'),
        "mappings[1].target: writes parent__c, which mapping 1, 'Parent__r.Key__c', line 6 writes already. "
        "Use another field.",
    ),
    (
        TOP + BY_ID + to('"Owner:User.FederationIdentifier"') + to('"Owner:Group.Key__c"'),
        "mappings[1].target: writes Owner:Group.Key__c (OwnerId), which mapping 1, 'Owner:User.FederationIdentifier', "
        "line 6 writes already. Use another field.",
    ),
    (
        TOP + BY_ID + to('"RecordType.Name"'),
        'mappings[0].target: is "RecordType.Name", which may name several record types. '
        'Write "RecordType.DeveloperName".',
    ),
    (
        TOP + BY_ID + to('"Account.Id"'),
        'mappings[0].target: is "Account.Id", but an Id goes into a field. Write "AccountId".',
    ),
    (
        TOP + BY_ID + to('"Parent__c.Key__c"'),
        'mappings[0].target: is "Parent__c.Key__c", but a relationship ends in __r. Write "Parent__r.Key__c".',
    ),
    (
        TOP + BY_ID + to('"AccountId.Key__c"'),
        'mappings[0].target: is "AccountId.Key__c", but AccountId is a field, not a relationship. '
        'Write "Account.Key__c".',
    ),
    (
        'converted_leads = "contact"\n' + BOTH.replace("Lead", "Account") + BY_ID,
        'converted_leads: is only for leads, but salesforce_object is "Contact" and "Account". Remove it.',
    ),
    (
        'api_version = "60.0"\n' + TOP + RULES.replace("A__c", "SalesforceId"),
        'api_version: is "60.0", which cannot update by B__c without creating records. '
        'Write a higher one: "61.0" or later.',
    ),
    (
        TOP + BY_ID + 'create_missing = "false"\n',
        "identity.create_missing: must be true or false. Write it without quotes.",
    ),
    (
        TOP + BY_ID + GENDER + 'other = "leave"\n',
        "mappings[0].other: has no effect without values. Add values, or remove it.",
    ),
    (
        TOP + BY_ID + GENDER.replace("source", "constant") + MR,
        "mappings[0].values: cannot be combined with a constant. Remove one of the two.",
    ),
    (
        TOP + BY_ID + GENDER + '[mappings.values]\nmale = "Mr."\nother = "leave"\n',
        'mappings[0].values.other: is "leave". Write other = "leave" beside values.',
    ),
    (
        TOP + BY_ID + GENDER + 'values = { male = "Mr.", "" = "Mx." }\n',
        'mappings[0].values: has "" for a value. Remove it: an empty attribute clears the field.',
    ),
    (
        TOP + BY_ID + GENDER + 'values = { male = "Mr.", MALE = "Mx." }\n',
        'mappings[0].values: has "male" and "MALE", but case is ignored. Keep one.',
    ),
    (
        TOP + BY_ID + GENDER + 'values = { "male\u200b" = "Mr." }\n',
        'mappings[0].values: has "male<U+200B>", which contains U+200B (zero width space). Write "male".',
    ),
    (
        TOP + BY_ID + GENDER + 'values = { male = "Mr. " }\n',
        'mappings[0].values: has "Mr. ", which contains U+0020 (space). Write "Mr.".',
    ),
    (
        TOP + BY_ID + GENDER.replace("Salutation", "FirstName") + f'values = {{ male = "{"x" * 41}" }}\n',
        "mappings[0].values.male: has 41 characters, but FirstName holds 40. Shorten it.",
    ),
    (
        TOP + BY_KEY + "create_missing = true\n" + LAST_NAME + 'required = true\nvalues = { a = "" }\n',
        "identity.create_missing: is true, but LastName, which Salesforce requires for a new Contact, may stay empty. "
        "Map LastName with a default or required = true.",
    ),
    (
        TOP + BY_ID + LOYAL + 'value = "timestamp"\nvalues = { exited = "left" }\n',
        'audiences[0].values: does not work with value = "timestamp". Remove one of the two.',
    ),
    (
        TOP + BY_ID + LOYAL + 'value = "boolean"\nvalues = { exited = "left" }\n',
        'audiences[0].values: does not work with value = "boolean". Remove one of the two.',
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP") + 'values = { exited = "left" }\n',
        'audiences[0].values: does not work with value = "names". Remove one of the two.',
    ),
    (
        TOP + BY_ID + LOYAL + 'existing_as = "realized"\nvalues = { exited = "left" }\n',
        "audiences[0].existing_as: cannot be combined with values. Name existing in values.",
    ),
    (
        TOP + BY_ID + LOYAL + 'values = { realized = "yes", exited = "Yes" }\n',
        'audiences[0].values: writes realized as "yes", like exited. Write another text for one of the two.',
    ),
    (
        TOP + BY_ID + LOYAL + 'values = { exited = "existing" }\n',
        'audiences[0].values: writes existing as "existing", like exited. Write another text for one of the two.',
    ),
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
        TOP + BY_KEY + LAST_NAME.replace("LastName", "Id"),
        "mappings[0].target: is the record's own Id. Set it under [identity].",
    ),
    (
        'converted_leads = "contact"\n' + TOP + BY_ID,
        'converted_leads: is only for leads, but salesforce_object is "Contact". Remove it.',
    ),
    (
        'api_version = "60.0"\n' + TOP + BY_KEY,
        'api_version: is "60.0", which cannot update by Key__c without creating records. '
        'Write a higher one: "61.0" or later.',
    ),
    (
        'api_version = "60.0"\n'
        + TOP
        + BY_KEY
        + "create_missing = true\n"
        + LAST_NAME
        + 'required = true\n[profiles]\nonly_if = "consent"\n',
        'api_version: is "60.0", which cannot update by Key__c without creating records. '
        'Write a higher one: "61.0" or later.',
    ),
    (
        TOP + BY_ID + "create_missing = true\n" + LAST_NAME + "required = true\n",
        f"identity.create_missing: is true, but Salesforce cannot create a record with a given Id. {UNIQUE_CURE}",
    ),
    (
        TOP + BY_ID.replace("SalesforceId", "Email") + "create_missing = true\n" + LAST_NAME + "required = true\n",
        "identity.create_missing: is true, but Email is not unique: two records could be created for one value. "
        + UNIQUE_CURE,
    ),
    (
        TOP + BY_KEY + "create_missing = true\n",
        "identity.create_missing: is true, but LastName, which Salesforce requires for a new Contact, may stay empty. "
        "Map LastName with a default or required = true.",
    ),
    (
        LEADS + BY_KEY + "create_missing = true\n" + LAST_NAME + "required = true\n",
        "identity.create_missing: is true, but Company, which Salesforce requires for a new Lead, may stay empty. "
        "Map Company with a default or required = true.",
    ),
    (
        TOP + BY_ID + LAST_NAME + LAST_NAME.replace("LastName", "lastname"),
        "mappings[1].target: writes lastname, which mapping 1, 'LastName', line 6 writes already. Use another field.",
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
        "audiences[1].mapping_id: writes Loyal__c, which audience 1, 'loyal', line 6 writes already. "
        "Use another field.",
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Loyal__c", "VIP") + LOYAL,
        "audiences[1].mapping_id: writes Loyal__c, which audience 1, 'VIP', line 8 writes already. Use another field.",
    ),
    (
        TOP + BY_ID + named("vip", "Audiences__c", "VIP"),
        'audiences[0].value: is "names", but a message may leave memberships out: who adds a name to a list loses '
        'others. Set memberships = "all" under [profiles] if every message holds them all, or name a field for each.',
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c"),
        'audiences[0].name: is missing, but value = "names" needs it. Add it.',
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP; very"),
        "audiences[0].name: contains a semicolon, which separates names in Salesforce. Remove it.",
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP") + 'since_field = "Since__c"\n',
        'audiences[0].since_field: does not work with value = "names". Remove it.',
    ),
    (
        TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP") + named("vip2", "Audiences__c", "Vip"),
        "audiences[1].name: is \"Vip\", like audience 1, 'VIP', line 8. Give each its own name.",
    ),
    (
        TOP + "[profiles]\nonly_if = 'consents.val == \"y\"'\n" + BY_ID,
        'profiles.only_if: compares with "y", which JMESPath reads as a key of the profile. '
        "Write text in single quotes: 'y'.",
    ),
    (
        TOP + BY_ID + LOYAL.replace("loyal", "loyal\u200b"),
        'audiences[0].id: is "loyal<U+200B>", which ends with U+200B (zero width space). Write "loyal".',
    ),
    (
        TOP + BY_ID + LOYAL.replace("loyal", "26\u00a0to 35"),
        'audiences[0].id: is "26<U+00A0>to 35", which contains U+00A0 (no-break space). Write "26 to 35".',
    ),
    (
        TOP + BY_ID + LOYAL.replace("loyal", "b1–c2"),
        'audiences[0].id: is "b1–c2", which contains – U+2013 (en dash). Write "b1-c2".',
    ),
    (
        TOP + BY_ID + LOYAL + 'namespace = "\u2067ups"\n',
        'audiences[0].namespace: is "<U+2067>ups", which begins with U+2067 (right-to-left isolate). Write "ups".',
    ),
    (
        TOP + BY_ID + LOYAL + 'name = "Loyal "\n',
        'audiences[0].name: is "Loyal ", which ends with U+0020 (space). Write "Loyal".',
    ),
    (
        TOP + BY_ID + LOYAL + 'name = "\u3164"\n',
        'audiences[0].name: is "<U+3164>", which begins with U+3164 (hangul filler). Write what can be seen.',
    ),
    (
        TOP.replace("Contacts", "Con\u00adtacts") + BY_ID,
        'name: is "Con<U+00AD>tacts", which contains U+00AD (soft hyphen). Write "Contacts".',
    ),
    (
        TOP + BY_ID + LOYAL.replace("Loyal__c", "\u202aLoyal__c"),
        'audiences[0].mapping_id: is "<U+202A>Loyal__c", which contains U+202A (left-to-right embedding). '
        'Write "Loyal__c".',
    ),
    (
        TOP + BY_ID + LAST_NAME.replace("LastName", "L\u0430stName"),
        'mappings[0].target: is "L\u0430stName", which contains \u0430 U+0430 (cyrillic small letter a). '
        "Type the name anew.",
    ),
    (
        TOP + BY_ID.replace("SalesforceId", "“SalesforceId”"),
        'identity.target: is "“SalesforceId”", which contains “ U+201C (left double quotation mark). '
        'Write "SalesforceId".',
    ),
    (
        TOP + BY_ID + LAST_NAME.replace("surname", "sur\u200bname"),
        'mappings[0].source: is "sur<U+200B>name", which contains U+200B (zero width space). Type it anew.',
    ),
    (
        TOP + BY_ID + LOYAL.replace("loyal", "Replace me"),
        'audiences[0].id: is "Replace me", a placeholder. Write what belongs there.',
    ),
    (
        TOP + BY_ID + LOYAL.replace("Loyal__c", "YOUR_FIELD_NAME"),
        'audiences[0].mapping_id: is "YOUR_FIELD_NAME", a placeholder. Write what belongs there.',
    ),
    (
        TOP + BY_ID + LOYAL.replace("Loyal__c", "Loyal_c"),
        'audiences[0].mapping_id: is "Loyal_c", but custom names end in two underscores and c. Write "Loyal__c".',
    ),
    (
        TOP + BY_ID + LOYAL + 'since_field = "Since_PC"\n',
        'audiences[0].since_field: is "Since_PC", but custom names end in two underscores and c. Write "Since__PC".',
    ),
    (TOP.replace('"Contact"', '"leads"') + BY_ID, 'salesforce_object: is "leads". Write "Lead".'),
    (TOP.replace('"Contact"', '"PersonAccount"') + BY_ID, 'salesforce_object: is "PersonAccount". Write "Account".'),
    (
        'api_version = "30.0"\n' + TOP + BY_ID,
        'api_version: is "30.0", which Salesforce has retired. Write a higher one: "43.0" or later.',
    ),
    (
        'api_version = "42.0"\n' + TOP + BY_ID,
        'api_version: is "42.0", which cannot write many records in one request. Write a higher one: "43.0" or later.',
    ),
    (
        'api_version = "45.0"\n' + TOP + BY_KEY + "create_missing = true\n" + LAST_NAME + "required = true\n",
        'api_version: is "45.0", which cannot update by Key__c without creating records. '
        'Write a higher one: "61.0" or later.',
    ),
    (
        TOP + BY_ID.replace('"crm"', '"identityMap.Email[0].id"'),
        'identity.source: gives e-mail addresses, but target is "SalesforceId". '
        'Set target to "Email", or the source to a Salesforce Id.',
    ),
]

A_TABLE = 'Write: values = { a = "b", "c d" = "e" }'
NOT_TOML: list[tuple[str, str]] = [
    ("values = {\n  male = 'Mr.'\n}", "has no } in this line. Write the whole table in one line."),
    ("values = { male = 'Mr.',\n", "has no } in this line. Write the whole table in one line."),
    ("values = { male = 'Mr.'", "has no } in this line. Write the whole table in one line."),
    ('values = { male = "Mr.", }', 'has a comma before }. Write: values = { male = "Mr." }'),
    ('values = { "male": "Mr." }', 'has a colon after a key. Write: values = { a = "b", c = "d" }'),
    ('values = { male = "Mr." female = "Ms." }', f"lacks a comma, or quotes, between {{ and }}. {A_TABLE}"),
    ("values = { male = Mr. }", f"lacks a comma, or quotes, between {{ and }}. {A_TABLE}"),
    ('values = { new customer = "x" }', f"lacks a comma, or quotes, between {{ and }}. {A_TABLE}"),
    ("values = { male = “Mr.” }", f"contains “ U+201C (left double quotation mark). {A_TABLE}"),
    ('values = { male = "Mr.", male = "Ms." }', 'has "male" for the second time. Keep one.'),
    ("target = “Email”", 'contains “ U+201C (left double quotation mark). Write: target = "Email"'),
    ("target = Email”", 'contains ” U+201D (right double quotation mark). Write: target = "Email"'),
    ("source = ‘mail’;  # it", "contains ‘ U+2018 (left single quotation mark). Write: source = 'mail'"),
    ('\u2003target = "Email"', "contains U+2003 (em space). Remove it, or type a blank in its place."),
    ('target = \ufeff"Email"', "contains U+FEFF (zero width no-break space). Remove it, or type a blank in its place."),
    ('tärget = "Email"', "contains ä U+00E4 (latin small letter a with diaeresis). Letters of a key go from a to z."),
    ("target = Email", 'has a text without quotes. Write: target = "Email"'),
    ("target = First Name;", 'has a text without quotes. Write: target = "First Name"'),
    ("target = 59bd2fkd-3c48", 'has a text without quotes. Write: target = "59bd2fkd-3c48"'),
    ('target = Email"', 'lacks the quote before the text. Write: target = "Email"'),
    ('target = "Email', 'lacks the quote after the text. Write: target = "Email"'),
    ("required = FALSE", "has FALSE, but TOML knows only true and false. Write: required = false"),
    ("required = Yes", "has Yes, but TOML knows only true and false. Write: required = true"),
    ("default = None", "has None, which TOML does not know. Remove the line: then the key has no value."),
    ("max_length = 1,000", "has a number that TOML cannot read. Write digits alone, such as 80."),
    ("max_length = " + "9" * 5000, "has a number that TOML cannot read. Write digits alone, such as 80."),
    ("target: 'Email'", "has a colon after the key. Write: target = 'Email'"),
    ("target == 'Email'", "has two signs in place of one =. Write: target = 'Email'"),
    ('target "Email"', 'has no = after the key. Write: target = "Email"'),
    ("target", "has no = and no value. Write: key = value. A comment begins with #."),
    ("target = # soon", "has no value after =. Write one, or remove the line."),
    ('= "Email"', "has no key before =. Write one."),
    ('"target = "Email"', 'has a quote before the key. Write: target = "Email"'),
    ('when refused = "omit"', "has a blank in the key. Write _ in its place, as in mapping_id."),
    ("required = true;", "has ; at its end. Write: required = true"),
    ('target = "Email",', 'has , at its end. Write: target = "Email"'),
    ('target = "Email" required = true', "has two keys. Give each a line of its own."),
    (r'source = "\d"', r"has a backslash between double quotes. Write: source = '\d'"),
    ('source = "a."b-c".d"', "has double quotes between double quotes. Write: source = 'a.\"b-c\".d'"),
    ("constant = 'it's'", 'has single quotes between single quotes. Write: constant = "it\'s"'),
    ('source = "a."b".c == \'d\'"', "has quotes between quotes. Write: source = '''a.\"b\".c == 'd''''"),
    ("/* note */", "begins with /*. Begin a comment with #."),
    ("<<<<<<< HEAD", "is a mark of git: two versions were not merged. Keep one, and remove the marks."),
    ('{"target": "Email"}', "has a curly bracket, as JSON has. Write TOML: docs/destination-file.md has examples."),
    ("- target", "begins with a dash, as in YAML. Begin each entry with [[mappings]] or [[audiences]]."),
    ("[[audiences]", "has brackets that do not match. Write: [[audiences]]"),
    ("[ordering", "has brackets that do not match. Write: [ordering]"),
    ("[identity]", "has [identity] for the second time, first in line 3. Keep one."),
    (
        "[mappings]",
        "has [mappings] for the second time, first in line 6. Write [[mappings]], in double brackets, each time.",
    ),
    ("constant = [1", "comes before the end of a list, which has no ] yet. Add it."),
    (
        "constant = " + "[" * 9000,
        "has too many brackets within brackets. Write fewer.",
    ),
    ("* target", "is not valid TOML: Invalid statement. Compare it with docs/destination-file.md."),
]
"""The last line of a file, and what is said of it."""


def mistakes(text: str) -> list[str]:
    with pytest.raises(DestinationFileError) as error:
        read_destination(text)
    return [f"{each.key}: {each.problem} {each.cure}".strip() for each in error.value.mistakes]


NEVER_ONE = [
    "`[1]`",
    "&a",
    "tags[*]",
    "tags[0:3]",
    "mails[?home].address",
    "a.*",
    "[a, b]",
    "{a: b}",
    "keys(a)",
    "a[] || b[]",
    "a | [*]",
]
SOMETIMES_ONE = [
    "tags[*] | [0]",
    "tags[0]",
    "join(',', tags[0:3])",
    "a[] || b",
    "{value: a}",
    "not_null(a, b)",
    "length(a[*])",
]


@pytest.mark.parametrize(("text", "expected"), [*ONE_KEY, *SEVERAL_KEYS])
def test_a_mistake_is_told_by_its_key_with_what_would_be_right(text: str, expected: str) -> None:
    assert mistakes(text) == [expected]


def test_an_audience_that_is_mapped_twice_is_told_at_both_places() -> None:
    text = TOP + BY_ID + LOYAL + 'namespace = "ups"\n' + TRIAL.replace("trial", "loyal") + 'namespace = "UPS"\n'

    assert mistakes(text) == [
        'audiences[0].id: is "loyal", which is mapped 2 times. Map it once.',
        'audiences[1].id: is "loyal", which is mapped 2 times. Map it once.',
    ]


def test_statuses_that_are_no_texts_are_told_once_each() -> None:
    wrong = 'audiences[0].values.{}: must be text. Write it in quotes: "...".'

    assert mistakes(TOP + BY_ID + LOYAL + "values = { realized = 1, exited = 0 }\n") == [
        wrong.format("realized"),
        wrong.format("exited"),
    ]


def test_a_key_below_the_wrong_table_is_told_once() -> None:
    assert mistakes(f"{BY_ID}{TOP}") == [
        "identity.name: does not belong here. Move it to the top of the file, before every [table].",
        "identity.salesforce_object: does not belong here. Move it to the top of the file, before every [table].",
    ]


def test_an_empty_file_is_told_what_it_needs() -> None:
    assert mistakes("") == [
        "name: is missing. Add it to the top of the file, before every [table].",
        "salesforce_object: is missing. Add it to the top of the file, before every [table].",
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
        "name: is missing. Add it to the top of the file, before every [table].",
        'api_version: is "66". Write a version such as "66.0".',
        "merged_record: is not a known key. Did you mean merged_records?",
        "profiles.only_if: is not valid JMESPath: \"consents.marketing.email.val = 'y'\" cannot be read at '=', "
        "character 30.",
        'identity.target: is "Customer Number__c", which contains U+0020 (space). Write "Customer_Number__c".',
        "identity.create_missing: is true, but LastName, which Salesforce requires for a new Lead, may stay empty. "
        "Map LastName with a default or required = true.",
        "identity.create_missing: is true, but Company, which Salesforce requires for a new Lead, may stay empty. "
        "Map Company with a default or required = true.",
        "mappings[0].required: must be true or false. Write it without quotes.",
        "mappings[1].max_length: is 200. LastName holds 80 characters: write 80 or less.",
        "mappings[1].target: writes LastName, which mapping 1, 'LastName', line 14 writes already. Use another field.",
        'audiences[0].value: is "names", but a message may leave memberships out: who adds a name to a list loses '
        'others. Set memberships = "all" under [profiles] if every message holds them all, or name a field for each.',
        'audiences[0].name: is missing, but value = "names" needs it. Add it.',
        'audiences[1].mapping_id: is "CDP Trial__c", which contains U+0020 (space). Write "CDP_Trial__c".',
    ]


ALLOWED = [
    TOP + BY_ID + MEMBER,
    BOTH + BY_ID + MEMBER + 'objects = ["lead"]\n' + MEMBER.replace("vip", "new") + 'objects = ["Contact"]\n',
    TOP
    + BY_ID
    + MEMBER.replace(f'"{CAMPAIGN}"', '{ name = "Summer" }').replace("Left", "delete")
    + 'mapping_id = "Vip__c"\nsince_field = "Since__c"\n',
    BOTH + BY_ID + ONLY_ROWS + ROWS.replace('"Person__c"', '{ contact = "Person__c", LEAD = "Lead__c" }'),
    TOP + BY_ID + ROWS + 'audience_name = "Name__c"\naudiences = "all"\nat_most = 50\nexcept = ["health"]\n',
    TOP.replace('"Contact"', '["contact"]')
    + RULES.replace("A__c", "SalesforceId")
    + "create_missing = true\n"
    + NEW_LEAD,
    'most_created_percent = 100\nassignment_rules = "created"\nunchanged = "skip"\n'
    + BOTH
    + RULES.replace('"A__c"', '{ Contact = "A__c" }').replace("B__c", "Key__c")
    + 'create_missing = "lead"\n'
    + NEW_LEAD.replace('"Company"\n', '"Company"\nobjects = ["LEAD"]\n')
    + to('{ contact = "MailingCity", lead = "City" }', 'write = "create"\n')
    + LOYAL
    + 'objects = ["Contact"]\n'
    + LOYAL.replace("Loyal__c", "Other__c")
    + 'objects = ["Lead"]\n',
    'converted_leads = "reject"\n' + BOTH + BY_ID,
    TOP + RULES.replace("B__c", "Email") + to('"Email"') + to('"A__c"', 'write = "if_empty"\n'),
    TOP + BY_ID + GENDER.replace("source", "constant") + 'write = "if_empty"\nrequired = true\n',
    TOP + BY_ID + to('"RecordType.DeveloperName"') + to('"Owner:User.FederationIdentifier"', 'default = "x"\n'),
    TOP + BY_ID + GENDER + 'values = { male = "", "1.5" = 2, true = false }\nother = "clear"\n',
    TOP + BY_ID + GENDER + 'other = "leave"\n[mappings.values]\nmale = "Mr."\nother = "Mx."\n',
    TOP + BY_ID + LOYAL + 'value = "status"\nvalues = { realized = "Ja", existing = "Ja", exited = "Nein" }\n',
    TOP + BY_KEY + "create_missing = true\n" + LAST_NAME + 'required = true\nvalues = { a = "b" }\n',
    TOP + BY_ID + WHOLE + named("vip", "Audiences__c", "VIP") + named("new", "Audiences__c", "New"),
    TOP + BY_KEY + "create_missing = true\n" + LAST_NAME + 'default = "Unknown"\n',
    TOP + BY_ID + LAST_NAME + "max_length = 80\n" + 'when_too_long = "truncate"\n',
    TOP + BY_ID + LOYAL + 'namespace = "ups"\n' + TRIAL.replace("trial", "loyal") + 'namespace = "AAM"\n',
    'api_version = "60.0"\n' + TOP + BY_ID,
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
        "dict_type",
        "too_short",
        "string_too_long",
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


@pytest.mark.parametrize("check", [*CHECKS, *OBJECT_CHECKS], ids=lambda check: check.__name__.strip("_"))
def test_every_check_is_tried_here(check: object) -> None:
    twice = TOP + BY_ID + LOYAL + LOYAL.replace("Loyal__c", "Other__c")
    many = TOP + BY_ID + LAST_NAME.replace("surname", NEVER_ONE[0])
    texts = [twice, many, *(text for text, _ in SEVERAL_KEYS)]

    assert callable(check)
    assert any(list(check(one)) for text in texts for one in of_checks(check, tomllib.loads(text)))


def of_checks(check: object, table: dict[str, object]) -> Sequence[Mapping[str, object]]:
    return for_each_object(table) if check in OBJECT_CHECKS else [table]


@pytest.mark.parametrize("source", NEVER_ONE)
@pytest.mark.parametrize("table", ["[identity]", "[[mappings]]", "[ordering]", "[profiles]"])
def test_what_gives_many_values_is_no_source(source: str, table: str) -> None:
    key = "only_if" if table == "[profiles]" else "source"
    text = f'{TOP}{BY_KEY}{LAST_NAME}[ordering]\nfield = "Time__c"\nsource = "time"\n[profiles]\nonly_if = "consent"\n'
    head, _, rest = text.partition(f"{table}\n")
    text = head + f"{table}\n" + re.sub(rf"(?m)^{key} = .*", f'{key} = "{source}"', rest, count=1)

    (mistake,) = mistakes(text)

    assert f"gives a list or an object, never one value: {source}." in mistake


@pytest.mark.parametrize("source", SOMETIMES_ONE)
def test_what_may_give_one_value_is_a_source(source: str) -> None:
    assert read_destination(TOP + BY_ID + LAST_NAME.replace("surname", source)).mappings[0].source == source


@pytest.mark.parametrize(("line", "words"), NOT_TOML)
def test_what_is_no_toml_is_told_with_its_line_a_caret_and_what_would_be_right(line: str, words: str) -> None:
    with pytest.raises(DestinationFileError) as error:
        read_destination(f"{TOP}{BY_ID}[[mappings]]\n{line}\n")
    (mistake,) = error.value.mistakes

    assert f"{mistake.problem} {mistake.cure}" == words
    assert mistake.place == "line 7"
    shown, caret = mistake.excerpt.split("\n")
    assert len(shown) <= 80
    assert caret.strip() == "^"
    assert len(caret) <= len(shown) + 1
    if (
        words.startswith(("contains", "lacks", "has"))
        and "Write: " in mistake.cure
        and "key = value" not in mistake.cure
    ):
        tomllib.loads(mistake.cure.removeprefix("Write: "))


def test_a_key_that_stands_twice_is_told_with_both_lines() -> None:
    expected = "line 8: has target for the second time, first in line 7. Keep one, or begin another entry above it."

    assert mistakes(f'{TOP}{BY_ID}[[mappings]]\ntarget = "Fax"\ntarget = "Phone"\n') == [expected]


def test_every_pattern_of_a_line_is_tried_here() -> None:
    told = " ".join(words for _, words in NOT_TOML)

    assert len(NOT_TOML) > len([*_VALUES, *_LINES])
    assert [problem for _, problem, _ in [*_VALUES, *_LINES] if re.split(r"\\\d", problem)[-1] not in told] == []


PLACES = [
    (GENDER + "values = { male = ['x'] }\n", "mapping 2, 'Salutation', line 14: values.male"),
    (TRIAL + "values = { 'a\u200bb' = 'x' }\n", "audience 2, 'trial', line 14: values.a<U+200B>b"),
    (TRIAL.replace("Trial__c", "Trial_c"), "audience 2, 'trial', line 14: mapping_id"),
    (TRIAL + 'name = "Trial users"\nvalue = "flag"\n', "audience 2, 'Trial users', line 14: value"),
    ("[[audiences]]\n", "audience 2, line 14: id"),
    ('[[mappings]]\nsource = "x"\ntarget = "X_c"\n', "mapping 2, 'X_c', line 14: target"),
    (to('{ Contact = "X_c" }'), "mapping 2, 'X_c', line 14: target.Contact"),
    ("  [ ordering ]\nsource = 'x'\n", "line 14: ordering.field"),
    ('[profiles]\n# select\nselect = "a["\n', "line 16: profiles.select"),
]


def test_a_rule_is_named_by_its_number_and_line() -> None:
    with pytest.raises(DestinationFileError) as error:
        read_destination(TOP + RULES + "create_missing = 1\nx = 2\n")

    assert [mistake.place for mistake in error.value.mistakes] == [
        "identity 2, 'B__c', line 6: x",
        "identity 2, 'B__c', line 6: create_missing",
    ]


@pytest.mark.parametrize(("part", "place"), PLACES)
def test_a_place_is_named_as_people_count(part: str, place: str) -> None:
    text = f'{TOP}description = """\nwith\nlines"""\n{BY_ID}{LAST_NAME}{LOYAL}'.replace('"""\nwith\nlines"""', '"x"')
    assert text.count("\n") == 12

    with pytest.raises(DestinationFileError) as error:
        read_destination(f"{text}\n{part}")

    assert error.value.mistakes[0].place == place
    assert str(error.value).startswith(f"{place} ")


def test_a_text_that_looks_like_a_header_makes_no_line_wrong() -> None:
    text = f'{TOP}description = """\n[[audiences]]\n"""\n{BY_ID}{LOYAL}value = "flag"\n'

    with pytest.raises(DestinationFileError) as error:
        read_destination(text)

    assert [mistake.place for mistake in error.value.mistakes] == ["audience 1, 'loyal': value"]


def test_mistakes_come_in_the_order_of_the_file() -> None:
    text = f'{TOP}api_version = "20.0"\n{BY_ID}{LAST_NAME}max_length = 99\n{LOYAL}value = "flag"\n{LAST_NAME}x = 1\n'

    assert [each.partition(":")[0] for each in mistakes(text)] == [
        "api_version",
        "mappings[0].max_length",
        "audiences[0].value",
        "mappings[1].x",
        "mappings[1].target",
    ]


DOUBTFUL = [
    (
        "".join(LOYAL.replace("loyal", f"a{n}").replace("Loyal", f"A{n}") for n in range(26)),
        "audiences: use 26 fields, more than 25, the most of Adobe's guide. "
        "Remove some, or set max_audience_fields = 26 if the org has room for them.",
    ),
    (
        LOYAL + ROWS.replace('"Status__c"', '"CDP_Status"'),
        'memberships.status: is "CDP_Status", but custom fields end in __c. Look it up in Salesforce.',
    ),
    (LAST_NAME, "audiences: are not there, so no status is written. Add [[audiences]] for each audience."),
    (
        LOYAL.replace('"loyal"', '"https://cdp.example/segments/7841ba61?tab=a"'),
        'audiences[0].id: is the address "https://cdp.example/segments/7841ba61?tab=a". '
        'Write the id of the audience, perhaps "a".',
    ),
    (
        LOYAL.replace('"loyal"', '"amara@example.com"'),
        'audiences[0].id: is the address "amara@example.com". Write the id of the audience.',
    ),
    (
        LOYAL + 'name = "Clients de l’été"\n',
        "audiences[0].name: contains ’ U+2019 (right single quotation mark). "
        "Make sure that Salesforce has the same character.",
    ),
    (
        LOYAL.replace("Loyal__c", "CDP_Loyal"),
        'audiences[0].mapping_id: is "CDP_Loyal", but custom fields end in __c. Look it up in Salesforce.',
    ),
    (
        LOYAL + 'since_field = "Since___c"\n',
        'audiences[0].since_field: is "Since___c", but custom fields end in __c. Look it up in Salesforce.',
    ),
]


@pytest.mark.parametrize(("part", "expected"), DOUBTFUL)
def test_what_is_hardly_meant_is_a_doubt_and_no_mistake(part: str, expected: str) -> None:
    assert list(map(str, doubts_of(TOP + BY_ID + part))) == [expected]


def doubts_of(text: str) -> list[Mistake]:
    """The doubts about a file, which are the same about what was read of it."""
    found = list(doubts(tomllib.loads(text)))
    assert list(doubts(read_destination(text).model_dump(exclude_none=True, by_alias=True))) == found
    return found


def test_records_that_are_never_the_same_are_a_doubt() -> None:
    text = f'unchanged = "skip"\n{TOP}{BY_ID}{LOYAL}[ordering]\nfield = "Time__c"\n'

    assert [doubt.key for doubt in doubts_of(text)] == ["unchanged"]
    assert doubts_of(text + 'source = "time"\n') == []


def test_a_parent_by_a_standard_field_is_no_doubt() -> None:
    assert doubts_of(TOP + BY_ID + LOYAL + to('"Parent__r.Email"')) == []


def test_an_address_that_stands_in_for_an_id_is_a_doubt() -> None:
    text = TOP + BY_ID.replace('"crm"', '"crm || personalEmail.address"') + LOYAL
    several = BOTH + RULES.replace('"a"', '"crm || email"').replace("A__c", "SalesforceId") + LOYAL

    assert [doubt.key for doubt in doubts_of(text)] == ["identity.source"]
    assert [doubt.key for doubt in doubts_of(several)] == ["identity[0].source"]


@pytest.mark.parametrize("source", ["crmId", "identityMap.crmID[0].id", "emailProvider.crm.contact.id || ids.crm"])
def test_an_id_is_not_taken_for_an_address(source: str) -> None:
    assert doubts_of(TOP + BY_ID.replace('"crm"', f'"{source}"') + LOYAL) == []


NAMES = """
name = "Lower"
salesforce_object = "lead"
converted_leads = "contact"
[profiles]
memberships = "all"
[identity]
source = "crm"
target = "salesforceid"
[[mappings]]
source = "surname"
target = "LASTNAME"
max_length = 80
[[mappings]]
source = "x"
target = "my_Field__C"
[[audiences]]
id = "a"
name = "A"
value = "names"
mapping_id = "CDP_All__c"
[[audiences]]
id = "b"
name = "B"
value = "names"
mapping_id = "cdp_all__c"
"""


def test_names_are_the_same_in_any_case_of_letters() -> None:
    destination = read_destination(NAMES)

    assert (destination.salesforce_object, destination.updates_by_id) == ("Lead", True)
    assert [mapping.target for mapping in destination.mappings] == ["LastName", "my_Field__C"]
    assert {audience.mapping_id for audience in destination.audiences} == {"CDP_All__c"}


def test_names_are_spelled_as_the_org_does() -> None:
    spelled = spelled_as(read_destination(NAMES), ["Lead", "My_Field__c", "Cdp_All__c"])

    assert [mapping.target for mapping in spelled.mappings] == ["LastName", "My_Field__c"]
    assert {audience.mapping_id for audience in spelled.audiences} == {"Cdp_All__c"}


PEOPLE = """
name = "People"
salesforce_object = ["Contact", "Lead"]
unchanged = "skip"
most_created_percent = 5
[[identity]]
source = "crm"
target = "SalesforceId"
[[identity]]
source = "email"
target = { Contact = "Key__c", Lead = "LeadKey__c" }
create_missing = "Lead"
[[mappings]]
source = "surname"
target = "LastName"
required = true
[[mappings]]
source = "company"
target = "Company"
required = true
objects = ["Lead"]
[[mappings]]
source = "account"
target = "Account.Key__c"
write = "if_empty"
objects = ["Contact"]
[[mappings]]
source = "city"
target = { Contact = "MailingCity", Lead = "City" }
write = "create"
[[audiences]]
id = "a"
mapping_id = "A__c"
objects = ["Contact"]
"""


def test_a_file_of_two_objects_is_one_for_each() -> None:
    contacts, leads = read_destination(PEOPLE).by_object

    assert [rule.target for rule in contacts.rules] == ["SalesforceId", "Key__c"]
    assert [mapping.target for mapping in contacts.mappings] == ["LastName", "Account.Key__c", "MailingCity"]
    assert [rule.target for rule in leads.rules] == ["SalesforceId", "LeadKey__c"]
    assert [mapping.target for mapping in leads.mappings] == ["LastName", "Company", "City"]
    assert (len(contacts.audiences), len(leads.audiences)) == (1, 0)
    assert (contacts.creates, leads.creates) == ("", "Lead")


FOLLOWED = """
name = "Members and rows"
salesforce_object = ["contact", "Lead"]
[identity]
source = "email"
target = "Email"
[[audiences]]
id = "a"
mapping_id = "A__c"
since_field = "A_Since__c"
campaign = "701Ab0000000001IAA"
member_status = { realized = "Sent", existing = "Sent", exited = "delete" }
[[audiences]]
id = "b"
campaign = { name = "Summer" }
member_status = { realized = "Sent", exited = "Left" }
[memberships]
object = "Membership__C"
key = "key__c"
person = { CONTACT = "Contact__c", LEAD = "Lead__c" }
audience = "audience__c"
audience_name = "name__c"
status = "status__c"
since = "since__c"
audiences = "all"
at_most = 50
except = ["health"]
when_exited = "delete"
"""


def test_the_names_of_rows_are_spelled_as_the_org_does() -> None:
    fields = ("Key__c", "Audience__c", "Name__c", "Status__c", "Since__c", "CONTACT__C")

    rows = spelled_as(read_destination(FOLLOWED), ["Membership__c", *fields]).memberships

    assert rows is not None
    assert (rows.object, rows.key, rows.audience, rows.audience_name, rows.status, rows.since) == (
        "Membership__c",
        *fields[:-1],
    )
    assert rows.persons == {"Contact": "CONTACT__C", "Lead": "Lead__c"}
    assert (rows.lookup("Contact"), rows.lookup("Case")) == ("CONTACT__C", "")


def test_what_follows_a_person_is_no_field_of_hers() -> None:
    destination = read_destination(FOLLOWED)

    assert destination.written_fields == ["A__c", "A_Since__c"]
    assert doubts_of(f"max_audience_fields = 1\n{FOLLOWED}") == []


FILES = [text.splitlines() for text in (NAMES, PEOPLE, FOLLOWED)]
LINES = [(file, place) for file, lines in enumerate(FILES) for place, line in enumerate(lines) if " = " in line]
VALUES = (
    '"x"', '""', '" x"', '"66.0"', '"20.0"', '"Id"', '"SalesforceId"', '"names"', '"reject"',
    '"x_c"', '"A.b"', '"\\u200b"',
    '"tags[*]"', '"a["', '"a == \\"b\\""', '"||"', '"mail"', "0", "-1", "1.5", "nan", "true", "2024-01-01", "12:00:00",
    '"delete"', '"701Ab0000000001"', '{ name = "x" }', '{ name = " " }',
    "[]", "[1]", '["Lead"]', '["lead", "CONTACT"]', '{ Lead = "X__c" }', '{ Contact = "Parent__r.X__c", Lead = 5 }',
    '"Lead"', '"A.Id"', '"create"', '["a"]', "[[]]", "[{}]", "[{ id = 1 }, 2]", "{}", "{ id = [1] }", '"""a\nb"""',
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(LINES), st.sampled_from(VALUES), min_size=1, max_size=4))
def test_whatever_a_key_holds_is_read_or_told(changes: dict[tuple[int, int], str]) -> None:
    files = [list(lines) for lines in FILES]
    for (file, place), value in changes.items():
        files[file][place] = f"{files[file][place].partition('=')[0]}= {value}"

    assert all(is_read_or_told("\n".join(lines)) for lines in files)


def is_read_or_told(text: str) -> bool:
    try:
        return bool(read_destination(text).by_object)
    except DestinationFileError as error:
        return bool(error.mistakes)


@pytest.mark.parametrize("source", ["(" * 4000, "a[" + "9" * 5000 + "]", "a[?" * 2000, "`{", "a[::", "&", "", " "])
def test_whatever_compiling_a_source_meets_is_a_mistake_of_its_key(source: str) -> None:
    (mistake,) = mistakes(TOP + BY_ID + LAST_NAME.replace("surname", source))

    assert mistake.startswith("mappings[0].source: ")
    assert "JMESPath" in mistake


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=60), st.integers(0, len(NAMES)))
def test_whatever_is_typed_into_a_file_is_read_or_told(typed: str, at: int) -> None:
    with contextlib.suppress(DestinationFileError):
        read_destination(NAMES[:at] + typed + NAMES[at:])
