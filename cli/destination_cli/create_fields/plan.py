"""The steps that give an org what a destination file needs: the difference, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any

from salesforce_destination.errors import Mistake
from salesforce_destination.record.guards import GUARD_EXEMPT

from destination_cli.create_fields.found import Found, FoundField, FoundRule, FoundSet
from destination_cli.create_fields.metadata import with_values
from destination_cli.create_fields.needs import WORDS, Wanted, WantedField, WantedRule, WantedSet

NO_SET = FoundSet("")

READ_WITH: Mapping[str, str] = {"Contact": "Account"}
"""Who is given contacts has to be given accounts to read ("depends on permission(s): Read Account")."""


@dataclass(frozen=True, slots=True)
class MakePermission:
    """Make the custom permission that guards let pass."""

    name: str

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "custom permission", self.name, "for repairs by hand; assigned to nobody"


@dataclass(frozen=True, slots=True)
class MakeField:
    """Make a custom field."""

    sobject: str
    field: WantedField

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        kind = WORDS[self.field.kind]
        length = f", {self.field.length}" if self.field.kind == "text" else ""
        more = ", external ID, unique" if self.field.finds_records else ""
        values = f": {'; '.join(self.field.values)}" if self.field.values else ""
        return "field", f"{self.sobject}.{self.field.name}", f"{kind}{length}{more}{values}"


@dataclass(frozen=True, slots=True)
class AddValues:
    """Add values to a picklist."""

    sobject: str
    field: str
    record_id: str
    values: tuple[str, ...]
    metadata: Mapping[str, Any] = member(repr=False)

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "values", f"{self.sobject}.{self.field}", f"add {'; '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class MakeRule:
    """Make the validation rule of a guard."""

    sobject: str
    rule: WantedRule

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return (
            "validation rule",
            f"{self.sobject}.{self.rule.name}",
            f"refuses an older {self.rule.field} after a newer one",
        )


@dataclass(frozen=True, slots=True)
class MendRule:
    """Make a guard's rule what it has to be."""

    sobject: str
    rule: WantedRule
    record_id: str
    name: str
    difference: str

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "validation rule", f"{self.sobject}.{self.name}", f"repair it: it {self.difference}"


@dataclass(frozen=True, slots=True)
class MakeSet:
    """Make a permission set."""

    wanted: WantedSet

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "permission set", self.wanted.name, self.wanted.label


@dataclass(frozen=True, slots=True)
class GiveRights:
    """Let a permission set do these things with records. `known` are the ids of permissions that are there."""

    set_name: str
    rights: Mapping[str, frozenset[str]]
    known: Mapping[str, str]

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        order = ("Read", "Create", "Edit", "Delete")
        each = (
            f"{name}: {', '.join(right.lower() for right in order if right in given)}"
            for name, given in self.rights.items()
        )
        return "rights on records", self.set_name, "; ".join(each)


@dataclass(frozen=True, slots=True)
class GiveFields:
    """Let a permission set read fields, or edit them (true). `known` are the ids of permissions that are there."""

    set_name: str
    sobject: str
    fields: Mapping[str, bool]
    known: Mapping[str, str]

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        verb = "edit" if any(self.fields.values()) else "read"
        return "rights on fields", self.set_name, f"{verb} {', '.join(self.fields)}"


@dataclass(frozen=True, slots=True)
class AssignSet:
    """Give a permission set to a user."""

    set_name: str
    user: str

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "assignment", self.set_name, f"to the integration user {self.user}"


Step = MakePermission | MakeField | AddValues | MakeRule | MendRule | MakeSet | GiveRights | GiveFields | AssignSet


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they can be taken, and what only a person can mend."""

    steps: tuple[Step, ...]
    problems: tuple[Mistake, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps


def plan(wanted: Wanted, found: Found, integration_user: str | None = None) -> Plan:
    """Compare what a file needs with what an org has. `integration_user` is the id of whom the first set is for."""
    problems: list[Mistake] = []
    fields = list(_field_steps(wanted, found, problems))
    usable = {field.name.lower() for field in wanted.fields if _fits(field, found)}
    usable |= {name.lower() for _, name in wanted.given if found.field_named(name)}
    permission: list[Step] = [MakePermission(GUARD_EXEMPT)] if wanted.rules and not found.has_permission else []
    rules = [step for rule in wanted.rules if rule.field.lower() in usable for step in _rule_steps(wanted, found, rule)]
    sets = [step for each in wanted.sets for step in _set_steps(wanted, each, found, usable)]
    if integration_user:
        sets += _assignment(wanted.integration, found, integration_user)
    return Plan((*permission, *fields, *rules, *sets), tuple(problems))


def _fits(field: WantedField, found: Found) -> bool:
    there = found.field_named(field.name)
    return field.can_be_made if there is None else there.type in field.takes


def _field_steps(wanted: Wanted, found: Found, problems: list[Mistake]) -> Iterator[Step]:
    for key, name in wanted.given:
        if found.field_named(name) is None:
            cure = "Create it in Salesforce by hand: the file does not tell its type."
            problems.append(Mistake(key, f"{wanted.sobject} has no field {name}.", cure))
    for field in wanted.fields:
        there = found.field_named(field.name)
        if there is None and field.can_be_made:
            yield MakeField(wanted.sobject, field)
        elif there is None:
            cure = "Use a name with letters, digits and single underscores that ends with __c."
            problems.append(Mistake(field.key, f"{field.name} does not exist and cannot be created.", cure))
        elif there.type not in field.takes:
            cure = f"Use another field, or replace this one by a {WORDS[field.kind]}."
            problems.append(Mistake(field.key, f"{there.name} exists with the type {there.type}.", cure))
        else:
            yield from _more_values(wanted, field, there, problems)


def _more_values(wanted: Wanted, field: WantedField, there: FoundField, problems: list[Mistake]) -> Iterator[Step]:
    lacking = tuple(value for value in field.values if value not in there.values)
    if there.type != "multipicklist" or not lacking:
        return
    metadata: dict[str, Any] | None = None
    if there.record_id and there.metadata is not None:
        metadata = with_values(dict(there.metadata), lacking)
    if metadata is None or there.record_id is None:
        cure = f"Add {', '.join(lacking)} in Salesforce by hand."
        problems.append(Mistake(field.key, f"{there.name} lacks values, but it takes them from a shared list.", cure))
    else:
        yield AddValues(wanted.sobject, there.name, there.record_id, lacking, metadata)


def _rule_steps(wanted: Wanted, found: Found, rule: WantedRule) -> Iterator[Step]:
    there = _rule_in(found, rule)
    if there is None:
        yield MakeRule(wanted.sobject, rule)
    elif not _is_as_wanted(there, rule):
        yield MendRule(wanted.sobject, rule, there.record_id, there.name, _difference(there, rule))


def _rule_in(found: Found, rule: WantedRule) -> FoundRule | None:
    marked = [there for there in found.rules if rule.marker in there.message]
    named = [there for there in found.rules if there.name.lower() == rule.name.lower()]
    return next(iter([*marked, *named]), None)


def _is_as_wanted(there: FoundRule, rule: WantedRule) -> bool:
    return there.active and rule.marker in there.message and _bare(there.formula) == _bare(rule.formula)


def _difference(there: FoundRule, rule: WantedRule) -> str:
    words = [
        "is switched off" if not there.active else "",
        "has another text" if rule.marker not in there.message else "",
        "has another formula" if _bare(there.formula) != _bare(rule.formula) else "",
    ]
    return ", ".join(filter(None, words))


def _bare(formula: str) -> str:
    return "".join(formula.split())


def _set_steps(wanted: Wanted, each: WantedSet, found: Found, usable: set[str]) -> Iterator[Step]:
    there = found.sets.get(each.name, NO_SET)
    if there is NO_SET:
        yield MakeSet(each)
    held = {name: given for name, (_, given) in there.rights.items()}
    lacking = {
        name: need | held.get(name, frozenset())
        for name, need in _rights(wanted.sobject, each).items()
        if need - held.get(name, frozenset())
    }
    if lacking:
        yield GiveRights(each.name, lacking, {name: there.rights[name][0] for name in lacking if name in there.rights})
    fields = [name for name in permissionable(each, found, usable) if not _has(there, name, each.edit)]
    if fields:
        known = {name: there.fields[name][0] for name in fields if name in there.fields}
        yield GiveFields(each.name, wanted.sobject, dict.fromkeys(fields, each.edit), known)


def _has(there: FoundSet, field: str, edit: bool) -> bool:
    return field in there.fields and (there.fields[field][1] or not edit)


def _rights(sobject: str, each: WantedSet) -> dict[str, frozenset[str]]:
    if not each.rights:
        return {}
    first = {READ_WITH[sobject]: frozenset({"Read"})} if sobject in READ_WITH else {}
    return {**first, sobject: each.rights}


def permissionable(each: WantedSet, found: Found, usable: set[str]) -> list[str]:
    """The fields that a permission set can speak of: not those that everyone has, nor those that do not fit."""
    names = []
    for name in each.fields:
        there = found.field_named(name)
        if there is not None and name.lower() in usable and there.rights_of:
            names.append(there.rights_of)
        elif there is None and name.lower() in usable:
            names.append(name)
    return list(dict.fromkeys(names))


def _assignment(each: WantedSet, found: Found, user: str) -> list[Step]:
    there = found.sets.get(each.name)
    return [] if there and user in there.assigned else [AssignSet(each.name, user)]
