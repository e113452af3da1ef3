"""Validation rules: formulas that must not be true of a record that is saved."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from destination_testbench.org.facts import Facts
from destination_testbench.org.faults.failure import SaveError
from destination_testbench.org.formulas.formula import Formula, read_formula
from destination_testbench.org.formulas.functions import Scope
from destination_testbench.org.login.people import User
from destination_testbench.org.records.store import StoredRecord, Transaction
from destination_testbench.org.schema.schema import Schema, SObject


@dataclass(frozen=True, slots=True)
class OrgValidationRule:
    """One rule. `field` is where the page shows the message, None for its top."""

    sobject: str
    name: str
    formula: str
    message: str
    field: str | None = None
    active: bool = True


class Rules:
    """The validation rules of an org, in the order in which they were made."""

    def __init__(
        self, schema: Schema, permissions: set[str], held_by: Callable[[User], Collection[str]], facts: Facts
    ) -> None:
        self._schema, self.permissions, self._held_by, self._facts = schema, permissions, held_by, facts
        self._rules: dict[tuple[str, str], tuple[OrgValidationRule, Formula]] = {}
        self._by_sobject: dict[str, list[tuple[OrgValidationRule, Formula]]] = {}

    def put(self, rule: OrgValidationRule) -> None:
        """Add a rule, or change it; FormulaError when its formula cannot be understood."""
        formula = read_formula(rule.formula, self._schema.sobjects[rule.sobject], self.permissions)
        self._rules[rule.sobject, rule.name] = (rule, formula)
        self._sort()

    def remove(self, sobject: str, name: str) -> None:
        """Delete a rule."""
        self._rules.pop((sobject, name), None)
        self._sort()

    def activate(self, sobject: str, name: str, active: bool) -> None:
        """Switch a rule on or off."""
        rule, formula = self._rules[sobject, name]
        self._rules[sobject, name] = (replace(rule, active=active), formula)
        self._sort()

    def all(self) -> list[OrgValidationRule]:
        """Every rule."""
        return [rule for rule, _ in self._rules.values()]

    def errors(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
    ) -> list[SaveError]:
        """What the rules object to in a record about to be saved. A rule about a deleted field is silent."""
        rules = self._by_sobject.get(sobject.name)
        if not rules or (sobject.name == "CampaignMember" and not self._facts.rules_of_members):
            return []
        before = call.seen.get(record.id, record.values) if record else None
        after = ChainMap(values, record.values) if record else values
        scope = Scope(after, before, self._held_by(call.user), call.stamp)
        return [
            SaveError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, (rule.field,) if rule.field else ())
            for rule, formula in rules
            if formula.fields <= sobject.fields.keys() and formula.holds(scope)
        ]

    def _sort(self) -> None:
        self._by_sobject = {}
        for rule, formula in self._rules.values():
            if rule.active:
                self._by_sobject.setdefault(rule.sobject, []).append((rule, formula))
