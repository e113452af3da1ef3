"""Campaigns: their member statuses, and people as their members."""

from __future__ import annotations

from destination_testbench.org.faults.failure import SaveError, not_simulated
from destination_testbench.org.records.store import RecordStore, StoredRecord, Transaction
from destination_testbench.org.schema.schema import SObject

# What every new campaign starts with: the status, whether it counts as a response, whether it is the default.
STATUSES = (("Sent", False, True), ("Responded", True, False))
PEOPLE = ("ContactId", "LeadId")


class Campaigns:
    """The guard of campaigns and their members."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def errors(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
    ) -> list[SaveError]:
        """Refuse a second membership of a person, and who is no marketing user.

        A status that the campaign has not becomes its default, and nobody is told: so the object reference has it.
        """
        if sobject.name == "CampaignMemberStatus":
            raise not_simulated("writes of CampaignMemberStatus")
        if sobject.name != "CampaignMember":
            return []
        if not self._marketing(call.user.id):
            return [
                SaveError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {sobject.label}")
            ]
        if record is None:
            if values.get("ContactId"):
                values.pop("LeadId", None)
            person = next((name for name in PEOPLE if values.get(name)), None)
            if person is None:
                raise not_simulated("a campaign member without a contact or a lead")
            others = self._store.table(sobject).find(sobject.fields[person], values[person])
            if any(other.get("CampaignId") == values["CampaignId"] for other in others):
                return [SaveError("DUPLICATE_VALUE", "Already a campaign member.")]
        self._status(values.get("CampaignId") if record is None else record.get("CampaignId"), values, record is None)
        return []

    def statuses(self, campaign: object) -> list[StoredRecord]:
        """The member statuses of a campaign."""
        sobject = self._store.schema.sobjects["CampaignMemberStatus"]
        return self._store.table(sobject).find(sobject.fields["CampaignId"], campaign)

    def _status(self, campaign: object, values: dict[str, object], new: bool) -> None:
        if not new and "Status" not in values:
            return
        known = self.statuses(campaign)
        default = next((status for status in known if status.get("IsDefault")), None)
        wanted = str(values.get("Status")).lower()
        found = next((status for status in known if str(status.get("Label")).lower() == wanted), default)
        if found:
            values["Status"], values["HasResponded"] = found.get("Label"), found.get("HasResponded")

    def _marketing(self, user: str) -> bool:
        record = self._store.table(self._store.schema.sobjects["User"]).records.get(user)
        return record is None or record.get("UserPermissionsMarketingUser") is not False


def add_statuses(store: RecordStore, campaign: str) -> None:
    """Give a new campaign the member statuses that each begins with."""
    sobject = store.schema.sobjects["CampaignMemberStatus"]
    table = store.table(sobject)
    for order, (label, responded, default) in enumerate(STATUSES, 1):
        flags = {"HasResponded": responded, "IsDefault": default, "SortOrder": order, "IsDeleted": False}
        made = StoredRecord(store.new_id(sobject.prefix), {"CampaignId": campaign, "Label": label, **flags})
        table.records[made.id] = made
        table.link(made, made.values)
