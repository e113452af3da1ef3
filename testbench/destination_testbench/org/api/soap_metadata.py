"""The Metadata API over SOAP, as far as there is no other way: custom permissions can be made by nothing else."""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

from destination_testbench.org.api import versions
from destination_testbench.org.api.custom_permissions import CustomPermissions
from destination_testbench.org.exchange import OrgReply, OrgRequest
from destination_testbench.org.faults.failure import RequestFailure
from destination_testbench.org.login.sessions import Session, Sessions

PATH = re.compile(r"/services/Soap/m/(\d+\.\d)(?:/\w*)?\Z")
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
ENVELOPE_NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
INSTANCE_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*\Z")
NAME_LENGTH = 80
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
    """Answers createMetadata() for the type CustomPermission."""

    def __init__(self, newest: int, sessions: Sessions, permissions: CustomPermissions) -> None:
        self._newest, self._sessions, self._permissions = newest, sessions, permissions

    def answer(self, request: OrgRequest, version: str, now: float) -> OrgReply:
        """One result for each component; status 500 with a fault when nothing was looked at."""
        try:
            versions.check(version, self._newest)
            body = self._body(request)
            session = self._session(body, now)
            call = body.find(f".//{{{NAMESPACE}}}createMetadata")
            components = [] if call is None else list(call)
            if call is None or not 0 < len(components) <= MOST_COMPONENTS:
                raise MetadataRefused("LIMIT_EXCEEDED", "between 1 and 10 components of createMetadata are supported")
            results = "".join(self._result(component, session) for component in components)
        except RequestFailure as failure:
            return fault("UNSUPPORTED_API_VERSION", str(failure.errors[0]["message"]))
        except MetadataRefused as refused:
            return fault(refused.code, refused.message)
        return envelope(200, f'<createMetadataResponse xmlns="{NAMESPACE}">{results}</createMetadataResponse>')

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
            raise ComponentRefused("INVALID_TYPE", f"this org makes no {kind or 'component'} this way")
        if not session.user.admin:
            raise ComponentRefused("INSUFFICIENT_ACCESS", "insufficient access rights on entity: CustomPermission")
        if not NAME.match(name) or len(name) > NAME_LENGTH:
            raise ComponentRefused("INVALID_FULLNAME", "The name can only contain underscores and alphanumerics")
        label = component.findtext(f"{{{NAMESPACE}}}label")
        if not label or component.findtext(f"{{{NAMESPACE}}}isLicensed") not in ("true", "false"):
            raise ComponentRefused("REQUIRED_FIELD_MISSING", "Required field is missing: label or isLicensed")
        if name in self._permissions.names:
            raise ComponentRefused("DUPLICATE_DEVELOPER_NAME", f"The name {name} is already in use.")
        self._permissions.add(name, label, component.findtext(f"{{{NAMESPACE}}}description"))


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
