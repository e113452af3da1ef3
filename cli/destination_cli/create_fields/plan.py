"""The steps that give an org what a destination file needs: the difference, and nothing else. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from itertools import chain
from typing import Any

from salesforce_destination.errors import Mistake
from salesforce_destination.record.guards import GUARD_EXEMPT, guard_formula, stale_marker

from destination_cli.create_fields.found import EVERYONE_HAS, Found, FoundField, FoundRule, FoundSet
from destination_cli.create_fields.metadata import (
    LEAD_CONVERSION,
    PERMISSION,
    Json,
    field_metadata,
    handed_on_in,
    made_whole,
    rule_metadata,
    with_handed_on,
    with_values,
)
from destination_cli.create_fields.needs import RIGHTS, Wanted, WantedField, WantedSet, home_of, rule_name

NO_SET = FoundSet()


@dataclass(frozen=True, slots=True)
class Component:
    """A field, a rule or a custom permission to make, or (by the id of its record) to make what it has to be."""

    kind: str
    sobject: str
    name: str
    metadata: Mapping[str, Any] = member(repr=False)
    what: str
    detail: str
    record_id: str | None = None
    by_hand: str = ""  # only the Metadata API makes it; what a person does where the org does not let it

    @property
    def full_name(self) -> str:
        """Its name, with that of the sObject where it belongs to one."""
        return f"{self.sobject}.{self.name}" if self.sobject else self.name

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return self.what, self.full_name, self.detail


@dataclass(frozen=True, slots=True)
class SetRecords:
    """A permission set, or what belongs to it: records of one setup object. Those that are there have their `id`."""

    set_name: str
    sobject: str
    rows: tuple[Mapping[str, Any], ...]
    what: str
    detail: str

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return self.what, self.set_name, self.detail


Step = Component | SetRecords
Needs = Sequence[tuple[Wanted, Found]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they can be taken, what only a person can mend, and what no API makes."""

    steps: tuple[Step, ...]
    problems: tuple[Mistake, ...]
    by_hand: tuple[str, ...] = ()


def plan(
    needs: Needs, integration_user: str | None = None, hands_on: Mapping[str, str] = {}, conversion: Json | None = None
) -> Plan:
    """Compare what a file needs on each of its sObjects with what an org has of it, and says of converted leads."""
    problems: list[Mistake] = []
    steps: list[Step] = []
    if any(wanted.guards and not found.has_permission for wanted, found in needs):
        by_hand = f"Create {GUARD_EXEMPT} by hand (Setup > Custom Permissions) or deploy what --export writes."
        kind, what, detail = "CustomPermission", "custom permission", "for repairs by hand; assigned to nobody"
        steps.append(Component(kind, "", GUARD_EXEMPT, PERMISSION, what, detail, by_hand=by_hand))
    for wanted, found in needs:
        steps += _object_steps(wanted, found, integration_user, problems)
    usable = {(wanted.sobject, name) for wanted, found in needs for name in usable_in(wanted, found)}
    both = {lead: to for lead, to in hands_on.items() if {("Lead", lead.lower()), ("Contact", to.lower())} <= usable}
    steps += _conversion_steps(both, conversion, problems)
    by_hands = dict.fromkeys(step for wanted, _ in needs for step in wanted.by_hand)
    return Plan(tuple(steps), tuple(problems), tuple(by_hands))


def _object_steps(wanted: Wanted, found: Found, integration_user: str | None, problems: list[Mistake]) -> list[Step]:
    steps: list[Step] = []
    for kind, metadata in made_whole(wanted.sobject).items() if not found.is_there else ():
        by_hand = f"Create {wanted.sobject} and its tab by hand, or deploy what --export writes."
        what, detail = kind.removeprefix("Custom").lower(), "with the sharing model Private" * (kind == "CustomObject")
        steps.append(Component(kind, "", wanted.sobject, metadata, what, detail, by_hand=by_hand))
    steps += _field_steps(wanted, found, problems)
    usable = usable_in(wanted, found)
    guards = (field for field in wanted.guards if field.lower() in usable)
    steps += chain.from_iterable(_rule_steps(wanted, found, field) for field in guards)
    steps += chain.from_iterable(_set_steps(wanted, each, found) for each in wanted.sets)
    there = found.sets.get(wanted.integration.name, NO_SET)
    if integration_user and integration_user not in there.assigned:
        row, detail = {"AssigneeId": integration_user}, f"to the integration user {integration_user}"
        steps.append(SetRecords(wanted.integration.name, "PermissionSetAssignment", (row,), "assignment", detail))
    return steps


def _conversion_steps(hands_on: Mapping[str, str], conversion: Json | None, problems: list[Mistake]) -> Iterator[Step]:
    known = {lead.lower(): contact.lower() for lead, contact in handed_on_in(conversion or {}).items()}
    lacking = {lead: contact for lead, contact in hands_on.items() if known.get(lead.lower()) != contact.lower()}
    if lacking and conversion is None:
        problem = "What a converted lead hands on to its contact is not shown to this user."
        problems.append(Mistake("salesforce_object", problem, _by_hand(lacking)))
        return
    taken = {*known.values()}
    if free := {lead: to for lead, to in lacking.items() if lead.lower() not in known and to.lower() not in taken}:
        metadata, by_hand = with_handed_on(conversion or {}, free), _by_hand(free)
        what, detail = "lead conversion", f"hands on to the contact: {', '.join(free)}"
        yield Component(LEAD_CONVERSION, "", LEAD_CONVERSION, metadata, what, detail, by_hand=by_hand)
    if other := {lead: to for lead, to in lacking.items() if lead not in free}:
        problem = f"A converted lead hands {', '.join(other)} on otherwise than the file needs it."
        problems.append(Mistake("salesforce_object", problem, _by_hand(other)))


def _by_hand(fields: Mapping[str, str]) -> str:
    pairs = ", ".join(lead if lead == contact else f"{lead} to {contact}" for lead, contact in fields.items())
    return f"Map by hand (Setup > Object Manager > Lead > Fields & Relationships > Map Lead Fields > Contact): {pairs}."


def usable_in(wanted: Wanted, found: Found) -> set[str]:
    """The file's fields, in lower case, that are there or will be."""
    fitting = {field.name.lower() for field in wanted.fields if _mistake(wanted, field, found) is None}
    return fitting | {name.lower() for _, name in wanted.given if found.field_named(name)}


def _mistake(wanted: Wanted, field: WantedField, found: Found) -> Mistake | None:
    """What a person has to do before a field is there and fits; None if nothing."""
    problem, cure = f"{field.name} does not exist and cannot be created.", ""
    if there := found.field_named(field.name):
        if there.type not in field.takes:
            problem = f"{there.name} exists with the type {there.type}."
            cure = f"Use another field, or replace this one by a {field.kind.words}."
    else:
        cure = wanted.name_cure(field.name, found.field_named("IsPersonAccount") is not None)
    return Mistake(field.key, problem, cure) if cure else None


def _not_there(wanted: Wanted, found: Found) -> Iterator[Mistake]:
    for key, name in wanted.given:
        relationship, point, _ = name.partition(".")
        parent, _, own = found.parents_key(name).partition(".")
        if f"{parent}.{own}" in found.lacking:
            yield Mistake(key, f"{parent} has no field {own}.", "Create it by hand, as an external ID.")
        elif found.field_named(name) is None and point:
            is_type = relationship.lower() == "recordtype"
            cure = "Create a record type" if is_type else "Correct it, or create the lookup"
            problem = f"{wanted.sobject} has no relationship {relationship}."
            yield Mistake(key, problem, f"{cure} in Salesforce by hand.")
        elif found.field_named(name) is None:
            cure = "Create it in Salesforce by hand: the file does not tell its type."
            yield Mistake(key, f"{wanted.sobject} has no field {name}.", cure)


def _field_steps(wanted: Wanted, found: Found, problems: list[Mistake]) -> Iterator[Step]:
    problems += _not_there(wanted, found)
    for field in wanted.fields:
        there = found.field_named(field.name)
        if mistake := _mistake(wanted, field, found):
            problems.append(mistake)
        elif there is None:
            metadata, home = field_metadata(field), home_of(wanted.sobject, field.name)
            yield Component("CustomField", *home, metadata, "field", _described(field))
        else:
            yield from _more_values(wanted, field, there, problems)


def _described(field: WantedField) -> str:
    length = f", {field.length}" if field.kind == "text" else ""
    more = f", external ID{', unique' if field.unique else ''}" if field.finds_records else ""
    values = f": {'; '.join(field.values)}" if field.values else ""
    return f"{field.kind.words}{length}{more}{values}"


def _more_values(wanted: Wanted, field: WantedField, there: FoundField, problems: list[Mistake]) -> Iterator[Step]:
    lacking = tuple(value for value in field.values if value not in there.values)
    if there.type != "multipicklist" or not lacking:
        return
    if (metadata := with_values(there.metadata or {}, lacking)) is None or there.record_id is None:
        cure = f"Add {', '.join(lacking)} in Salesforce by hand."
        problems.append(Mistake(field.key, f"{there.name} lacks values, but it takes them from a shared list.", cure))
        return
    home = home_of(wanted.sobject, there.name)
    yield Component("CustomField", *home, metadata, "values", f"add {'; '.join(lacking)}", there.record_id)


def _rule_steps(wanted: Wanted, found: Found, field: str) -> Iterator[Step]:
    marked = [there for there in found.rules if there.guards(field)]
    named = [there for there in found.rules if there.name.lower() == rule_name(field).lower()]
    there = next(iter([*marked, *named]), None)
    if difference := _difference(there, field) if there else f"refuses an older {field} after a newer one":
        name, detail = (there.name, f"repair it: it {difference}") if there else (rule_name(field), difference)
        home, record_id = (wanted.sobject, name), there.record_id if there else None
        yield Component("ValidationRule", *home, rule_metadata(field), "validation rule", detail, record_id)


def _difference(there: FoundRule, field: str) -> str:
    formulas = {"".join(formula.split()) for formula in (there.formula, guard_formula(field))}
    words = {
        "is switched off": not there.active,
        "has another text": stale_marker(field) not in there.text,
        "has another formula": len(formulas) > 1,
    }
    return ", ".join(word for word, is_so in words.items() if is_so)


def _set_steps(wanted: Wanted, each: WantedSet, found: Found) -> Iterator[Step]:
    if (there := found.sets.get(each.name, NO_SET)) is NO_SET:
        row = {"Name": each.name, "Label": each.label, "Description": each.description}
        yield SetRecords(each.name, "PermissionSet", (row,), "permission set", each.label)
    held = {name: given for name, (_, given) in there.rights.items()}
    needs = {name: (need, held.get(name, frozenset())) for name, need in rights_of(wanted, each, found).items()}
    if rights := {name: need | given for name, (need, given) in needs.items() if need - given}:
        rows = tuple(
            _row(there.rights, name, {"SobjectType": name})
            | {f"Permissions{right}": right in given for right in RIGHTS}
            for name, given in rights.items()
        )
        words = {name: ", ".join(RIGHTS[r] for r in RIGHTS if r in given) for name, given in rights.items()}
        detail = "; ".join(f"{name}: {given}" for name, given in words.items())
        yield SetRecords(each.name, "ObjectPermissions", rows, "rights on records", detail)
    own = f"{wanted.sobject}."
    for what, edit, prefix, names in (
        ("rights on fields", each.edit, own, permissionable(wanted, each, found)),
        ("rights on parents", False, "", parents_keys(each, found)),
    ):
        ready = {name for name, (_, edits) in there.fields.items() if edits or not edit}
        if fields := [name for name in names if name not in ready]:
            new = ({"SobjectType": name.partition(".")[0], "Field": name} for name in fields)
            may: Json = {"PermissionsRead": True, "PermissionsEdit": edit}
            rows = tuple(_row(there.fields, row["Field"], row) | may for row in new)
            listed = ", ".join(name.removeprefix(prefix) for name in fields)
            detail = f"{'edit' if edit else 'read'} {listed}"
            yield SetRecords(each.name, "FieldPermissions", rows, what, detail)


def parents_keys(each: WantedSet, found: Found) -> list[str]:
    """The fields by which a file names parents, as far as rights can be given: who may not read one is told of none."""
    named = ((name, *name.partition(".")[::2]) for name in map(found.parents_key, each.fields))
    return [
        name
        for name, parent, key in named
        if parent not in _NO_RIGHTS_ON and key.lower() not in EVERYONE_HAS and name not in found.lacking
    ]


_NO_RIGHTS_ON = ("", "Group", "RecordType", "User")  # whose fields no permission set speaks of


def _row(there: Mapping[str, tuple[str, Any]], name: str, new: Json) -> Json:
    return {"id": there[name][0]} if name in there else new


def rights_of(wanted: Wanted, each: WantedSet, found: Found) -> dict[str, frozenset[str]]:
    """The rights on records that a permission set needs, in an order in which they can be given: accounts first."""
    if not each.rights:
        return {}
    names = [*permissionable(wanted, each, found), *parents_keys(each, found)]
    homes = {wanted.sobject, *each.reads, *(name.partition(".")[0] for name in names)}
    # Salesforce: "depends on permission(s): Read Account". A person account is a contact too.
    homes |= {"Account"} if "Contact" in homes else set()
    return {name: each.rights if name == wanted.sobject else frozenset({"Read"}) for name in sorted(homes)}


def permissionable(wanted: Wanted, each: WantedSet, found: Found) -> list[str]:
    """The fields that a permission set can speak of: not those that everyone has, nor those that do not fit."""
    names, usable = [], usable_in(wanted, found)
    for name in each.fields:
        there = found.field_named(name)
        if name.lower() in usable:
            names.append(there.rights_of if there else ".".join(home_of(wanted.sobject, name)))
    return list(dict.fromkeys(filter(None, names)))
