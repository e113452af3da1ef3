"""Logging in to Salesforce: one POST to the token endpoint, by one of four grants.

The request carries secrets. So it goes to the checked host of the credentials and nowhere else: over verified TLS,
without following redirects, and with nothing of the environment but the proxy that HTTPS_PROXY names.
"""

from __future__ import annotations

from collections.abc import Mapping

import requests
from urllib3.exceptions import NameResolutionError

from salesforce_destination import USER_AGENT
from salesforce_destination.errors import ACCESS_REFUSALS, NEW_TOKEN_REFUSED, CredentialsError
from salesforce_destination.login.credentials import Credentials, GrantType
from salesforce_destination.login.refresh import Login
from salesforce_destination.login.refusals import LoginUnavailableError, login_error
from salesforce_destination.login.salesforce_host import jwt_audience
from salesforce_destination.login.token import AccessToken, parse_object
from salesforce_destination.record.classification import BY_STATUS, request_error
from salesforce_destination.salesforce.client import parsed, proxies_for

TOKEN_PATH = "/services/oauth2/token"  # a path
USE_PATH = "/services/data/v62.0"  # the list of resources, which each user of the API may read; not so /limits
TIMEOUT = (5.0, 12.0)  # seconds to connect and to read
ASSERTION_SECONDS = 180  # Salesforce takes an end that is some minutes ahead at the most (OAuth 2.0 JWT Bearer Flow)


def login_session() -> requests.Session:
    """A session that adds nothing of its own to a log-in."""
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = USER_AGENT
    return session


def log_in(session: requests.Session, credentials: Credentials, now: float) -> Login:
    """Ask for an access token; raise CredentialsError or LoginUnavailableError where Salesforce gives none."""
    form = _form(credentials, now)
    response = _sent(session, "POST", credentials.url + TOKEN_PATH, {"Accept": "application/json"}, form)
    # In an outage Salesforce answers with a page, under any status.
    is_page = "html" in response.headers.get("Content-Type", "").lower()
    answer = None if is_page else parse_object(response.content)
    if response.status_code == 200 and answer is not None and "error" not in answer:
        return Login(answer)
    raise login_error(response.status_code, answer)


def use(session: requests.Session, token: AccessToken) -> None:
    """Make a new token's first call, which alone shows an expired password, a missing scope and API Access Control."""
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token.value}"}
    response = _sent(session, "GET", token.instance_url + USE_PATH, headers)
    body = parsed(response, response.content)
    status, code = response.status_code, request_error(response.status_code, body).code
    if status == 401 or (status == 403 and body and code != "REQUEST_LIMIT_EXCEEDED") or code in ACCESS_REFUSALS:
        code = code if code in ACCESS_REFUSALS else NEW_TOKEN_REFUSED
        raise CredentialsError("", *ACCESS_REFUSALS[code], code)
    if body is None or status >= 500 or status in BY_STATUS:
        raise LoginUnavailableError(status, "TOKEN_UNTRIED")


def _form(credentials: Credentials, now: float) -> dict[str, str]:
    client = {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
    match credentials.grant_type:
        case GrantType.CLIENT_CREDENTIALS:
            return {"grant_type": "client_credentials", **client}
        case GrantType.REFRESH_TOKEN:
            return {"grant_type": "refresh_token", **client, "refresh_token": credentials.refresh_token}
        case GrantType.PASSWORD:
            password = credentials.password + credentials.security_token
            return {"grant_type": "password", **client, "username": credentials.username, "password": password}
        case GrantType.JWT_BEARER:
            grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"
            return {"grant_type": grant_type, "assertion": _assertion(credentials, now)}


def _assertion(credentials: Credentials, now: float) -> str:
    import jwt  # with its cryptography the slowest import of all; the other grants do without

    audience, end = jwt_audience(credentials.url), int(now) + ASSERTION_SECONDS
    claims = {"iss": credentials.client_id, "sub": credentials.username, "aud": audience, "exp": end}
    try:
        return jwt.encode(claims, credentials.private_key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        pass  # raised below, so that nothing of the key is in the chain of exceptions
    cure = "Enter the whole PEM text of the RSA key whose certificate was uploaded to the app."
    raise CredentialsError("private_key", "cannot be read as an RSA key.", cure)


def _sent(
    session: requests.Session, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
) -> requests.Response:
    try:
        return session.request(
            method, url, data=form, headers=headers, timeout=TIMEOUT, allow_redirects=False, proxies=proxies_for(url)
        )
    except requests.RequestException as error:
        refusal = _unanswered(error)
    raise LoginUnavailableError(None, refusal)


def _unanswered(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return "LOGIN_PROXY_FAILS"
    if isinstance(error, requests.exceptions.SSLError):
        return "LOGIN_HOST_NOT_TRUSTED"
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return "LOGIN_HOST_UNKNOWN" if isinstance(reason, NameResolutionError) else "LOGIN_UNREACHABLE"
