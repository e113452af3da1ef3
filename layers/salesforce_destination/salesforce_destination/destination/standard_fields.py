"""What every org's Contact and Lead demand and hold, so that a file can be judged with no org at hand."""

from __future__ import annotations

from collections.abc import Mapping

REQUIRED_TO_CREATE: Mapping[str, tuple[str, ...]] = {"Contact": ("LastName",), "Lead": ("LastName", "Company")}
"""Fields without which Salesforce creates no record (nillable false and not defaulted in the describe)."""

STANDARD_OBJECTS: Mapping[str, str] = {
    name.lower(): name
    for name in ("Account", "Campaign", "CampaignMember", "Case", "Contact", "Contract", "Individual", "Lead", "User")
}
"""The standard sObjects that people are kept in or near, by their names in lower case."""

_PERSON = {"LastName": 80, "FirstName": 40, "Title": 128, "Email": 80, "Phone": 40, "MobilePhone": 40, "Fax": 40}

LENGTHS: Mapping[str, Mapping[str, int]] = {
    "Contact": {
        **_PERSON,
        "Salutation": 40,
        "Department": 80,
        "AssistantName": 40,
        "HomePhone": 40,
        "OtherPhone": 40,
        "AssistantPhone": 40,
        "MailingStreet": 255,
        "MailingCity": 40,
        "MailingState": 80,
        "MailingPostalCode": 20,
        "MailingCountry": 80,
        "OtherStreet": 255,
        "OtherCity": 40,
        "OtherState": 80,
        "OtherPostalCode": 20,
        "OtherCountry": 80,
        "LeadSource": 255,
        "Description": 32_000,
    },
    "Lead": {
        **_PERSON,
        "Salutation": 40,
        "Company": 255,
        "Street": 255,
        "City": 40,
        "State": 80,
        "PostalCode": 20,
        "Country": 80,
        "Website": 255,
        "LeadSource": 255,
        "Industry": 255,
        "Rating": 255,
        "Status": 255,
        "Description": 32_000,
        "CompanyDunsNumber": 9,
    },
}
"""Lengths of the standard text fields, in characters, as the describe of an org gives them."""
