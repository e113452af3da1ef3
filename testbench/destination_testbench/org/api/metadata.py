"""Metadata: custom fields as the Tooling API describes them, and custom permissions by the Metadata API in SOAP."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any
from xml.etree import ElementTree

from destination_testbench.org.api.call import check_version
from destination_testbench.org.api.setup_objects import CustomPermissions
from destination_testbench.org.exchange import OrgReply, OrgRequest
from destination_testbench.org.faults.failure import NOT_BUILT, RequestFailure, not_simulated
from destination_testbench.org.login.sessions import Session, Sessions
from destination_testbench.org.login.soap_login import OPERATION
from destination_testbench.org.records.store import RecordStore, StoredRecord
from destination_testbench.org.schema.schema import Field, SObject

API_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c\Z")
NAME_LENGTH = 43
SHORT_TEXT_AREA = 255
TYPES = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Checkbox": "boolean",
    "DateTime": "datetime",
    "Date": "date",
    "Number": "double",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Currency": "currency",
    "Lookup": "reference",
    "MasterDetail": "reference",
}
TEXT_LENGTHS = {"email": 80, "phone": 40, "url": 255, "picklist": 255, "multipicklist": 4099}
RELATIONSHIPS = {"Lookup", "MasterDetail"}
NUMBERS = {"Number", "Currency"}
EXTERNAL_ID_TYPES = {"Text", "Number", "Email"}
# Limits of one sObject: characters in all long text areas, external-ID fields, custom fields (by edition 500 to 800).
LONG_TEXT_ALLOWANCE = 1_638_400
EXTERNAL_ID_FIELDS = 25
CUSTOM_FIELDS = 500


def field_from(name: str, metadata: dict[str, Any]) -> Field:
    """The field that a piece of metadata describes."""
    kind = metadata.get("type")
    if kind not in TYPES:
        raise refused("INVALID_TYPE", f"Cannot find a field type named {kind}")
    if not isinstance(label := metadata.get("label"), str) or not label:
        raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [MasterLabel]")
    if not API_NAME.match(name) or len(name) > NAME_LENGTH:
        raise refused(
            "INVALID_FIELD", f"The Field Name {name} can only contain underscores and alphanumeric characters."
        )
    external, checkbox = metadata.get("externalId") is True, kind == "Checkbox"
    if external and kind not in EXTERNAL_ID_TYPES:
        raise refused("FIELD_INTEGRITY_EXCEPTION", f"Can not specify 'externalId' for a CustomField of type {kind}")
    related, owner = kind in RELATIONSHIPS, str(metadata.get("referenceTo") or "")
    if related and not (owner and metadata.get("relationshipName")):
        raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [ReferenceTo, RelationshipName]")
    values = picklist_values(metadata) if kind in ("Picklist", "MultiselectPicklist") else ()
    return Field(
        name,
        label,
        TYPES[kind],
        length_of(kind, metadata),
        nillable=not checkbox and kind != "MasterDetail" and metadata.get("required") is not True,
        createable=True,
        updateable=kind != "MasterDetail" or metadata.get("reparentableMasterDetail") is True,
        cascade=kind == "MasterDetail",
        reference_to=(owner,) if related else (),
        relationship=f"{name.removesuffix('__c')}__r" if related else None,
        defaulted=checkbox,
        unique=metadata.get("unique") is True,
        external_id=external,
        id_lookup=external,
        case_sensitive=metadata.get("caseSensitive") is True,
        restricted=bool(values) and metadata["valueSet"].get("restricted") is True,
        precision=digits(metadata, "precision") if kind in NUMBERS else 0,
        scale=digits(metadata, "scale") if kind in NUMBERS else 0,
        extra="plaintextarea" if TYPES[kind] == "textarea" else None,
        values=values,
        default=str(metadata.get("defaultValue")).lower() == "true" if checkbox else None,
    )


def metadata_of(field: Field) -> dict[str, Any]:
    """The piece of metadata that describes a field which was there from the start."""
    long = field.type == "textarea" and field.length > SHORT_TEXT_AREA
    kinds = [name for name, type_ in TYPES.items() if type_ == field.type]
    kind = "LongTextArea" if long else kinds[-1 if field.cascade else 0]
    metadata: dict[str, Any] = {"label": field.label, "type": kind, "required": field.required}
    if kind in ("Text", "LongTextArea"):
        metadata["length"] = field.length
    if kind in ("LongTextArea", "MultiselectPicklist"):
        metadata["visibleLines"] = field.precision or 3
    if field.reference_to:
        metadata |= {"referenceTo": field.reference_to[0], "relationshipName": f"{field.label.replace(' ', '_')}s"}
    if kind in NUMBERS:
        metadata |= {"precision": field.precision, "scale": field.scale}
    if kind == "Checkbox":
        metadata["defaultValue"] = "false"
    if field.external_id:
        metadata |= {"externalId": True, "unique": field.unique, "caseSensitive": field.case_sensitive}
    if field.values:
        values = [{"valueName": value, "label": label, "default": False} for value, label in field.values]
        metadata["valueSet"] = {
            "restricted": field.restricted,
            "valueSetDefinition": {"sorted": False, "value": values},
        }
    return metadata


def length_of(kind: str, metadata: dict[str, Any]) -> int:
    """The field's length: given for texts, fixed for most others."""
    if kind == "Text":
        return between(metadata, "length", 1, 255)
    if kind == "TextArea":
        return 255
    if kind == "LongTextArea":
        between(metadata, "visibleLines", 1, 50)
        return between(metadata, "length", 256, 131_072)
    if kind == "MultiselectPicklist":
        between(metadata, "visibleLines", 3, 10)
    return TEXT_LENGTHS.get(TYPES[kind], 0)


def digits(metadata: dict[str, Any], name: str) -> int:
    """Precision or scale of a number: together at most 18 digits."""
    if name == "scale":
        return between(metadata, name, 0, between(metadata, "precision", 1, 18))
    return between(metadata, name, 1, 18)


def between(metadata: dict[str, Any], name: str, least: int, most: int) -> int:
    """A whole number within Salesforce's bounds."""
    value = metadata.get(name)
    if value is None:
        raise refused(
            "FIELD_INTEGRITY_EXCEPTION", f"Must specify '{name}' for a CustomField of type {metadata['type']}"
        )
    if not isinstance(value, int) or not least <= value <= most:
        raise refused("FIELD_INTEGRITY_EXCEPTION", f"Value for {name} must be between {least} and {most}")
    return value


def picklist_values(metadata: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The values of a new picklist, with their labels."""
    definition = (metadata.get("valueSet") or {}).get("valueSetDefinition") or {}
    given = definition.get("value") or ()
    values = [(str(v["valueName"]), str(v.get("label") or v["valueName"])) for v in given if v.get("valueName")]
    if not values:
        raise refused("FIELD_INTEGRITY_EXCEPTION", "Must specify 'valueSet' for a CustomField of this type")
    return tuple(values)


def check_limits(sobject: SObject, field: Field) -> None:
    """Refuse a field beyond the custom fields, external ids or long text that an sObject may have."""
    others = [other for other in sobject.fields.values() if other.custom and other.name != field.name]
    if len(others) >= CUSTOM_FIELDS:
        raise refused("LIMIT_EXCEEDED", f"You have reached the maximum number of custom fields for {sobject.label}.")
    if field.external_id and sum(other.external_id for other in others) >= EXTERNAL_ID_FIELDS:
        raise refused("LIMIT_EXCEEDED", "You have reached the maximum number of external ID fields.")
    long = [other.length for other in (*others, field) if other.type == "textarea" and other.length > 255]
    if field.length > 255 and field.type == "textarea" and sum(long) > LONG_TEXT_ALLOWANCE:
        raise refused("LIMIT_EXCEEDED", "You have exceeded the maximum number of characters in long text fields.")


def refused(code: str, message: str) -> RequestFailure:
    """The refusal of a piece of metadata."""
    return RequestFailure(400, code, message)


PATH = re.compile(r"/services/Soap/m/(\d+\.\d)(?:/\w*)?\Z")
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
ENVELOPE_NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
INSTANCE_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
PERMISSION_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*\Z")
PERMISSION_NAME_LENGTH = 80
MOST_COMPONENTS = 10


class MetadataRefused(Exception):
    """A fault of the whole request."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


class ComponentRefused(Exception):
    """One component is not made."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


class SoapMetadata:
    """Answers createMetadata() for the type CustomPermission, and readMetadata() for PermissionSet."""

    def __init__(self, sessions: Sessions, permissions: CustomPermissions, store: RecordStore) -> None:
        self._sessions, self._permissions, self._store = sessions, permissions, store

    def answer(self, request: OrgRequest, version: str, now: float) -> OrgReply:
        """One result for each component; status 500 with a fault when nothing was looked at."""
        try:
            check_version(version)
            body = self._body(request)
            session = self._session(body, now)
            if (asked := body.find(f".//{{{NAMESPACE}}}readMetadata")) is not None:
                return self._shown(asked, session)
            call = body.find(f".//{{{NAMESPACE}}}createMetadata")
            if call is None:
                operation = OPERATION.search(request.body.decode("utf-8", "replace"))
                raise not_simulated(f"the Metadata API's {operation[1] if operation else 'call'}")
            components = list(call)
            if not 0 < len(components) <= MOST_COMPONENTS:
                raise MetadataRefused("LIMIT_EXCEEDED", "between 1 and 10 components of createMetadata are supported")
            results = "".join(self._result(component, session) for component in components)
        except RequestFailure as failure:
            if failure.status == NOT_BUILT:
                raise
            return fault("UNSUPPORTED_API_VERSION", str(failure.errors[0]["message"]))
        except MetadataRefused as refused:
            return fault(refused.code, refused.message)
        return envelope(200, f'<createMetadataResponse xmlns="{NAMESPACE}">{results}</createMetadataResponse>')

    def _shown(self, asked: ElementTree.Element, session: Session) -> OrgReply:
        kind = asked.findtext(f"{{{NAMESPACE}}}type")
        if kind != "PermissionSet":
            raise not_simulated(f"readMetadata of the type {kind or '(none)'}")
        if not session.user.admin:
            text = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
            raise MetadataRefused("INSUFFICIENT_ACCESS", text)
        names = [element.text or "" for element in asked.iterfind(f"{{{NAMESPACE}}}fullNames")]
        sets = {str(row.get("Name")): row for row in self._rows("PermissionSet")}
        records = "".join(
            f'<records xsi:type="PermissionSet">{permission_set_xml(name, sets[name], self._rows)}</records>'
            if name in sets
            else '<records xsi:nil="true"/>'
            for name in names
        )
        scope = f'xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        return envelope(200, f"<readMetadataResponse {scope}><result>{records}</result></readMetadataResponse>")

    def _rows(self, sobject: str) -> list[StoredRecord]:
        return list(self._store.table(self._store.schema.sobjects[sobject]))

    def _body(self, request: OrgRequest) -> ElementTree.Element:
        if "text/xml" not in request.header("content-type") or not request.header("soapaction"):
            raise MetadataRefused("INVALID_REQUEST", "SOAPAction HTTP header missing")
        if b"<!DOCTYPE" in request.body:
            raise MetadataRefused("INVALID_REQUEST", "document types are not supported")
        try:
            # The org runs on a person's own machine, and documents with entities are refused above.
            return ElementTree.fromstring(request.body)  # noqa: S314  # nosec B314
        except ElementTree.ParseError:
            raise MetadataRefused("INVALID_REQUEST", "the request is no XML") from None

    def _session(self, body: ElementTree.Element, now: float) -> Session:
        token = body.findtext(f".//{{{NAMESPACE}}}SessionHeader/{{{NAMESPACE}}}sessionId") or ""
        if (session := self._sessions.use(token.strip(), now)) is None:
            text = "Invalid Session ID found in SessionHeader: Illegal Session"
            raise MetadataRefused("INVALID_SESSION_ID", text)
        return session

    def _result(self, component: ElementTree.Element, session: Session) -> str:
        name = component.findtext(f"{{{NAMESPACE}}}fullName") or ""
        full_name = f"<fullName>{escape(name)}</fullName>"
        try:
            self._make(component, name, session)
        except ComponentRefused as refused:
            error = f"<message>{escape(refused.message)}</message><statusCode>{refused.code}</statusCode>"
            return f"<result><errors>{error}</errors>{full_name}<success>false</success></result>"
        return f"<result>{full_name}<success>true</success></result>"

    def _make(self, component: ElementTree.Element, name: str, session: Session) -> None:
        kind = component.get(INSTANCE_TYPE, "").rpartition(":")[2]
        if kind != "CustomPermission":
            raise not_simulated(f"createMetadata of the type {kind or '(none)'}")
        if not session.user.admin:
            raise ComponentRefused("INSUFFICIENT_ACCESS", "insufficient access rights on entity: CustomPermission")
        if not PERMISSION_NAME.match(name) or len(name) > PERMISSION_NAME_LENGTH:
            raise ComponentRefused("INVALID_FULLNAME", "The name can only contain underscores and alphanumerics")
        label = component.findtext(f"{{{NAMESPACE}}}label")
        if not label or component.findtext(f"{{{NAMESPACE}}}isLicensed") not in ("true", "false"):
            raise ComponentRefused("REQUIRED_FIELD_MISSING", "Required field is missing: label or isLicensed")
        if name in self._permissions.names:
            raise ComponentRefused("DUPLICATE_DEVELOPER_NAME", f"The name {name} is already in use.")
        self._permissions.add(name, label, component.findtext(f"{{{NAMESPACE}}}description"))


def permission_set_xml(name: str, found: StoredRecord, rows: Callable[[str], list[StoredRecord]]) -> str:
    """Everything that a permission set has, in the words of the Metadata API."""
    members: list[tuple[str, dict[str, object]]] = []
    names = {row.id: row.get("DeveloperName") for row in rows("CustomPermission")}
    for row in (row for row in rows("SetupEntityAccess") if row.get("ParentId") == found.id):
        members.append(("customPermissions", {"enabled": True, "name": names[str(row.get("SetupEntityId"))]}))
    for row in (row for row in rows("FieldPermissions") if row.get("ParentId") == found.id):
        rights = {"editable": row.get("PermissionsEdit"), "field": row.get("Field")}
        members.append(("fieldPermissions", {**rights, "readable": row.get("PermissionsRead")}))
    for row in (row for row in rows("ObjectPermissions") if row.get("ParentId") == found.id):
        given = {f"allow{right}": row.get(f"Permissions{right}") for right in ("Create", "Delete", "Edit", "Read")}
        all_records = {f"{end}AllRecords": row.get(f"Permissions{end.title()}AllRecords") for end in ("modify", "view")}
        members.append(("objectPermissions", {**given, **all_records, "object": row.get("SobjectType")}))
    text = "".join(
        f"<{tag}>{''.join(_leaf(*leaf) for leaf in sorted(entry.items()))}</{tag}>" for tag, entry in members
    )
    label = "".join(_leaf(tag.lower(), found.get(tag)) for tag in ("Description", "Label") if found.get(tag))
    return f"<fullName>{name}</fullName>{label}<hasActivationRequired>false</hasActivationRequired>{text}"


def _leaf(name: str, value: object) -> str:
    return f"<{name}>{str(bool(value)).lower() if value in (True, False, None) else escape(str(value))}</{name}>"


def fault(code: str, message: str) -> OrgReply:
    """A SOAP fault."""
    inner = f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
    return envelope(500, f"<soapenv:Fault>{inner}</soapenv:Fault>")


def envelope(status: int, body: str) -> OrgReply:
    """An envelope around a body."""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{ENVELOPE_NAMESPACE}"'
        f' xmlns:sf="http://soap.sforce.com/2006/04/metadata"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    )
    return OrgReply(status, {"Content-Type": "text/xml;charset=UTF-8"}, text.encode())
