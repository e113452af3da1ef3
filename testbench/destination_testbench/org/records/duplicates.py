"""Duplicate rules: records that look like others are refused, or reported and let through."""

from __future__ import annotations

from dataclasses import dataclass

from destination_testbench.org.faults.failure import SaveError
from destination_testbench.org.records.store import RecordStore, StoredRecord, Transaction
from destination_testbench.org.schema.schema import SObject

DEFAULT_TEXT = "Use one of these records?"


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Records of an sObject are duplicates when all these fields agree, whatever their case.

    `blocks`: nothing lets them pass. Else the rule is alert-only, and the header with allowSave=true does. `against`:
    the sObject whose records they are compared with, as leads are with contacts in newer orgs; else their own.
    """

    sobject: str
    name: str
    fields: tuple[str, ...]
    blocks: bool = False
    message: str = DEFAULT_TEXT
    active: bool = True
    against: str = ""


class DuplicateRules:
    """The duplicate rules of an org. A rule is asked only when one of its fields is being changed."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._rules: dict[tuple[str, str], DuplicateRule] = {}

    def put(self, rule: DuplicateRule) -> None:
        """Add a rule, or change it."""
        self.remove(rule.sobject, rule.name)
        self._rules[rule.sobject, rule.name] = rule
        shown = self._store.schema.sobjects["DuplicateRule"]
        names = {"DeveloperName": rule.name, "MasterLabel": rule.name.replace("_", " ")}
        values: dict[str, object] = {**names, "SobjectType": rule.sobject, "IsActive": rule.active}
        record = StoredRecord(self._store.new_id(shown.prefix), values)
        self._store.table(shown).records[record.id] = record

    def remove(self, sobject: str, name: str) -> None:
        """Delete a rule."""
        self._rules.pop((sobject, name), None)
        records = self._store.table(self._store.schema.sobjects["DuplicateRule"]).records
        for record in [
            r for r in records.values() if (r.get("SobjectType"), r.get("DeveloperName")) == (sobject, name)
        ]:
            del records[record.id]

    def all(self) -> list[DuplicateRule]:
        """Every rule."""
        return list(self._rules.values())

    def errors(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
    ) -> list[SaveError]:
        """What the rules object to in a record about to be saved."""
        if not self._rules:
            return []
        old = record.values if record else {}
        changed = {name for name, value in values.items() if old.get(name) != value}
        after = {**old, **values}
        return [
            SaveError("DUPLICATES_DETECTED", rule.message)
            for rule in self._rules.values()
            if rule.active
            and rule.sobject == sobject.name
            and changed & set(rule.fields)
            and not (call.allow_duplicates and not rule.blocks)
            and self._has_twin(self._store.schema.sobjects[rule.against or rule.sobject], record, rule, after)
        ]

    def _has_twin(
        self, sobject: SObject, record: StoredRecord | None, rule: DuplicateRule, after: dict[str, object]
    ) -> bool:
        wanted = [folded(after.get(name)) for name in rule.fields]
        if None in wanted:
            return False
        table = self._store.table(sobject)
        first = sobject.fields[rule.fields[0]]
        others = table.find(first, after[first.name]) if table.indexed(first.name) else table
        return any(
            other is not record and [folded(other.get(name)) for name in rule.fields] == wanted for other in others
        )


def folded(value: object) -> object:
    """A value with the difference of case taken out."""
    return value.lower() if isinstance(value, str) else value
