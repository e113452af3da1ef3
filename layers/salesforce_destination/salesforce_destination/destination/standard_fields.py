"""What every org's Contact and Lead demand and hold, so that a file can be judged with no org at hand."""

from collections.abc import Mapping

REQUIRED_TO_CREATE: Mapping[str, tuple[str, ...]] = {"Contact": ("LastName",), "Lead": ("LastName", "Company")}
"""Fields without which Salesforce creates no record (nillable false and not defaulted in the describe)."""

STANDARD_OBJECTS: Mapping[str, str] = {
    name.lower(): name
    for name in ("Account", "Campaign", "CampaignMember", "Case", "Contact", "Contract", "Individual", "Lead", "User")
}
"""The standard sObjects that people are kept in or near, by their names in lower case."""

_HOLD: Mapping[str, Mapping[int, str]] = {
    "both": {
        40: "FirstName Phone MobilePhone Fax Salutation",
        80: "LastName Email",
        128: "Title",
        255: "LeadSource",
        32_000: "Description",
    },
    "Contact": {
        20: "MailingPostalCode OtherPostalCode",
        40: "AssistantName HomePhone OtherPhone AssistantPhone MailingCity OtherCity",
        80: "Department MailingState MailingCountry OtherState OtherCountry",
        255: "MailingStreet OtherStreet",
    },
    "Lead": {
        9: "CompanyDunsNumber",
        20: "PostalCode",
        40: "City",
        80: "State Country",
        255: "Company Street Website Industry Rating Status",
    },
}

LENGTHS: Mapping[str, Mapping[str, int]] = {
    name: {field: length for held in (_HOLD["both"], _HOLD[name]) for length in held for field in held[length].split()}
    for name in ("Contact", "Lead")
}
"""Lengths of the standard text fields, in characters, as the describe of an org gives them."""
