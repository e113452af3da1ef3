"""The SOAP log-in, which older clients use for a password with a security token."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape

from destination_testbench.org.exchange import OrgReply, OrgRequest
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import Refused, not_simulated
from destination_testbench.org.login.grants import GrantRefused, Grants
from destination_testbench.org.login.sessions import Sessions
from destination_testbench.org.records.record_id import to_long

PATH = re.compile(r"/services/Soap/[uc]/(\d+)\.0(?:/\w*)?\Z")
OPERATION = re.compile(r"<(?:\w+:)?Body\b[^>]*>\s*<(?:\w+:)?(\w+)")
# login() is gone from newer versions of the API.
LAST_VERSION = 64
FIELD = r"<(?:\w+:)?{0}>(.*?)</(?:\w+:)?{0}>"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns="urn:partner.soap.sforce.com"><soapenv:Body>{}</soapenv:Body>'
    "</soapenv:Envelope>"
)


class SoapLogin:
    """Answers login(), logout(), and merge(), which REST has not."""

    def __init__(self, config: OrgConfig, grants: Grants, sessions: Sessions, merge: Callable[..., None]) -> None:
        self._config, self._grants, self._sessions, self._merge = config, grants, sessions, merge

    def answer(self, request: OrgRequest, now: float) -> OrgReply:
        """A session id and where to use it; status 500 with a fault when there is none. logout() ends one."""
        match, operation = PATH.match(request.path), OPERATION.search(request.body.decode("utf-8", "replace"))
        called = operation[1] if operation else ""
        if match is None or called not in ("login", "logout", "merge"):
            raise not_simulated(f"the SOAP call {called or request.path}")
        if called == "logout":
            if not self._sessions.revoke(value(request, "sessionId")):
                return fault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
            return xml(200, "<logoutResponse/>")
        if called == "merge":
            return self._merged(request, now)
        if int(match[1]) > LAST_VERSION:
            return fault("UNSUPPORTED_API_VERSION", "login() is not available in this version")
        try:
            user = self._grants.by_password(value(request, "username"), value(request, "password"))
        except GrantRefused:
            text = "Invalid username, password, security token; or user locked out."
            return fault("INVALID_LOGIN", text)
        session = self._sessions.open(user, "soap", now)
        session.address = request.address
        origin = self._config.instance_url or request.origin
        server = f"{origin}/services/Soap/u/{match[1]}.0/{self._config.organization_id[:15]}"
        result = (
            f"<loginResponse><result><metadataServerUrl>{escape(server.replace('/u/', '/m/'))}</metadataServerUrl>"
            f"<passwordExpired>{str(user.password_expired).lower()}</passwordExpired>"
            f"<sandbox>{str(self._config.sandbox).lower()}</sandbox><serverUrl>{escape(server)}</serverUrl>"
            f"<sessionId>{session.token}</sessionId><userId>{user.id}</userId><userInfo>"
            f"<organizationId>{to_long(self._config.organization_id[:15])}</organizationId>"
            f"<organizationName>{escape(self._config.organization_name)}</organizationName>"
            f"<userFullName>{escape(user.name)}</userFullName><userId>{user.id}</userId>"
            f"<userLanguage>{self._config.language}</userLanguage><userName>{escape(user.username)}</userName>"
            f"<userType>Standard</userType></userInfo></result></loginResponse>"
        )
        return xml(200, result)

    def _merged(self, request: OrgRequest, now: float) -> OrgReply:
        session = self._sessions.use(value(request, "sessionId"), now)
        if session is None:
            return fault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
        if session.user.minimal:
            return fault("INSUFFICIENT_ACCESS", "insufficient access rights on entity")
        master, loser = value(request, "Id"), value(request, "recordToMergeIds")
        given = re.findall(r"<s:(\w+)>(.*?)</s:\1>", request.body.decode("utf-8", "replace"))
        values = {name: int(text) if text.isdigit() else text for name, text in given if name not in ("type", "Id")}
        try:
            self._merge(value(request, "type"), master, [loser], values, session.user)
        except KeyError:
            return fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        except Refused as refused:
            code, text = refused.errors[0].code, escape(refused.errors[0].message)
            error = f"<errors><message>{text}</message><statusCode>{code}</statusCode></errors><success>false</success>"
            return xml(200, f"<mergeResponse><result>{error}</result></mergeResponse>")
        merged = f"<id>{master}</id><mergedRecordIds>{loser}</mergedRecordIds><success>true</success>"
        return xml(200, f"<mergeResponse><result>{merged}</result></mergeResponse>")


def value(request: OrgRequest, name: str) -> str:
    """The text of an element of the body."""
    found = re.search(FIELD.format(name), request.body.decode("utf-8", "replace"), re.DOTALL)
    return unescape(found[1]) if found else ""


def fault(code: str, message: str) -> OrgReply:
    """A SOAP fault as Salesforce words it."""
    return xml(
        500,
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>"
        f"<sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault>"
        "</detail></soapenv:Fault>",
    )


def xml(status: int, body: str) -> OrgReply:
    """An envelope around a body."""
    return OrgReply(status, {"Content-Type": "text/xml;charset=UTF-8"}, ENVELOPE.format(body).encode())
