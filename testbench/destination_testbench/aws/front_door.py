"""What API Gateway does with a request, from the definition that the template gives it.

A model, by AWS's documentation of REST APIs: API key, request validation by a JSON Schema, mapping templates in
Velocity (rendered by airspeed), selection of the response by the whole status of the integration. No throttling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import airspeed
import jmespath
import jsonschema

Json = Any

LARGEST_PAYLOAD = 10 * 1024 * 1024
"""In bytes; not to be raised ("Amazon API Gateway quotas", payload size)."""

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class ToQueue:
    """The request that the gateway makes of SQS."""

    path: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class FromQueue:
    """What SQS answers: as JSON, which API Gateway asks of it."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What the sender gets; `response_type` is the gateway's own word for why it answers itself, as its log has it."""

    status: int
    body: str
    response_type: str = "-"

    @property
    def document(self) -> Json:
        """The body, which is always JSON."""
        return json.loads(self.body)


@dataclass
class _Input:
    """Velocity's `$input`."""

    body: str

    def path(self, expression: str) -> Json:
        """What stands at a JSONPath of plain keys; empty where nothing does, or where the body is no JSON."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return ""
        return jmespath.search(expression.removeprefix("$."), document) or ""


class _Util:
    """Velocity's `$util`."""

    def urlEncode(self, text: str) -> str:  # noqa: N802
        """As Java's URLEncoder does."""
        return quote_plus(text, safe="*").replace("~", "%7E")


@dataclass
class FrontDoor:
    """Takes requests as the stage would; `send` is SQS. AWS does not document whether content types lose parameters."""

    definition: Json
    api_key: str
    send: Callable[[ToQueue], FromQueue]
    cuts_parameters: bool = True
    sent: list[ToQueue] = field(default_factory=list)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> DoorAnswer:
        """Answer a POST."""
        method = self.definition["paths"].get(path, {}).get("post")
        if method is None:
            return self._refusal(403, "Missing Authentication Token", "MISSING_AUTHENTICATION_TOKEN")
        given = {name.lower(): value for name, value in headers.items()}
        whole = given.get("content-type", JSON_TYPE)
        media_type = whole.partition(";")[0].strip().lower() if self.cuts_parameters else whole
        refused = self._refused(method, given, media_type, body)
        return refused or self._integrate(method["x-amazon-apigateway-integration"], media_type, body)

    def _refused(self, method: Json, headers: Mapping[str, str], media_type: str, body: bytes) -> DoorAnswer | None:
        schemes = self.definition["components"]["securitySchemes"]
        for name in (name for need in method.get("security", []) for name in need):
            if headers.get(schemes[name]["name"]) != self.api_key:
                return self._refusal(403, "Forbidden", "INVALID_API_KEY")
        if len(body) > LARGEST_PAYLOAD:
            return self._refusal(413, "Request Too Long", "REQUEST_TOO_LARGE")
        model = method["requestBody"]["content"].get(media_type)
        validators = self.definition["x-amazon-apigateway-request-validators"]
        is_judged = validators[method["x-amazon-apigateway-request-validator"]]["validateRequestBody"]
        if model and is_judged and not self._fits(model["schema"], body):
            return self._refusal(400, "Invalid request body", "BAD_REQUEST_BODY")
        return None

    def _fits(self, schema: Json, body: bytes) -> bool:
        try:
            document = json.loads(body)
        except ValueError:
            return False
        whole = {**schema, "components": self.definition["components"]}
        return bool(jsonschema.Draft4Validator(whole).is_valid(document))

    def _integrate(self, integration: Json, media_type: str, body: bytes) -> DoorAnswer:
        template = integration["requestTemplates"].get(media_type)
        if template is None:
            assert integration["passthroughBehavior"] == "never"
            return self._refusal(415, "Unsupported Media Type", "UNSUPPORTED_MEDIA_TYPE")
        given = integration.get("requestParameters", {}).items()
        headers = {name.rpartition(".")[2]: value.strip("'") for name, value in given}
        text = _render(template, body.decode("utf-8", "replace"), {})
        request = ToQueue(integration["uri"].rpartition(":path")[2], headers, text)
        self.sent.append(request)
        try:
            return _respond(integration["responses"], self.send(request))
        except OSError:
            return self._refusal(504, "Network error communicating with endpoint", "INTEGRATION_FAILURE")

    def _refusal(self, status: int, message: str, response_type: str) -> DoorAnswer:
        """What the gateway answers by itself ("Gateway response types for API Gateway"), unless the API says it."""
        said = self.definition.get("x-amazon-apigateway-gateway-responses", {}).get(response_type, {})
        text = said.get("responseTemplates", {}).get(JSON_TYPE) or json.dumps({"message": message})
        return DoorAnswer(int(said.get("statusCode", status)), text, response_type)


def _respond(responses: Json, reply: FromQueue) -> DoorAnswer:
    patterns = (pattern for pattern in responses if pattern != "default")
    chosen = responses[next((it for it in patterns if re.fullmatch(it, str(reply.status))), "default")]
    overrides: dict[str, Json] = {}
    text = _render(chosen["responseTemplates"][JSON_TYPE], reply.body, overrides)
    return DoorAnswer(int(overrides.get("status", chosen["statusCode"])), text)


def _render(template: str, body: str, overrides: dict[str, Json]) -> str:
    names = {"input": _Input(body), "util": _Util(), "context": {"responseOverride": overrides}}
    return str(airspeed.Template(template).merge(names))
