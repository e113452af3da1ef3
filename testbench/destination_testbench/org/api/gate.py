"""What every call to the data API passes before a resource sees it: session, rights, limits, version, content type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from destination_testbench.org.api.call import ApiCall, check_headers, check_version
from destination_testbench.org.api.catalogue import Usage
from destination_testbench.org.api.resources import Resources
from destination_testbench.org.exchange import JsonAnswer, OrgReply, OrgRequest, html
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import RequestFailure
from destination_testbench.org.login.people import User
from destination_testbench.org.login.sessions import Sessions
from destination_testbench.org.records.store import undo

BEARER = re.compile(r"(?:Bearer|OAuth) (\S+)\Z", re.IGNORECASE)
Seen = Mapping[str, Mapping[str, object]]
URI_BYTES = 16_384
WITH_BODY = {"POST", "PATCH", "PUT"}
NO_CACHE = {"Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private"}


class Gate:
    """Lets calls through to the resources, and counts them."""

    def __init__(self, config: OrgConfig, sessions: Sessions, usage: Usage, resources: Resources) -> None:
        self._config, self._sessions, self._usage, self._resources = config, sessions, usage, resources

    def answer(self, request: OrgRequest, version: str, resource: str, now: float, seen: Seen) -> OrgReply:
        """The answer to one request, with the calls used so far."""
        if uri_length(request) > URI_BYTES:
            return html(414, "URI Too Long")
        journal: list[Callable[[], None]] = []
        try:
            call = self._call(request, version, resource, now)
            call.journal, call.seen = journal, seen
            answer = self._resources.dispatch(call)
        except RequestFailure as failure:
            undo(journal)
            answer = JsonAnswer(failure.status, failure.errors)
        self._count(request, resource, answer.status, now)
        reply = answer.reply(pretty=request.header("x-prettyprint") == "1")
        headers = dict(NO_CACHE)
        if answer.status != 401 and (answer.status < 400 or self._config.facts.limit_info_on_errors):
            headers["Sforce-Limit-Info"] = self._usage.header(now)
        return OrgReply(reply.status, {**reply.headers, **headers}, reply.body)

    def _count(self, request: OrgRequest, resource: str, status: int, now: float) -> None:
        facts = self._config.facts
        free = (status == 401 and not facts.refused_session_counts) or (
            status >= 400 and status != 401 and not facts.refused_request_counts
        )
        several = resource.rstrip("/") == "composite" and not facts.composite_counts_once
        self._usage.spend(now, 0 if free else request.body.count(b'"referenceId"') if several else 1)

    def _user(self, request: OrgRequest, now: float) -> User:
        header = request.header("authorization")
        match = BEARER.match(header)
        if header and match is None:
            raise RequestFailure(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = self._sessions.use(match[1], now) if match else None
        locked_out = self._config.lock_sessions_to_address and session and session.address != request.address
        if session is None or not session.user.active or locked_out:
            raise RequestFailure(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if not session.rest:
            raise RequestFailure(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
        if session.user.password_expired:
            text = "Your password has expired. Please reset your password."
            raise RequestFailure(401, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", text)
        if not session.user.api_enabled:
            raise RequestFailure(403, "API_CURRENTLY_DISABLED", "API is disabled for this User")
        if not self._config.api_enabled:
            text = "The REST API is not enabled for this Organization."
            raise RequestFailure(403, "API_DISABLED_FOR_ORG", text)
        return session.user

    def _call(self, request: OrgRequest, version: str, resource: str, now: float) -> ApiCall:
        user = self._user(request, now)
        self._usage.check(now)
        check_version(version)
        if len(request.body) > self._config.request_bytes:
            raise RequestFailure(413, "EXCEEDED_MAX_SIZE_REQUEST", "size of the message sent to the API exceeded 50 MB")
        check_headers(request.headers)
        method, kind = request.method, request.header("content-type")
        # For clients whose HTTP library knows no PATCH.
        if method == "POST" and (other := request.query.get("_HttpMethod")):
            method = other.upper()
        if method in WITH_BODY and "json" not in kind.lower():
            raise RequestFailure(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {kind or 'unknown'} is not supported.")
        return ApiCall(method, version, resource, user, now, request.query, request.headers, request.body)


def uri_length(request: OrgRequest) -> int:
    """How long the path and the query are, give or take their escapes."""
    return len(request.path) + sum(len(name) + len(value) + 2 for name, value in request.query.items())
