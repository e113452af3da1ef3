"""What administrators and users do to an org by hand, beside its API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from destination_testbench.org.api.metadata import metadata_of
from destination_testbench.org.formulas.rules import OrgValidationRule
from destination_testbench.org.records import lifecycle
from destination_testbench.org.records.access import AccessLevel
from destination_testbench.org.records.campaigns import STATUSES, add_statuses
from destination_testbench.org.records.duplicates import DuplicateRule
from destination_testbench.org.records.person_account import BUSINESS_TYPE, PERSON_TYPE, PersonAccounts
from destination_testbench.org.records.store import StoredRecord, Transaction
from destination_testbench.org.schema.schema import TEMPLATE, Field, standard_schema

if TYPE_CHECKING:
    from destination_testbench.org.login.people import User
    from destination_testbench.org.org import SimulatedOrg

RECORD_TYPE_FIELD = Field(
    "RecordTypeId",
    "Record Type ID",
    "reference",
    18,
    nillable=True,
    createable=True,
    updateable=True,
    open=True,
    relationship="RecordType",
    reference_to=("RecordType",),
)


class Administration:
    """Changes to records, fields, rules, rights and sessions that no caller of the API makes.

    All are safe while requests run. Names of sObjects and fields are exact here; an unknown one is a KeyError.
    """

    def __init__(self, org: SimulatedOrg) -> None:
        self._org = org

    def add_rule(self, sobject: str, name: str, formula: str, message: str, field: str | None = None) -> None:
        """Make a validation rule, active at once; FormulaError when its formula cannot be understood."""
        shown = {"active": True, "errorConditionFormula": formula, "errorMessage": message, "errorDisplayField": field}
        with self._org.data_lock:
            self._org.rules.put(OrgValidationRule(sobject, name, formula, message, field))
            self._org.tooling.add("ValidationRule", f"{sobject}.{name}", shown)

    def remove_rule(self, sobject: str, name: str) -> None:
        """Delete a validation rule."""
        with self._org.data_lock:
            self._org.rules.remove(sobject, name)
            if record := self._org.tooling.named("ValidationRule", f"{sobject}.{name}"):
                self._org.tooling.remove("ValidationRule", record)

    def add_duplicate_rule(self, rule: DuplicateRule) -> None:
        """Make a duplicate rule, active at once."""
        with self._org.data_lock:
            self._org.duplicate_rules.put(rule)

    def remove_field(self, sobject: str, name: str) -> None:
        """Delete a custom field."""
        with self._org.data_lock:
            self._org.schema.remove_field(sobject, name)
            self._org.access.forget(sobject, name)
            if record := self._org.tooling.named("CustomField", f"{sobject}.{name}"):
                self._org.tooling.remove("CustomField", record)

    def remove_object(self, name: str) -> None:
        """Delete a custom object, with everything that it has."""
        with self._org.data_lock:
            self._org.metadata.forget(name)

    def restore_field(self, sobject: str, name: str) -> None:
        """Undelete a field, with its values."""
        with self._org.data_lock:
            self._org.schema.restore_field(sobject, name)
            field = self._org.schema.sobjects[sobject].fields[name]
            self._org.tooling.add("CustomField", f"{sobject}.{name}", metadata_of(field))

    def remove_permission(self, name: str) -> None:
        """Delete a custom permission."""
        with self._org.data_lock:
            self._org.permissions.remove(name)

    def restrict_field(self, sobject: str, name: str, level: AccessLevel | None) -> None:
        """Let nobody do more than this with a field; None lifts the restriction."""
        with self._org.data_lock:
            self._org.access.restrict(sobject, name, level)

    def restrict_object(self, sobject: str, level: AccessLevel | None) -> None:
        """Let nobody write an sObject's records (READ), or not even know of it (NONE); None lifts the restriction."""
        with self._org.data_lock:
            self._org.schema.hidden.discard(sobject)
            if level is AccessLevel.NONE:
                self._org.schema.hidden.add(sobject)
            self._org.access.restrict_object(sobject, level)

    def let_delete(self, sobject: str, allowed: bool) -> None:
        """Let everyone who may edit an sObject's records delete them too, or nobody."""
        self._org.access.kept = self._org.access.kept - {sobject} if allowed else self._org.access.kept | {sobject}

    def share(self, ids: Sequence[str], shared: bool) -> None:
        """Hide records from everyone who may not view all of their sObject, or show them again."""
        with self._org.data_lock:
            self._org.access.share(ids, shared)

    def change_user(self, username: str, flags: Mapping[str, object]) -> None:
        """Change what a user may do: any of the flags of User."""
        user = self._user(username)
        with self._org.data_lock:
            for name, value in flags.items():
                if not isinstance(getattr(user, name, None), bool):
                    raise KeyError(name)
                setattr(user, name, bool(value))
            self._org.access.version += 1

    def add_record_type(self, sobject: str, name: str, active: bool = True, available: bool = True) -> str:
        """Make a record type; its id. An sObject's first gives it the field RecordTypeId."""
        with self._org.data_lock:
            type_ = self._org.schema.sobjects["RecordType"]
            values: dict[str, object] = {"DeveloperName": name, "Name": name.replace("_", " "), "SobjectType": sobject}
            made = self._org.insert("RecordType", self._org.store.new_id(type_.prefix), values | {"IsActive": active})
            if not available:
                self._org.access.withhold(made.id)
            self._org.schema.put_field(sobject, RECORD_TYPE_FIELD)
            return made.id

    def deactivate_value(self, sobject: str, name: str, value: str) -> None:
        """Take a value out of those that can be chosen in a picklist; records keep it."""
        with self._org.data_lock:
            field = self._org.schema.sobjects[sobject].fields[name]
            self._org.schema.put_field(sobject, replace(field, inactive=(*field.inactive, value)))

    def enable_person_accounts(self) -> None:
        """Let accounts be persons from now on."""
        with self._org.data_lock:
            PersonAccounts(self._org.schema, self._org.config.facts).enable()
            types = self._org.records("RecordType").records
            for id_, name in ((BUSINESS_TYPE, "Business_Account"), (PERSON_TYPE, "PersonAccount")):
                values: dict[str, object] = {"DeveloperName": name, "Name": name.replace("_", " "), "IsActive": True}
                if id_ not in types:
                    of = {"SobjectType": "Account", "IsPersonType": id_ == PERSON_TYPE}
                    self._org.insert("RecordType", id_, values | of)

    def add_campaign(
        self, name: str, statuses: Iterable[Sequence[object]] = STATUSES, campaign_id: str | None = None
    ) -> str:
        """Make a campaign; its id. Each member status is a label and whether it counts as a response, the default
        first.
        """
        with self._org.data_lock:
            prefix = self._org.schema.sobjects["Campaign"].prefix
            made = self._org.insert("Campaign", campaign_id or self._org.store.new_id(prefix), {"Name": name})
            add_statuses(self._org.store, made.id, statuses)
            return made.id

    def add_memberships(self, formula: str, message: str, name: str = TEMPLATE) -> None:
        """Let the org have an object for one record per person and audience, guarded by a rule on its Since_Ms__c."""
        with self._org.data_lock:
            if name not in self._org.schema.sobjects:
                made = self._org.schema.add_custom(name, *["CDP Membership"] * 2)
                for field in standard_schema().sobjects[TEMPLATE].fields.values():
                    if field.custom:
                        made.put(field)
                        self._org.tooling.add("CustomField", f"{name}.{field.name}", metadata_of(field))
            self.add_rule(name, "Guard_Since_Ms", formula, message)

    def convert_lead(self, lead_id: str, contact_id: str | None = None) -> str:
        """Turn a lead into a contact, a new one or one that is there; the contact's id."""
        with self._org.data_lock:
            return lifecycle.convert_lead(self._org.saving, self._call(), lead_id, contact_id)

    def merge(
        self,
        sobject: str,
        master_id: str,
        losers: Sequence[str],
        values: Mapping[str, object] | None = None,
        user: User | None = None,
    ) -> None:
        """Merge records into one, which a caller may give values: the others remember it in MasterRecordId."""
        with self._org.data_lock:
            if values and user and self._org.config.facts.merges_ask_rules:
                described, saving = self._org.schema.sobjects[sobject], self._org.saving
                parsed = saving.reader(described, user).read(values)
                saving.update(Transaction(user, self._org.now()), described, self._record(sobject, master_id), parsed)
            elif values:
                lifecycle.edit(self._org.saving, self._call(), sobject, master_id, dict(values))
            lifecycle.merge(self._org.saving, self._call(), sobject, master_id, losers)

    def _record(self, sobject: str, record_id: str) -> StoredRecord:
        return self._org.store.table(self._org.schema.sobjects[sobject]).records[record_id]

    def edit(self, sobject: str, record_id: str, values: dict[str, object]) -> None:
        """Change a record as a person would in the page, past every check."""
        with self._org.data_lock:
            if sobject == "CampaignMember":
                self._org.campaigns.follow(self._record(sobject, record_id).get("CampaignId"), values)
            lifecycle.edit(self._org.saving, self._call(), sobject, record_id, values)

    def delete(self, sobject: str, record_id: str, purge: bool = False) -> None:
        """Put a record into the recycle bin, or remove it for good."""
        with self._org.data_lock:
            lifecycle.edit(self._org.saving, self._call(), sobject, record_id, {"IsDeleted": True})
            if purge:
                lifecycle.purge(self._org.saving, sobject, record_id)

    def undelete(self, sobject: str, record_id: str) -> None:
        """Take a record out of the recycle bin."""
        with self._org.data_lock:
            lifecycle.undelete(self._org.saving, self._call(), sobject, record_id)

    def set_fact(self, name: str, value: object) -> None:
        """Change one of the org's Facts."""
        with self._org.data_lock:
            facts = self._org.config.facts
            if not hasattr(facts, name):
                raise KeyError(name)
            # A JSON list stands for a pair.
            setattr(facts, name, tuple(value) if isinstance(value, list) else value)
            self._org.schema.version += 1

    def revoke_tokens(self) -> int:
        """End every session; how many there were."""
        with self._org.data_lock:
            return self._org.sessions.revoke_all()

    def log_in(self, username: str) -> str:
        """An access token for a user without a log-in, as the Salesforce command line shows one."""
        user = self._user(username)
        with self._org.data_lock:
            return self._org.sessions.open(user, "local", self._org.now(), counted=False).token

    def _user(self, username: str) -> User:
        if user := next((user for user in self._org.users if user.username == username), None):
            return user
        raise KeyError(username)

    def _call(self) -> Transaction:
        return Transaction(self._org.users[-1], self._org.now())
