"""The pieces of metadata that Salesforce is given, also as XML by the export, and what only its Metadata API does.

Neither REST nor the Tooling API makes custom permissions ("CustomPermission" in the Object Reference: query and
retrieve only), shows the whole of a permission set, or says which fields a converted lead hands on. The Metadata API's
calls do, without a package and waiting. The token travels in the body. Salesforce takes no tokens in JWT format here.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from html import unescape
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from salesforce_destination.record.guards import GUARD_EXEMPT, guard_formula, stale_marker

from destination_cli.create_fields.needs import FieldKind, WantedField
from destination_cli.org_api import OrgApi, OrgError

Json = dict[str, Any]
Element = ElementTree.Element

DESCRIBED_TYPES = {kind.metadata: kind.described for kind in FieldKind}
DESCRIBED_TYPES |= {"TextArea": "textarea", "Html": "textarea", "Email": "email", "Picklist": "picklist"}
"""Types in metadata by the names that a describe has for them, as far as a field here could be one."""

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_NAMESPACES = {"m": NAMESPACE, "u": "urn:partner.soap.sforce.com"}
_HEADERS = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:s="urn:sobject.partner.soap.sforce.com" xmlns="{}">'
    "<e:Header><SessionHeader><sessionId>{}</sessionId></SessionHeader></e:Header><e:Body>{}</e:Body></e:Envelope>"
)
_CODE = re.compile(r"<(?:\w+:)?(?:statusCode|faultcode)>(?:\w+:)?([A-Z_]+)<")
_TEXT = re.compile(r"<(?:\w+:)?(?:message|faultstring)>(.*?)</", re.DOTALL)


_KEPT = {"deleteConstraint": "SetNull"}  # a row stays when its person is deleted


def field_metadata(field: WantedField) -> Json:
    """A new custom field. Nothing is required of anyone, and nothing is tracked."""
    metadata: Json = {"description": field.description, "label": field.label, "type": field.kind.metadata}
    of_kind: dict[FieldKind, Json] = {
        FieldKind.CHECKBOX: {"defaultValue": "false"},
        FieldKind.TEXT: {"length": field.length},
        FieldKind.LONG_TEXT: {"length": field.length, "visibleLines": 3},
        FieldKind.NUMBER: {"precision": 18, "scale": 0},
        FieldKind.LOOKUP: {"referenceTo": field.parent, "relationshipName": f"{field.name[:-3]:.35}_Rows", **_KEPT},
    }
    metadata |= of_kind.get(field.kind, {})
    if field.kind is FieldKind.MULTI_SELECT:
        # Unrestricted: an audience that is new in the file is delivered even before its value is in the list.
        definition = {"sorted": False, "value": list(map(_value, field.values))}
        metadata["valueSet"] = {"restricted": False, "valueSetDefinition": definition}
        metadata["visibleLines"] = max(3, min(10, len(field.values)))
    if field.kind is not FieldKind.CHECKBOX:
        metadata["required"] = False
    if field.finds_records:
        case = {"caseSensitive": field.case_sensitive} if field.unique else {}
        metadata |= {"externalId": True, "unique": field.unique, **case}
    return metadata


def with_values(metadata: Mapping[str, Any], values: tuple[str, ...]) -> Json | None:
    """The metadata of a picklist with more values; None where its values are those of a global value set."""
    value_set = metadata.get("valueSet") or {}
    if not (definition := value_set.get("valueSetDefinition")):
        return None
    more = [*definition.get("value", ()), *map(_value, values)]
    return {**metadata, "valueSet": {**value_set, "valueSetDefinition": {**definition, "value": more}}}


def rule_metadata(field: str) -> Json:
    """A guard. No field is named for the message: deliveries look for the marker only, and people see it on top."""
    about = f"Keeps an older event of the customer-data platform off a newer {field}."
    said = f"A newer value is there already. {stale_marker(field)}"
    return {"active": True, "description": about, "errorConditionFormula": guard_formula(field), "errorMessage": said}


PERMISSION: Json = {
    "description": "The guards of the customer-data platform's fields let its holders pass, for repairs by hand.",
    "isLicensed": False,
    "label": GUARD_EXEMPT.replace("_", " "),
}
"""The custom permission that the guards let pass."""


def made_whole(sobject: str) -> dict[str, Json]:
    """An object whose records nobody sees without a permission set, and its tab."""
    label = sobject.removesuffix("__c").replace("_", " ")
    names = {"label": label, "pluralLabel": f"{label}s", "deploymentStatus": "Deployed", "sharingModel": "Private"}
    name_field = {"type": "AutoNumber", "label": "Number", "displayFormat": "{0}"}
    tab = {"customObject": True, "motif": "Custom53: Bell"}
    return {"CustomObject": {**names, "enableReports": True, "nameField": name_field}, "CustomTab": tab}


LEAD_CONVERSION = "LeadConvertSettings"
"""The type, and the one component of it, that says which custom fields a converted lead hands on."""


def read_conversion(api: OrgApi) -> Json | None:
    """Everything that the org says of converted leads; None where it does not show it to this administrator."""
    try:
        return _members(read_metadata(api, LEAD_CONVERSION, [LEAD_CONVERSION])[LEAD_CONVERSION])
    except OrgError:
        return None


def handed_on_in(conversion: Mapping[str, Any]) -> dict[str, str]:
    """The fields that a converted lead hands on to its contact: the contact's by the lead's."""
    rows = _to_contact(conversion).get("mappingFields", ())
    return {str(*row["inputField"]): str(*row["outputField"]) for row in rows}


def with_handed_on(conversion: Mapping[str, Any], fields: Mapping[str, str]) -> Json:
    """The same with more fields. The whole is sent: no page says that Salesforce keeps what is left out."""
    known, others = _to_contact(conversion), conversion.get("objectMapping", ())
    rows = [{"inputField": lead, "outputField": contact} for lead, contact in fields.items()]
    all_rows = [*known.get("mappingFields", ()), *rows]
    mapping = {"inputObject": "Lead", "outputObject": "Contact", "mappingFields": all_rows}
    return {**conversion, "objectMapping": [*(other for other in others if other is not known), mapping]}


def _to_contact(conversion: Mapping[str, Any]) -> Json:
    return next((each for each in conversion.get("objectMapping", ()) if each["outputObject"] == ["Contact"]), {})


def _members(element: Element) -> Json:
    found: Json = {}
    for child in element:
        if value := _members(child) if len(child) else child.text:
            found.setdefault(child.tag, []).append(value)
    return found


def add_members(parent: Element, members: Mapping[str, Any]) -> None:
    """Write members as XML."""
    # Salesforce's own tools write the members in alphabetical order, with the name before all others.
    for name in sorted(members, key=lambda name: (name != "fullName", name)):
        value = members[name]
        for item in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
            child = ElementTree.SubElement(parent, name)
            if isinstance(item, Mapping):
                add_members(child, _picklist_value(item) if name == "value" else item)
            else:
                child.text = str(item).lower() if isinstance(item, bool) else str(item)


def _picklist_value(value: Mapping[str, Any]) -> Json:
    """The Tooling API says `valueName` where the Metadata API says `fullName`."""
    known = {name: content for name, content in value.items() if content is not None and name != "valueName"}
    return {**known, "fullName": value["valueName"]}


def _value(name: str) -> Json:
    return {"default": False, "label": name, "valueName": name}


def write_metadata(api: OrgApi, kind: str, name: str, metadata: Mapping[str, Any]) -> tuple[str, str] | None:
    """Make a custom permission, or change how leads are converted; None if done, else code and text of the refusal."""
    call = "updateMetadata" if kind == LEAD_CONVERSION else "createMetadata"
    component = ElementTree.Element("metadata", {"xsi:type": kind})
    add_members(component, {**metadata, "fullName": name})
    answer = soap(api, "m", f"<{call}>{ElementTree.tostring(component, encoding='unicode')}</{call}>")
    return None if "<success>true</success>" in answer[1] else refusal(*answer)


def read_metadata(api: OrgApi, kind: str, names: Collection[str]) -> dict[str, Element]:
    """Everything that components of one kind have in the org, by their names; OrgError if one is not shown."""
    wanted = "".join(f"<fullNames>{escape(name)}</fullNames>" for name in names)
    status, text = soap(api, "m", f"<readMetadata><type>{kind}</type>{wanted}</readMetadata>")
    if "readMetadataResponse" not in text or "<!DOCTYPE" in text:
        code, message = refusal(status, text)
        raise OrgError(f"Salesforce refused to show the {kind} {', '.join(names)}: {code}. {message}")
    # Salesforce's own answer, over TLS; one with entities is refused above.
    root = ElementTree.fromstring(text)  # noqa: S314  # nosec B314
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib.clear()
    found = {name: record for record in root.iter("records") if (name := record.findtext("fullName"))}
    if hidden := [name for name in names if name not in found]:
        raise OrgError(f"Salesforce does not show the {kind} {', '.join(hidden)}.")
    return found


def soap(api: OrgApi, service: str, call: str) -> tuple[int, str]:
    """Call the Metadata API ("m") or the Partner API ("u"): the status and the text of the answer."""
    body = _ENVELOPE.format(_NAMESPACES[service], escape(api.token.value), call)
    answer = api.send("POST", f"/services/Soap/{service}/{api.version}", body.encode(), headers=_HEADERS)
    return answer.status, answer.body if isinstance(answer.body, str) else ""


def refusal(status: int, text: str) -> tuple[str, str]:
    """The code and the text of a call that was refused."""
    code, message = _CODE.search(text), _TEXT.search(text)
    return code[1] if code else f"HTTP_{status}", unescape(message[1]) if message else ""
