"""The composite resource: up to 25 subrequests in one counted call, and the references between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from destination_testbench.org.api.call import ApiCall, check_headers, known
from destination_testbench.org.exchange import JsonAnswer, OrgRequest
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import NOT_FOUND_TEXT, RequestFailure, not_found
from destination_testbench.org.faults.faults import Faults
from destination_testbench.org.records.store import undo

METHODS = {"POST", "PUT", "PATCH", "GET", "DELETE"}
INHERITED_HEADERS = {"accept", "authorization", "content-type"}
REFERENCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*\Z")
SUBREQUESTS, COLLECTIONS_OR_QUERIES = 25, 5
READ = re.compile(r"composite/sobjects/[^/]+/?\Z", re.IGNORECASE)
COUNTED = re.compile(r"/services/data/v[\d.]+/(composite/sobjects|query|queryAll)\b", re.IGNORECASE)
URL = re.compile(r"/services/data/v(\d+\.\d)/(.+)\Z")
# The version that brought collections into a composite request.
COLLECTIONS_SINCE = 43.0
HALTED = "The transaction was rolled back since another operation in the same transaction failed."


class Composite:
    """Runs the subrequests one after the other, each as if it had come alone."""

    def __init__(self, config: OrgConfig, faults: Faults, dispatch: Callable[[ApiCall], JsonAnswer]) -> None:
        self._config, self._faults, self._dispatch = config, faults, dispatch

    def run(self, call: ApiCall) -> JsonAnswer:
        """POST: 200 once the envelope could be read, whatever became of the subrequests."""
        body = call.json_object()
        known(body, {"allOrNone", "collateSubrequests", "compositeRequest"}, "composite")
        requests = body.get("compositeRequest")
        if not isinstance(requests, list) or not requests:
            raise RequestFailure(400, "REQUIRED_FIELD_MISSING", "At least 1 compositeRequest is required")
        self._check(requests)
        together = body.get("allOrNone") is True
        answers: dict[str, JsonAnswer] = {}
        for index, request in enumerate(requests):
            halted = together and any(not good(answer) for answer in answers.values())
            answers[request["referenceId"]] = halt() if halted else self._one(call, index, request, answers)
        if together and not all(good(answer) for answer in answers.values()):
            undo(call.journal)
            answers = {name: answer if not good(answer) else halt() for name, answer in answers.items()}
        return JsonAnswer(200, {"compositeResponse": [shown(name, answer) for name, answer in answers.items()]})

    def listing(self, call: ApiCall) -> JsonAnswer:
        """GET: what lies below."""
        return JsonAnswer(200, {"sobjects": f"{call.root}/composite/sobjects"})

    def _check(self, requests: list[Any]) -> None:
        code = self._config.facts.composite_limit_code
        if len(requests) > SUBREQUESTS:
            raise RequestFailure(400, code, f"The request contains more than {SUBREQUESTS} subrequests.")
        counted = sum(bool(COUNTED.match(str(request.get("url")))) for request in requests if isinstance(request, dict))
        if counted > COLLECTIONS_OR_QUERIES:
            raise RequestFailure(
                400, code, f"The request contains more than {COLLECTIONS_OR_QUERIES} sObject Collections or queries."
            )
        names: set[str] = set()
        for request in requests:
            self._check_one(request, names)

    def _check_one(self, request: Any, names: set[str]) -> None:
        if not isinstance(request, dict) or not all(isinstance(request.get(key), str) for key in ("method", "url")):
            raise RequestFailure(400, "JSON_PARSER_ERROR", "Each subrequest needs a method and a url.")
        known(request, {"method", "url", "referenceId", "httpHeaders", "body"}, "composite subrequest")
        name, code = request.get("referenceId"), self._config.facts.reference_id_code
        if not isinstance(name, str) or not REFERENCE_ID.match(name):
            text = (
                f"Provided referenceId ('{name}') must start with a letter or a number, and it can contain only"
                " letters, numbers and underscores ('_')."
            )
            raise RequestFailure(400, code, text)
        if name in names:
            raise RequestFailure(400, code, f"Provided referenceId ('{name}') is not unique.")
        names.add(name)
        headers = request.get("httpHeaders") or {}
        if not isinstance(headers, dict) or INHERITED_HEADERS & {header.lower() for header in headers}:
            text = "Accept, Authorization and Content-Type can't be set in the httpHeaders of a subrequest."
            raise RequestFailure(400, code, text)

    def _one(self, call: ApiCall, index: int, request: dict[str, Any], answers: dict[str, JsonAnswer]) -> JsonAnswer:
        mark = len(call.journal)
        try:
            return self._run(call, index, request, answers)
        except RequestFailure as failure:
            undo(call.journal, mark)
            return JsonAnswer(failure.status, failure.errors)
        except UnresolvedError as error:
            return JsonAnswer(400, [{"errorCode": "PROCESSING_HALTED", "message": str(error)}])

    def _run(self, call: ApiCall, index: int, request: dict[str, Any], answers: dict[str, JsonAnswer]) -> JsonAnswer:
        if fault := self._faults.of_subrequest(index, OrgRequest(request["method"], request["url"])):
            raise RequestFailure(fault.status or 500, fault.code or "UNKNOWN_EXCEPTION", fault.message)
        values = {name: answer.body for name, answer in answers.items() if answer.status < 300}
        parts = urlsplit(resolved(request["url"], values))
        if request["method"] not in METHODS or not (match := URL.match(parts.path)):
            raise not_found()
        if match[2].rstrip("/").lower() == "composite":
            raise not_found()
        facts = self._config.facts
        if float(match[1]) < COLLECTIONS_SINCE and match[2].startswith("composite/sobjects"):
            raise RequestFailure(*facts.before_its_version, NOT_FOUND_TEXT)
        reads = READ.match(match[2]) and not facts.composite_takes_reads
        if reads or (COUNTED.match(parts.path) and not facts.composite_takes_collections):
            raise RequestFailure(400, facts.composite_limit_code, "This resource is not supported here.")
        if 0 < facts.subrequest_url_characters < len(request["url"]):
            raise RequestFailure(414, "URI_TOO_LONG", "The URI of the request is too long.")
        given = request.get("httpHeaders") if facts.subrequest_headers_honoured else None
        headers = {name.lower(): str(value) for name, value in (given or {}).items()}
        check_headers(headers)
        inherited = call.headers if facts.composite_inherits_headers else {}
        body = b"" if request.get("body") is None else request["body"]
        # Going through thousands of values to find no reference takes time.
        if not isinstance(call.body, bytes) or b"@{" in call.body:
            body = resolved(body, values)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        inner = replace(
            call,
            method=request["method"],
            version=match[1],
            resource=match[2],
            query=query,
            headers={**inherited, **headers},
            body=body,
        )
        return self._dispatch(inner)


def good(answer: JsonAnswer) -> bool:
    """Whether nothing in it failed: neither the subrequest nor, of a collection, any record."""
    rows = answer.body if isinstance(answer.body, list) else []
    return answer.status < 300 and all(row.get("success", True) for row in rows if isinstance(row, dict))


def halt() -> JsonAnswer:
    """The answer to a subrequest that another's failure took back."""
    return JsonAnswer(400, [{"errorCode": "PROCESSING_HALTED", "message": HALTED}])


def shown(name: str, answer: JsonAnswer) -> dict[str, Any]:
    """One entry of the answer, its keys in Salesforce's order."""
    headers = {key: value for key, value in answer.headers.items() if key != "Content-Type"}
    return {"body": answer.body, "httpHeaders": headers, "httpStatusCode": answer.status, "referenceId": name}


REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)([^}]*)\}")
STEP = re.compile(r"\.?([A-Za-z0-9_]+)|\[(\d+)\]")


class UnresolvedError(Exception):
    """A reference names what no earlier subrequest has answered."""


def resolved(value: Any, answers: Mapping[str, Any]) -> Any:
    """The value with every reference in it replaced; untouched when there is none."""
    if isinstance(value, str):
        if "@{" not in value:
            return value
        whole = REFERENCE.fullmatch(value)
        if whole:
            return look_up(whole, answers)
        return REFERENCE.sub(lambda match: str(look_up(match, answers)), value)
    if isinstance(value, list):
        return [resolved(item, answers) for item in value]
    if isinstance(value, dict):
        return {key: resolved(item, answers) for key, item in value.items()}
    return value


def look_up(match: re.Match[str], answers: Mapping[str, Any]) -> Any:
    """What one reference stands for."""
    name, path = match[1], match[2]
    found = answers.get(name)
    for key, index in STEP.findall(path):
        found = (
            found[int(index)] if index and isinstance(found, list) and int(index) < len(found) else member(found, key)
        )
    if found is None:
        dotted = f"{name}{path}"
        raise UnresolvedError(f"Invalid reference specified. No value for {dotted} found in {name}")
    return found


def member(value: Any, key: str) -> Any:
    """A member of an object by its name in any case."""
    if not isinstance(value, dict):
        return None
    return next((item for name, item in value.items() if name.lower() == key.lower()), None)
