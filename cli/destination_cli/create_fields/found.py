"""What an administrator finds in an org, as far as a destination file needs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from salesforce_destination.record.guards import GUARD_EXEMPT, ValidationRule, stale_marker

from destination_cli.create_fields.metadata import DESCRIBED_TYPES
from destination_cli.create_fields.needs import RIGHTS, Wanted, home_of, rule_name
from destination_cli.org_api import OrgApi, OrgError

_EVERYONES = "LastName FirstName MiddleName Suffix Salutation Name Company Status OwnerId RecordTypeId IndividualId"
EVERYONE_HAS = frozenset(f"{_EVERYONES} EmailBouncedReason EmailBouncedDate IsUnreadByOwner".lower().split())
"""Standard fields of people's objects whose rights are the object's: a permission set that names one is refused."""

_ADDRESSES = ("", "Mailing", "Other", "Billing", "Shipping")
_PARTS = "Street City State PostalCode Country StateCode CountryCode Latitude Longitude GeocodeAccuracy"
_WHOLE = {f"{address}{part}".lower(): f"{address}Address" for address in _ADDRESSES for part in _PARTS.split()}
"""The address that each standard part belongs to. On a person account these are the contact's."""

Json = Mapping[str, Any]

OWNER = "EntityDefinition.QualifiedApiName"
"""Names the sObject of a custom field or rule; the id in TableEnumOrId is another thing for each kind of sObject."""


@dataclass(frozen=True, slots=True)
class FoundField:
    """A field of the sObject."""

    name: str
    type: str  # as a describe names it
    rights_of: str | None  # whose permission decides: its own, its address's or its contact's; None where all have it
    record_id: str | None = None
    values: frozenset[str] = frozenset()
    metadata: Mapping[str, Any] | None = None  # where the administrator had to look it up
    parents: tuple[str, ...] = ()  # what a lookup can lead to


@dataclass(frozen=True, slots=True)
class FoundRule(ValidationRule):
    """A validation rule whose text holds a guard's marker, or that has a guard's name."""

    record_id: str
    formula: str


@dataclass(frozen=True, slots=True)
class FoundSet:
    """A permission set: rights by sObject, rights by `sObject.field` (true: may edit), each with its record's id."""

    rights: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    assigned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """One sObject of an org, before anything is changed; fields are known by `key_of` their names."""

    fields: Mapping[str, FoundField]
    rules: tuple[FoundRule, ...] = ()
    has_permission: bool = False
    sets: Mapping[str, FoundSet] = field(default_factory=dict)
    lacking: frozenset[str] = frozenset()
    """What the file names parents by and nobody has made, as `sObject.field`."""
    is_there: bool = True

    def field_named(self, name: str) -> FoundField | None:
        """A field by its name in any case; for one of a parent's the lookup."""
        return self.fields.get(key_of(name))

    def parents_key(self, name: str) -> str:
        """What a file names a parent by, as `sObject.field`; empty for a field of the sObject itself."""
        relationship, _, key = name.partition(".")
        there = self.field_named(name) if key else None
        parent = relationship.partition(":")[2] or next(iter(there.parents), "") if there else ""
        return f"{parent}.{key}" if parent else ""


def key_of(name: str) -> str:
    """What stands for a field, as Salesforce finds it in any case, or for a lookup by its relationship."""
    relationship, point, _ = name.lower().partition(".")
    return f"{relationship.partition(':')[0]}{point}"


def assumed(sobject: str, names: Iterable[str], is_there: bool = True) -> Found:
    """An org that nobody has looked at: it has these standard and foreign fields, and nothing that can be made here."""
    known = {key_of(name): FoundField(name, "", _assumed_rights(sobject, name)) for name in names}
    return Found({"ispersonaccount": FoundField("IsPersonAccount", "boolean", None), **known}, is_there=is_there)


def _assumed_rights(sobject: str, name: str) -> str | None:
    relationship, point, _ = name.partition(".")
    if point:
        lookup = relationship.partition(":")[0]
        name = f"{lookup[:-3]}__c" if lookup.endswith("__r") else f"{lookup}Id"
    home, own = home_of(sobject, name)
    if own.lower() in EVERYONE_HAS:
        return None
    whole = f"{own.split('__')[0]}__c" if own.endswith("__s") else own
    return f"{home}.{_WHOLE.get(own.lower(), whole)}"


def read_org(api: OrgApi, wanted: Wanted) -> Found:
    """Read everything that the plan needs; costs some ten calls."""
    is_there = not wanted.is_made or api.send("GET", f"sobjects/{wanted.sobject}/describe").status != 404
    fields = _fields(api, wanted) if is_there else {}
    named = {"Name": [each.name for each in wanted.sets], "NamespacePrefix": None}
    return Found(
        fields=fields,
        rules=tuple(_rules(api, wanted)),
        has_permission=bool(api.query("Id", "CustomPermission", {"DeveloperName": GUARD_EXEMPT})),
        sets={str(row["Name"]): _set(api, str(row["Id"])) for row in api.query("Id, Name", "PermissionSet", named)},
        lacking=frozenset(_lacking(api, wanted, Found(fields))),
        is_there=is_there,
    )


def who_am_i(api: OrgApi) -> tuple[str, str]:
    """The ids of the org and of the user that a token is for."""
    identity = str(api.ask(f"/services/data/v{api.version}/").get("identity", ""))
    *_, org, user = ["", "", *identity.split("/")]
    return org, user


def describe(api: OrgApi, sobject: str) -> Json:
    """The describe of an sObject as this token's user sees it."""
    answer = api.send("GET", f"sobjects/{sobject}/describe")
    if answer.status == 404:
        raise OrgError(f"This user cannot see an sObject {sobject}. Check salesforce_object in the file.")
    if not answer.good:
        raise OrgError(f"Salesforce refused to describe {sobject}: {answer.code}. {answer.text}")
    body: Json = answer.body
    return body


def _fields(api: OrgApi, wanted: Wanted) -> dict[str, FoundField]:
    described = {str(field["name"]): field for field in describe(api, wanted.sobject)["fields"]}
    ids = _custom_fields(api, wanted.sobject)
    fields = {name.lower(): _seen(wanted.sobject, found, described, ids) for name, found in described.items()}
    lookups = ((each.get("relationshipName"), fields[name.lower()]) for name, each in described.items())
    fields |= {key_of(f"{relationship}."): field for relationship, field in lookups if relationship}
    for each in wanted.fields:
        key = each.name.lower()
        known = fields.get(key)
        if key in ids and (known is None or (each.values and known.values < set(each.values))):
            fields[key] = _looked_up(api, ids[key], known or FoundField(each.name, "", None), wanted.sobject)
    return fields


def _lacking(api: OrgApi, wanted: Wanted, found: Found) -> Iterable[str]:
    for name in filter(None, (found.parents_key(name) for _, name in wanted.given)):
        parent, _, key = name.partition(".")
        # A package's field, ns__Key__c, is not in the list of the org's own.
        is_own = key.lower().endswith("__c") and key.count("__") == 1
        if is_own and key.lower() not in _custom_fields(api, parent):
            seen = (str(field["name"]).lower() for field in describe(api, parent)["fields"])
            yield from () if key.lower() in seen else (name,)


def _seen(sobject: str, field: Json, described: Mapping[str, Json], ids: Mapping[str, str]) -> FoundField:
    name, whole = str(field["name"]), described.get(str(field.get("compoundFieldName")))
    # The parts of an address call themselves permissionable, and a permission set that names one is refused.
    owner = next((str(each["name"]) for each in (whole, field) if each and each.get("permissionable")), None)
    values = {str(value["value"]) for value in field.get("picklistValues") or () if value.get("active", True)}
    rights_of, parents = ".".join(home_of(sobject, owner)) if owner else None, tuple(field.get("referenceTo") or ())
    return FoundField(name, str(field["type"]), rights_of, ids.get(name.lower()), frozenset(values), None, parents)


def _looked_up(api: OrgApi, record_id: str, known: FoundField, sobject: str) -> FoundField:
    """What the administrator has no right to see, or what only the metadata tells."""
    record = api.ask(f"tooling/sobjects/CustomField/{record_id}")
    metadata, name = record["Metadata"], f"{record['DeveloperName']}__{known.name.rpartition('__')[2].lower()}"
    definition = (metadata.get("valueSet") or {}).get("valueSetDefinition") or {}
    kind = DESCRIBED_TYPES.get(str(metadata.get("type")), str(metadata.get("type")))
    hidden = None if known.type or metadata.get("required") else ".".join(home_of(sobject, name))
    values = frozenset(str(value.get("valueName")) for value in definition.get("value") or ())
    return FoundField(name, kind, known.rights_of or hidden, record_id, values, metadata)


def _custom_fields(api: OrgApi, sobject: str) -> dict[str, str]:
    """The ids of the custom fields; a person account has those of its contact too."""
    homes = {sobject: "__c", **({"Contact": "__pc"} if sobject == "Account" else {})}
    ids: dict[str, str] = {}
    for home, end in homes.items():
        where = {OWNER: home, "NamespacePrefix": None}
        rows = api.query("Id, DeveloperName", "CustomField", where, "tooling/query")
        ids |= {f"{row['DeveloperName']}{end}".lower(): str(row["Id"]) for row in rows}
    return ids


def _rules(api: OrgApi, wanted: Wanted) -> Iterable[FoundRule]:
    columns = "Id, ValidationName, Active, ErrorMessage"
    rows = api.query(columns, "ValidationRule", {OWNER: wanted.sobject}, "tooling/query")
    names = {rule_name(field).lower() for field in wanted.guards}
    for row in rows:
        name, message = str(row["ValidationName"]), str(row["ErrorMessage"] or "")
        if name.lower() in names or any(stale_marker(field) in message for field in wanted.guards):
            metadata = api.ask(f"tooling/sobjects/ValidationRule/{row['Id']}")["Metadata"]
            formula = str(metadata.get("errorConditionFormula") or "")
            yield FoundRule(name, row["Active"] is True, message, str(row["Id"]), formula)


def _set(api: OrgApi, set_id: str) -> FoundSet:
    rights = ", ".join(f"Permissions{right}" for right in RIGHTS)
    objects = api.query(f"Id, SobjectType, {rights}", "ObjectPermissions", {"ParentId": set_id})
    fields = api.query("Id, Field, PermissionsEdit", "FieldPermissions", {"ParentId": set_id})
    users = api.query("AssigneeId", "PermissionSetAssignment", {"PermissionSetId": set_id})
    given = ((row, frozenset(right for right in RIGHTS if row.get(f"Permissions{right}"))) for row in objects)
    return FoundSet(
        rights={str(row["SobjectType"]): (str(row["Id"]), rights) for row, rights in given},
        fields={str(row["Field"]): (str(row["Id"]), row["PermissionsEdit"] is True) for row in fields},
        assigned=frozenset(str(row["AssigneeId"]) for row in users),
    )
