"""
The one call to the Metadata API: custom permissions can be made by neither REST nor the Tooling API.

("CustomPermission" in the Object Reference: query and retrieve only.) createMetadata() needs no package and no waiting.
The token travels in the body. Salesforce takes no tokens in JWT format here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from xml.sax.saxutils import escape

from destination_cli.org_api import OrgApi

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_HEADERS = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="{namespace}">'
    "<e:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></e:Header>"
    '<e:Body><createMetadata><metadata xsi:type="{kind}">{members}</metadata></createMetadata></e:Body></e:Envelope>'
)
_CODE = re.compile(r"<(?:\w+:)?(?:statusCode|faultcode)>(?:\w+:)?([A-Z_]+)<")
_TEXT = re.compile(r"<(?:\w+:)?(?:message|faultstring)>(.*?)</", re.DOTALL)


def create_metadata(api: OrgApi, kind: str, name: str, metadata: Mapping[str, Any]) -> tuple[str, str] | None:
    """Make one component; None when it was made, else the code and the text of the refusal."""
    members = {"fullName": name, **metadata}
    body = _ENVELOPE.format(
        namespace=NAMESPACE,
        token=escape(api.token.value),
        kind=kind,
        members="".join(f"<{key}>{_text(value)}</{key}>" for key, value in members.items()),
    )
    answer = api.send("POST", f"/services/Soap/m/{api.version}", body.encode(), headers=_HEADERS)
    text = answer.body if isinstance(answer.body, str) else ""
    if answer.good and "<success>true</success>" in text:
        return None
    code, message = _CODE.search(text), _TEXT.search(text)
    return code[1] if code else f"HTTP_{answer.status}", unescape(message[1]) if message else ""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else escape(str(value))
