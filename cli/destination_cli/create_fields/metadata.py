"""
The pieces of metadata that Salesforce is given, and what only its Metadata API does.

The export writes the same pieces as XML, so that a field made by hand of the export is the field made here.

Neither REST nor the Tooling API makes custom permissions ("CustomPermission" in the Object Reference: query and
retrieve only), or shows the whole of a permission set. createMetadata() and readMetadata() do, without a package and
waiting. The token travels in the body. Salesforce takes no tokens in JWT format here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from html import unescape
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from salesforce_destination.record.guards import GUARD_EXEMPT

from destination_cli.create_fields.needs import NAMES, FieldKind, WantedField, WantedRule
from destination_cli.org_api import OrgApi, OrgError

Json = dict[str, Any]
Element = ElementTree.Element

DESCRIBED_TYPES = {
    **{names.metadata: names.described for names in NAMES.values()},
    "TextArea": "textarea",
    "Html": "textarea",
    "Email": "email",
    "Picklist": "picklist",
}
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


def field_metadata(field: WantedField) -> Json:
    """A new custom field. Nothing is required of anyone, and nothing is tracked."""
    metadata: Json = {"description": field.description, "label": field.label, "type": NAMES[field.kind].metadata}
    match field.kind:
        case FieldKind.CHECKBOX:
            metadata["defaultValue"] = "false"
        case FieldKind.TEXT | FieldKind.LONG_TEXT:
            metadata["length"] = field.length
        case FieldKind.NUMBER:
            metadata |= {"precision": 18, "scale": 0}
    if field.kind is FieldKind.LONG_TEXT:
        metadata["visibleLines"] = 3
    if field.kind is FieldKind.MULTI_SELECT:
        # Unrestricted: an audience that is new in the file is delivered even before its value is in the list.
        definition = {"sorted": False, "value": list(map(_value, field.values))}
        metadata["valueSet"] = {"restricted": False, "valueSetDefinition": definition}
        metadata["visibleLines"] = max(3, min(10, len(field.values)))
    if field.kind is not FieldKind.CHECKBOX:
        metadata["required"] = False
    if field.finds_records:
        metadata |= {"caseSensitive": field.case_sensitive, "externalId": True, "unique": True}
    return metadata


def with_values(metadata: Mapping[str, Any], values: tuple[str, ...]) -> Json | None:
    """The metadata of a picklist with more values; None where its values are those of a global value set."""
    value_set = metadata.get("valueSet") or {}
    definition = value_set.get("valueSetDefinition")
    if not definition:
        return None
    more = [*definition.get("value", ()), *map(_value, values)]
    return {**metadata, "valueSet": {**value_set, "valueSetDefinition": {**definition, "value": more}}}


def rule_metadata(rule: WantedRule) -> Json:
    """A guard. No field is named for the message: deliveries look for the marker only, and people see it on top."""
    return {
        "active": True,
        "description": f"Keeps an older event of the customer-data platform off a newer {rule.field}.",
        "errorConditionFormula": rule.formula,
        "errorMessage": rule.message,
    }


def permission_metadata() -> Json:
    """The custom permission that the guards let pass."""
    return {
        "description": "The guards of the customer-data platform's fields let its holders pass, for repairs by hand.",
        "isLicensed": False,
        "label": GUARD_EXEMPT.replace("_", " "),
    }


def _value(name: str) -> Json:
    return {"default": False, "label": name, "valueName": name}


def create_metadata(api: OrgApi, kind: str, name: str, metadata: Mapping[str, Any]) -> tuple[str, str] | None:
    """Make one component; None when it was made, else the code and the text of the refusal."""
    members = "".join(f"<{key}>{_text(value)}</{key}>" for key, value in {"fullName": name, **metadata}.items())
    answer = soap(api, "m", f'<createMetadata><metadata xsi:type="{kind}">{members}</metadata></createMetadata>')
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


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else escape(str(value))
