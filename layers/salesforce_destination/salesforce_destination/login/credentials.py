"""The credentials secret: what a person fills in so that the destination can log in.

Each mistake is named before anything is sent, in words of ours: what stands in it may be a password in the wrong place.
"""

import difflib
import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.salesforce_host import is_my_domain, salesforce_url
from salesforce_destination.login.token import is_unfilled, parse_object


class GrantType(StrEnum):
    """The ways to log in that a machine can go alone."""

    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "jwt_bearer"
    REFRESH_TOKEN = "refresh_token"
    PASSWORD = "password"  # legacy: closed for new apps, retired by Salesforce on 2027-02-20


NEEDS: Mapping[GrantType, tuple[str, ...]] = {
    GrantType.CLIENT_CREDENTIALS: ("domain", "client_id", "client_secret"),
    GrantType.JWT_BEARER: ("domain", "client_id", "username", "private_key"),
    GrantType.REFRESH_TOKEN: ("domain", "client_id", "client_secret", "refresh_token"),
    GrantType.PASSWORD: ("domain", "client_id", "client_secret", "username", "password"),
}
"""The keys that each way to log in takes."""

WHERE: Mapping[str, str] = {
    "grant_type": f"Use one of {', '.join(GrantType)}.",
    "client_id": "It is the Consumer Key of the app in Salesforce.",
    "client_secret": "It is the Consumer Secret of the app in Salesforce.",
    "private_key": "It is the PEM text of the key whose certificate was uploaded to the app in Salesforce.",
    "refresh_token": "It is the refresh token that Salesforce gave when the app was authorised.",
    "domain": "It is the My Domain of the org (acme, of a sandbox acme--uat). Setup > My Domain shows it.",
    "username": "It is the Salesforce username of the integration user.",
    "password": "It is the password of the integration user.",
}
"""Where a person finds the value of a key."""

_KEYS = (*WHERE, "security_token", "org_id")
_ORG_ID = re.compile(r"00D[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Checked credentials: what their grant needs is there, all else is empty; `url` is a server that may see them."""

    grant_type: GrantType
    url: str
    client_id: str = field(repr=False)
    client_secret: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    org_id: str = field(default="", repr=False)

    @classmethod
    def from_secret(cls, text: str, *, allow_local: bool) -> Self:
        """Read the secret, or raise CredentialsError for its first mistake; `allow_local` admits this machine."""
        secret = _secret(text)
        values = _texts(secret)
        _require(["grant_type"], values, secret)
        grant = _grant_type(values["grant_type"])
        _require(NEEDS[grant], values, secret)
        url = salesforce_url(values["domain"], allow_local=allow_local)
        if grant is GrantType.CLIENT_CREDENTIALS and not is_my_domain(url):
            problem = "is a server that all orgs share. The client credentials flow works only on the org's own."
            raise CredentialsError("domain", problem, WHERE["domain"], "DOMAIN_NOT_MY_DOMAIN")
        if grant is GrantType.JWT_BEARER:
            values["private_key"] = read_private_key(values["private_key"])
        if values.get("org_id") and not _ORG_ID.fullmatch(values["org_id"]):
            raise CredentialsError("org_id", "is not the Id of an org.", "Setup > Company Information shows it: 00D...")
        sent = ("org_id", "security_token", *NEEDS[grant])
        return cls(grant, url, **{key: values[key] for key in sent if key in values and key != "domain"})


def with_refresh_token(text: str, refresh_token: str) -> str:
    """The text of the credentials secret with another refresh token; all else in it stays as a person wrote it."""
    return json.dumps({**(parse_object(text) or {}), "refresh_token": refresh_token}, indent=2)


def _secret(text: str) -> Mapping[str, Any]:
    if is_unfilled(text):
        raise CredentialsError("", "The credentials secret is empty.", "Fill it in: grant_type, domain, client_id, ...")
    if (secret := parse_object(text)) is None:
        cure = 'Write it as {"grant_type": "client_credentials", "domain": "acme", ...}, or as key/value pairs.'
        raise CredentialsError("", "The credentials are not a JSON object.", cure)
    return secret


def _texts(secret: Mapping[str, Any]) -> dict[str, str]:
    values = {key: secret[key] for key in _KEYS if secret.get(key) is not None}
    for key, value in values.items():
        if not isinstance(value, str):
            raise CredentialsError(key, "is not text.", "Put it in double quotes.")
    # Blanks around a value come from copying; a password alone may have them.
    return {key: value if key == "password" else value.strip() for key, value in values.items()}


def _require(keys: Iterable[str], values: Mapping[str, str], secret: Mapping[str, Any]) -> None:
    for key in keys:
        if values.get(key):
            continue
        strangers = [stranger.lower() for stranger in secret if stranger not in _KEYS]
        if key not in secret and difflib.get_close_matches(key, strangers, n=1, cutoff=0.8):
            raise CredentialsError(key, "is missing, but there is a similar key.", f"Name it {key}.")
        raise CredentialsError(key, "is missing or empty.", WHERE.get(key, "Fill it in."))


def _grant_type(given: str) -> GrantType:
    if given in list(GrantType):
        return GrantType(given)
    # Salesforce's own name of the JWT grant is a URN that ends in jwt-bearer.
    word = given.lower().rpartition(":")[2].replace("-", "_")
    near = [grant for grant in GrantType if word in grant] or difflib.get_close_matches(word, list(GrantType), n=1)
    cure = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(GrantType)}."
    raise CredentialsError("grant_type", "is not a supported grant type.", cure)


_PEM = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<base64>[A-Za-z0-9+/=\s]+)-----END (?P=label)-----")
_RSA = ("PRIVATE KEY", "RSA PRIVATE KEY")
_CURE = "Store the whole PEM text of an RSA key without a passphrase, from its -----BEGIN line to its -----END line."


def read_private_key(text: str) -> str:
    """Give the private key in the text alone, its lines restored, or say what was pasted in its place.

    A console's key/value form turns the line breaks of a PEM text into blanks or into the two characters `\\n`.
    """
    if "ENCRYPTED" in text:
        raise CredentialsError("private_key", "is protected by a passphrase.", _CURE)
    found = list(_PEM.finditer(text.replace("\\r", "").replace("\\n", "\n")))
    if (key := next((pem for pem in found if pem["label"] in _RSA), None)) is None:
        raise CredentialsError("private_key", "is not an RSA private key." if found else "is not PEM text.", _CURE)
    lines = textwrap.wrap("".join(key["base64"].split()), 64)
    return "\n".join([f"-----BEGIN {key['label']}-----", *lines, f"-----END {key['label']}-----", ""])
