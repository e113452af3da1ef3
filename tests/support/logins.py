"""Credentials, token answers and a token endpoint for the tests of logging in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

ORG_ID = "00Dx0000000BV7z"
MY_DOMAIN_URL = "https://acme.my.salesforce.com"
TOKEN = f"{ORG_ID}!AR8AQAxo9UfVkh8AlV0Gomt9Czx9LjHnSSpwBMmbRcgKFmxOtvxjTrKW19ye6PE3Ds1eQz3z8jr3W7_VbWmEu4Q8TVGSTHxs"

GRANT_VALUES: Mapping[str, Mapping[str, str]] = {
    "client_credentials": {"client_secret": "the-secret"},
    "jwt_bearer": {"username": "integration@example.com"},
    "refresh_token": {"client_secret": "the-secret", "refresh_token": "5Aep861-first"},
    "password": {"client_secret": "the-secret", "username": "integration@example.com", "password": "the password"},
}


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def rsa_pem() -> str:
    return _pem(rsa_key())


@cache
def elliptic_pem() -> str:
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def a_secret(grant_type: str = "client_credentials", /, **changes: Any) -> str:
    """The text of a credentials secret; a change to None leaves the key out."""
    values = {
        "grant_type": grant_type,
        "domain": "acme",
        "client_id": "the-client-id",
        **GRANT_VALUES.get(grant_type, {}),
    }
    if grant_type == "jwt_bearer":
        values["private_key"] = rsa_pem()
    return json.dumps({key: value for key, value in {**values, **changes}.items() if value is not None})


def an_answer(**changes: Any) -> dict[str, Any]:
    """A token answer; a change to None leaves the key out."""
    answer = {
        "id": f"https://login.salesforce.com/id/{ORG_ID}EAC/005x00000012Q9PAAU",
        "issued_at": "1736530186928",
        "instance_url": MY_DOMAIN_URL,
        "signature": "0CmxinZir53Yex7nE0TD+zMpvIWYGb/bdJh6XfOH6EQ=",
        "access_token": TOKEN,
        "scope": "api",
        "token_type": "Bearer",
    }
    return {key: value for key, value in {**answer, **changes}.items() if value is not None}


@dataclass(frozen=True)
class Reply:
    """What the token endpoint says to one request."""

    status: int = 200
    body: str | Mapping[str, Any] | list[Any] = ""
    headers: Mapping[str, str] | None = None

    def content(self) -> tuple[bytes, dict[str, str]]:
        is_json = not isinstance(self.body, str)
        text = json.dumps(self.body) if is_json else str(self.body)
        kind = "application/json;charset=UTF-8" if is_json else "text/html; charset=UTF-8"
        return text.encode(), {"Content-Type": kind, **(self.headers or {})}


def a_refusal(error: str, description: str | None = None, status: int = 400) -> Reply:
    return Reply(status, {"error": error} | ({"error_description": description} if description is not None else {}))


Answering = Reply | Exception | Callable[[dict[str, str]], Reply]


class TokenEndpoint(BaseAdapter):
    """
    Answers log-ins in turn and keeps what it was sent; the last answer is given again and again.

    The calls with a new token are kept apart, in `uses`. Each gets `use_answer`.
    """

    use_answer: Reply | Exception = Reply(body={"identity": "https://login.salesforce.com/id/x/y"})

    def __init__(self, *answers: Answering) -> None:
        super().__init__()
        self.answers = list(answers) or [Reply(body=an_answer())]
        self.requests: list[requests.PreparedRequest] = []
        self.uses: list[requests.PreparedRequest] = []
        self.options: list[dict[str, Any]] = []

    @property
    def forms(self) -> list[dict[str, str]]:
        return [{key: values[0] for key, values in parse_qs(str(sent.body)).items()} for sent in self.requests]

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        if request.method == "GET":
            self.uses.append(request)
            self.options.append(options)
            return self._given(self.use_answer, request)
        self.requests.append(request)
        self.options.append(options)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return self._given(answer(self.forms[-1]) if callable(answer) else answer, request)

    def _given(self, reply: Reply | Exception, request: requests.PreparedRequest) -> requests.Response:
        if isinstance(reply, Exception):
            raise reply
        content, headers = reply.content()
        response = HTTPResponse(body=BytesIO(content), headers=headers, status=reply.status, preload_content=False)
        return HTTPAdapter().build_response(request, response)

    def close(self) -> None:
        pass
