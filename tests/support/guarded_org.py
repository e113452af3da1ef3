"""A destination file with every guard, and an org that has the fields and the validation rules for it."""

from __future__ import annotations

from pathlib import Path

from builders import LOYAL
from destination_testbench.org import Facts, OrgConfig, SimulatedOrg
from salesforce_destination.record.guards import guard_formula

NEWSLETTER = "newsletter"

GUARDED = f"""
name = "Guarded contacts"
salesforce_object = "Contact"

[identity]
source = "identityMap.crmID[0].id"
target = "SalesforceId"

[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true

[[mappings]]
source = "personalEmail.address"
target = "Email"

[[audiences]]
id = "{LOYAL}"
mapping_id = "CDP_Loyal__c"
since_field = "CDP_Loyal_Since__c"

[[audiences]]
id = "{NEWSLETTER}"
mapping_id = "CDP_Newsletter__c"
since_field = "CDP_Newsletter_Since__c"

[ordering]
field = "CDP_Event_Time__c"
"""

PEOPLE = f"""
name = "People"
salesforce_object = ["Contact", "Lead"]

[[identity]]
source = "identityMap.crmID[0].id"
target = "SalesforceId"

[[identity]]
source = "loyalty.number"
target = "CDP_Loyalty_Number__c"

[[identity]]
source = "lower(personalEmail.address)"
target = "CDP_Email_Key__c"
create_missing = "Lead"

[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true

[[mappings]]
source = "company.name"
target = "Company"
default = "unknown"
objects = ["Lead"]

[[mappings]]
source = "personalEmail.address"
target = "Email"

[[audiences]]
id = "{LOYAL}"
mapping_id = "CDP_Loyal__c"
since_field = "CDP_Loyal_Since__c"

[[audiences]]
id = "{NEWSLETTER}"
mapping_id = "CDP_Newsletter__c"
objects = ["Contact"]

[ordering]
field = "CDP_Event_Time__c"
"""
"""Customers and prospects: found by an Id or by one of two keys, else a new lead."""

GUARDS = ("CDP_Event_Time__c", "CDP_Loyal_Since__c", "CDP_Newsletter_Since__c")


def a_guarded_org(*, all_errors_at_once: bool = True) -> SimulatedOrg:
    org = SimulatedOrg(OrgConfig(facts=Facts(all_errors_at_once=all_errors_at_once)))
    for field in GUARDS:
        message = f"A newer value is there already. [CDP-STALE:{field}]"
        org.admin.add_rule("Contact", f"Guard_{field.removesuffix('__c')}", guard_formula(field), message)
    return org


def a_guarded_file(folder: Path) -> Path:
    file = folder / "guarded.toml"
    file.write_text(GUARDED)
    return file
