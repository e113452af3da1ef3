"""The Metadata API in SOAP: custom permissions, permission sets, and what becomes of a converted lead's fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from xml.etree import ElementTree

from destination_testbench.org.api.call import check_version
from destination_testbench.org.api.components import Components
from destination_testbench.org.api.metadata import refused
from destination_testbench.org.exchange import OrgReply, OrgRequest
from destination_testbench.org.faults.failure import NOT_BUILT, RequestFailure, not_simulated
from destination_testbench.org.login.sessions import Session, Sessions
from destination_testbench.org.login.soap_login import OPERATION
from destination_testbench.org.records.store import RecordStore, StoredRecord
from destination_testbench.org.schema.schema import Field

PATH = re.compile(r"/services/Soap/m/(\d+\.\d)(?:/\w*)?\Z")
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
ENVELOPE_NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
INSTANCE_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
MOST_COMPONENTS = 10


CONVERSION = "LeadConvertSettings"
Maker = Callable[[ElementTree.Element, str, Session, float], None]


class MetadataRefused(Exception):
    """A fault of the whole request."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


class SoapMetadata:
    """Answers createMetadata() for the types of Components, readMetadata() for PermissionSet and LeadConvertSettings.

    Of the last updateMetadata() too: what a request does not name is no longer mapped.
    """

    def __init__(self, sessions: Sessions, components: Components, store: RecordStore) -> None:
        self._sessions, self._components, self._store = sessions, components, store

    def answer(self, request: OrgRequest, version: str, now: float) -> OrgReply:
        """One result for each component; status 500 with a fault when nothing was looked at."""
        try:
            check_version(version)
            body = self._body(request)
            session = self._session(body, now)
            if (asked := body.find(f".//{{{NAMESPACE}}}readMetadata")) is not None:
                return self._shown(asked, session)
            makers = {"createMetadata": self._make, "updateMetadata": self._map}
            found = {name: call for name in makers if (call := body.find(f".//{{{NAMESPACE}}}{name}")) is not None}
            if not found:
                operation = OPERATION.search(request.body.decode("utf-8", "replace"))
                raise not_simulated(f"the Metadata API's {operation[1] if operation else 'call'}")
            ((name, call),) = found.items()
            components = list(call)
            if not 0 < len(components) <= MOST_COMPONENTS:
                raise MetadataRefused("LIMIT_EXCEEDED", f"between 1 and 10 components of {name} are supported")
            if len({kind_of(component) for component in components}) > 1:
                raise MetadataRefused("INVALID_TYPE", "All components of a call must be of the same type")
            results = "".join(self._result(component, session, makers[name], now) for component in components)
        except RequestFailure as failure:
            if failure.status == NOT_BUILT:
                raise
            return fault("UNSUPPORTED_API_VERSION", str(failure.errors[0]["message"]))
        except MetadataRefused as error:
            return fault(error.code, error.message)
        return envelope(200, f'<{name}Response xmlns="{NAMESPACE}">{results}</{name}Response>')

    def _shown(self, asked: ElementTree.Element, session: Session) -> OrgReply:
        kind = asked.findtext(f"{{{NAMESPACE}}}type")
        if kind not in ("PermissionSet", CONVERSION):
            raise not_simulated(f"readMetadata of the type {kind or '(none)'}")
        if not session.user.admin:
            text = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
            raise MetadataRefused("INSUFFICIENT_ACCESS", text)
        names = [element.text or "" for element in asked.iterfind(f"{{{NAMESPACE}}}fullNames")]
        shown = {str(row.get("Name")): permission_set_xml(row, self._rows) for row in self._rows("PermissionSet")}
        if kind == CONVERSION:
            shown = {CONVERSION: conversion_xml(self._store.schema.conversion)}
        records = "".join(
            f'<records xsi:type="{kind}">{shown[name]}</records>' if name in shown else '<records xsi:nil="true"/>'
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

    def _result(self, component: ElementTree.Element, session: Session, make: Maker, now: float) -> str:
        name = component.findtext(f"{{{NAMESPACE}}}fullName") or ""
        full_name = f"<fullName>{escape(name)}</fullName>"
        try:
            make(component, name, session, now)
        except RequestFailure as failure:
            if failure.status == NOT_BUILT:
                raise
            code, message = failure.errors[0]["errorCode"], failure.errors[0]["message"]
            error = f"<message>{escape(message)}</message><statusCode>{code}</statusCode>"
            return f"<result><errors>{error}</errors>{full_name}<success>false</success></result>"
        return f"<result>{full_name}<success>true</success></result>"

    def _make(self, component: ElementTree.Element, name: str, session: Session, now: float) -> None:
        self._components.make(kind_of(component), name, component, session.user, now)

    def _map(self, component: ElementTree.Element, name: str, session: Session, now: float) -> None:
        kind = kind_of(component)
        if kind != CONVERSION:
            raise not_simulated(f"updateMetadata of the type {kind or '(none)'}")
        if not session.user.admin:
            raise refused("INSUFFICIENT_ACCESS", f"insufficient access rights on entity: {CONVERSION}")
        given: dict[str, dict[str, str]] = {}
        for mapping in component.iterfind(f"{{{NAMESPACE}}}objectMapping"):
            target = mapping.findtext(f"{{{NAMESPACE}}}outputObject") or ""
            given[target] = {}
            for pair in mapping.iterfind(f"{{{NAMESPACE}}}mappingFields"):
                source, into = (pair.findtext(f"{{{NAMESPACE}}}{end}Field") or "" for end in ("input", "output"))
                if self._custom("Lead", source).type != self._custom(target, into).type:
                    raise refused("FIELD_INTEGRITY_EXCEPTION", f"{source} and {into} differ in their type.")
                given[target][source] = into
        self._store.schema.conversion = given

    def _custom(self, sobject: str, name: str) -> Field:
        found = self._store.schema.find(sobject)
        if (field := found.find(name) if found else None) is None or not field.custom:
            raise refused("INVALID_FIELD", f"{sobject}.{name} is no custom field.")
        return field


def kind_of(component: ElementTree.Element) -> str:
    """The type of a component."""
    return component.get(INSTANCE_TYPE, "").rpartition(":")[2]


def conversion_xml(conversion: dict[str, dict[str, str]]) -> str:
    """The fields that are mapped for the conversion of leads, in the words of the Metadata API."""
    text = "".join(
        f"<objectMapping><inputObject>Lead</inputObject>{fields_xml(fields)}<outputObject>{target}</outputObject></objectMapping>"
        for target, fields in conversion.items()
    )
    options = "<opportunityCreationOptions>VisibleOptional</opportunityCreationOptions>"
    return f"<fullName>{CONVERSION}</fullName><allowOwnerChange>false</allowOwnerChange>{text}{options}"


def fields_xml(fields: dict[str, str]) -> str:
    """Pairs of fields, the lead's first."""
    return "".join(
        f"<mappingFields><inputField>{source}</inputField><outputField>{into}</outputField></mappingFields>"
        for source, into in fields.items()
    )


def permission_set_xml(found: StoredRecord, rows: Callable[[str], list[StoredRecord]]) -> str:
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
    return f"<fullName>{found.get('Name')}</fullName>{label}<hasActivationRequired>false</hasActivationRequired>{text}"


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
