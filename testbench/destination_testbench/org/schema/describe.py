"""What describe tells about an sObject and its fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from destination_testbench.org.schema.schema import Field, SObject

SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
}
# What is the same for every field here.
REST: dict[str, Any] = {
    "aggregatable": True,
    "aiPredictionField": False,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "mask": None,
    "maskType": None,
    "namePointing": False,
    "queryByDistance": False,
    "referenceTargetField": None,
    "restrictedDelete": False,
    "searchPrefilterable": False,
}
MASTER_TYPE = "012000000000000AAA"
SOBJECT_FLAGS = {
    "activateable": False,
    "associateEntityType": None,
    "associateParentEntity": None,
    "compactLayoutable": True,
    "createable": True,
    "deepCloneable": False,
    "defaultImplementation": None,
    "deletable": True,
    "extendedBy": None,
    "extendsInterfaces": None,
    "feedEnabled": True,
    "hasSubtypes": False,
    "implementedBy": None,
    "implementsInterfaces": None,
    "isInterface": False,
    "isSubtype": False,
    "layoutable": True,
    "mergeable": True,
    "mruEnabled": True,
    "queryable": True,
    "replicateable": True,
    "retrieveable": True,
    "searchLayoutable": True,
    "searchable": True,
    "triggerable": True,
    "undeletable": True,
    "updateable": True,
}


def described_field(field: Field, createable: bool, updateable: bool) -> dict[str, Any]:
    """One field, with the rights of the user who asks."""
    return REST | {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "length": field.length,
        "byteLength": field.length if field.type in ("id", "reference") else 3 * field.length,
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "extraTypeInfo": field.extra,
        "nillable": field.nillable,
        "createable": createable,
        "updateable": updateable,
        "permissionable": field.permissionable,
        "defaultedOnCreate": field.defaulted,
        "defaultValue": field.default if field.type in ("boolean", "picklist") else None,
        "unique": field.unique,
        "externalId": field.external_id,
        "idLookup": field.id_lookup,
        "caseSensitive": field.case_sensitive,
        "custom": field.custom,
        "restrictedPicklist": field.restricted,
        "precision": field.precision,
        "scale": field.scale,
        "digits": field.digits,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship,
        "compoundFieldName": field.compound,
        "nameField": field.name == "Name" or field.name_field,
        "cascadeDelete": field.cascade,
        "relationshipOrder": 0 if field.cascade else None,
        "writeRequiresMasterRead": field.cascade,
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "filterable": field.filterable,
        "sortable": field.filterable,
        "groupable": field.groupable,
        "calculated": False,
        "calculatedFormula": None,
        "autoNumber": False,
        "inlineHelpText": None,
        "picklistValues": [
            {
                "active": value not in field.inactive,
                "defaultValue": value == field.default,
                "label": label,
                "validFor": None,
                "value": value,
            }
            for value, label in field.values
        ],
    }


def overview(sobject: SObject, root: str) -> dict[str, Any]:
    """An sObject without its fields, as the list of all sObjects has it."""
    url = f"{root}/sobjects/{sobject.name}"
    return {
        "name": sobject.name,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "keyPrefix": sobject.prefix,
        "custom": sobject.custom,
        "customSetting": False,
        "deprecatedAndHidden": False,
        **SOBJECT_FLAGS,
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }


def described_type(root: str, sobject: str, id_: str, name: str, label: str, active: bool, may: bool) -> dict[str, Any]:
    """A record type; `may` tells whether the user who asks may give it to a record."""
    return {
        "active": active,
        "available": may,
        "defaultRecordTypeMapping": id_ == MASTER_TYPE,
        "developerName": name,
        "master": id_ == MASTER_TYPE,
        "name": label,
        "recordTypeId": id_,
        "urls": {"layout": f"{root}/sobjects/{sobject}/describe/layouts/{id_}"},
    }


def children_of(sobject: SObject, all_of_them: Iterable[SObject]) -> list[dict[str, Any]]:
    """The reference fields of all sObjects that may name its records."""
    return [
        {"childSObject": child.name, "field": field.name, "cascadeDelete": field.cascade, "deprecatedAndHidden": False}
        for child in all_of_them
        for field in child.fields.values()
        if sobject.name in field.reference_to
    ]


def described(sobject: SObject, root: str, fields: list[dict[str, Any]], types: list[dict[str, Any]]) -> dict[str, Any]:
    """An sObject with its fields and its record types; every one has the master's."""
    return {
        **overview(sobject, root),
        "listviewable": None,
        "lookupLayoutable": None,
        "networkScopeFieldName": None,
        "sobjectDescribeOption": "FULL",
        "childRelationships": [],
        "recordTypeInfos": [*types, described_type(root, sobject.name, MASTER_TYPE, "Master", "Master", True, True)],
        "supportedScopes": [{"label": f"All {sobject.plural.lower()}", "name": "everything"}],
        "fields": fields,
    }
