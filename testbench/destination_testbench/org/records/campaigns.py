"""Campaigns: their member statuses, and people as their members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from destination_testbench.org.faults.failure import NO_ACCESS, SaveError, not_simulated
from destination_testbench.org.login.people import User
from destination_testbench.org.records.access import Access
from destination_testbench.org.records.store import RecordStore, StoredRecord, Transaction
from destination_testbench.org.schema.schema import SObject

# What every new campaign starts with: the status, and whether it counts as a response. The first is the default.
STATUSES = (("Sent", False), ("Responded", True))
PEOPLE = {"ContactId": "Contact", "LeadId": "Lead"}


class Campaigns:
    """The guard of campaigns and their members."""

    def __init__(self, store: RecordStore, access: Access) -> None:
        self._store, self._access = store, access

    def errors(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
    ) -> list[SaveError]:
        """Refuse a second membership of a person, a second status of a name, and who may not edit the person.

        A status that the campaign has not becomes its default, and nobody is told: so the object reference has it.
        """
        if sobject.name == "CampaignMemberStatus":
            return self._errors_of_status(record, values)
        if sobject.name != "CampaignMember":
            return []
        if record is None and (errors := self._errors_of_person(call.user, values)):
            return errors
        self.follow((record or values).get("CampaignId"), values, record is None)
        return []

    def _errors_of_person(self, user: User, values: dict[str, object]) -> list[SaveError]:
        if values.get("ContactId"):
            values.pop("LeadId", None)
        person = next((name for name in PEOPLE if values.get(name)), None)
        if person is None:
            raise not_simulated("a campaign member without a contact or a lead")
        if "Edit" not in self._access.rights(user, PEOPLE[person]):
            return [NO_ACCESS]
        twice = member_of(self._store, values["CampaignId"], person, values[person])
        return [SaveError("DUPLICATE_VALUE", "Already a campaign member.")] if twice else []

    def _errors_of_status(self, record: StoredRecord | None, values: dict[str, object]) -> list[SaveError]:
        others = [status for status in self.statuses((record or values).get("CampaignId")) if status is not record]
        if any(str(other.get("Label")).lower() == str(values.get("Label")).lower() for other in others):
            return [SaveError("DUPLICATE_VALUE", "duplicate value found: Label duplicates value on another record")]
        for other in others if values.get("IsDefault") else ():
            other.values["IsDefault"] = False
        return []

    def statuses(self, campaign: object) -> list[StoredRecord]:
        """The member statuses of a campaign."""
        sobject = self._store.schema.sobjects["CampaignMemberStatus"]
        return self._store.table(sobject).find(sobject.fields["CampaignId"], campaign)

    def follow(self, campaign: object, values: dict[str, object], new: bool = False) -> None:
        """Let what is written to a member have one of the campaign's statuses, and the response that it stands for."""
        if not new and "Status" not in values:
            return
        known = self.statuses(campaign)
        default = next((status for status in known if status.get("IsDefault")), None)
        wanted = str(values.get("Status")).lower()
        found = next((status for status in known if str(status.get("Label")).lower() == wanted), default)
        if found:
            values["Status"], values["HasResponded"] = found.get("Label"), found.get("HasResponded")


def members(store: RecordStore, person: str, person_id: object) -> list[StoredRecord]:
    """A person's memberships of campaigns; `person` is ContactId or LeadId."""
    sobject = store.schema.sobjects["CampaignMember"]
    return store.table(sobject).find(sobject.fields[person], person_id)


def member_of(store: RecordStore, campaign: object, person: str, person_id: object) -> bool:
    """Whether a person is a member of a campaign."""
    return any(member.get("CampaignId") == campaign for member in members(store, person, person_id))


def add_statuses(store: RecordStore, campaign: str, statuses: Iterable[Sequence[object]] = STATUSES) -> None:
    """Give a campaign these member statuses in place of what it has."""
    sobject = store.schema.sobjects["CampaignMemberStatus"]
    table = store.table(sobject)
    for old in table.find(sobject.fields["CampaignId"], campaign):
        table.unlink(table.records.pop(old.id), old.values)
    for order, (label, responded) in enumerate(statuses, 1):
        flags = {"HasResponded": responded, "IsDefault": order == 1, "SortOrder": order, "IsDeleted": False}
        made = StoredRecord(store.new_id(sobject.prefix), {"CampaignId": campaign, "Label": label, **flags})
        table.records[made.id] = made
        table.link(made, made.values)
