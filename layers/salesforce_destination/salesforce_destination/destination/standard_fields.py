"""What every org's Contact and Lead demand and hold, so that a file can be judged with no org at hand."""

from collections.abc import Mapping

REQUIRED_TO_CREATE: Mapping[str, tuple[str, ...]] = {"Contact": ("LastName",), "Lead": ("LastName", "Company")}
"""Fields without which Salesforce creates no record (nillable false and not defaulted in the describe)."""

STANDARD_OBJECTS: Mapping[str, str] = {
    name.lower(): name
    for name in ("Account", "Campaign", "CampaignMember", "Case", "Contact", "Contract", "Individual", "Lead", "User")
}
"""The standard sObjects that people are kept in or near, by their names in lower case."""

_HOLD = (
    ("Contact Lead", 40, "FirstName Phone MobilePhone Fax Salutation"),
    ("Contact Lead", 80, "LastName Email"),
    ("Contact Lead", 128, "Title"),
    ("Contact Lead", 255, "LeadSource"),
    ("Contact Lead", 32_000, "Description"),
    ("Contact", 20, "MailingPostalCode OtherPostalCode"),
    ("Contact", 40, "AssistantName HomePhone OtherPhone AssistantPhone MailingCity OtherCity"),
    ("Contact", 80, "Department MailingState MailingCountry OtherState OtherCountry"),
    ("Contact", 255, "MailingStreet OtherStreet"),
    ("Lead", 9, "CompanyDunsNumber"),
    ("Lead", 20, "PostalCode"),
    ("Lead", 40, "City"),
    ("Lead", 80, "State Country"),
    ("Lead", 255, "Company Street Website Industry Rating Status"),
)
LENGTHS: Mapping[str, Mapping[str, int]] = {
    name: {field: length for names, length, held in _HOLD if name in names for field in held.split()}
    for name in ("Contact", "Lead")
}
"""Lengths of the standard text fields, in characters, as the describe of an org gives them."""
