"""Which servers may see a secret: Salesforce's own, told by the parsed host and never by a part of the text.

A host that only looks like Salesforce (`acme.my.salesforce.com@evil.example`) would get credentials and tokens. So the
text is parsed, its host must match as a whole, and the URL is built anew from the host: nothing else of it survives.
"""

import re
from urllib.parse import SplitResult, urlsplit

from salesforce_destination.errors import CredentialsError

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "host.docker.internal"})
"""This machine, as seen from itself and from a container on it."""

LOGIN_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})

# My Domain login URLs (Salesforce Help, "My Domain URL Formats"): one label, or two where the org is no production org
# (acme--uat.sandbox, acme-dev-ed.develop). Orgs of the US military have .mil (forcedotcom/sfdx-core, sfdcUrl.ts), those
# on Alibaba Cloud in China sfcrmproducts.cn.
_LABEL = r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_MY_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})?\.my\.(?:salesforce\.(?:com|mil)|sfcrmproducts\.cn)")
# Orgs from before My Domain answer with the host of their instance: na1, eu55, usa77, cs100, usa2s.sfdc-a1b2c3.
_INSTANCE = re.compile(rf"[a-z]{{2,4}}[0-9]{{1,4}}[a-z]?(?:\.sfdc-{_LABEL})?\.salesforce\.com")
_PREFIX = re.compile(rf"{_LABEL}(?:\.(?:sandbox|develop|scratch|demo|patch|trailblaze|free))?")
_NOT_IN_A_URL = re.compile(r"[^!-~]|[\\@?#%]")

_SHAPES = (
    "Write the My Domain prefix (acme), the host (acme.my.salesforce.com) or the address"
    " (https://acme.my.salesforce.com). Setup > My Domain shows it."
)
_PAGES = (".force.com", ".salesforce-setup.com", ".site.com", ".sfcrmapps.cn")
_OWN = (".salesforce.com", ".sfcrmproducts.cn")


def salesforce_url(domain: str, *, allow_local: bool) -> str:
    """Make the address to log in at from the `domain` of the credentials secret; http goes to this machine alone.

    A prefix with `--` in it is a sandbox's, one that ends in `-dev-ed` a Developer Edition's.
    """
    text = domain.strip()
    url = _split(text if "://" in text else _address(text.lower()))
    if server := _server(url, allow_local):
        return server
    raise CredentialsError("domain", _problem(url), _SHAPES)


def check_instance_url(instance_url: str, *, allow_local: bool) -> str:
    """Take the server that a token is for, or refuse it: calls with profiles and the token would go there."""
    url = _split(instance_url)
    if (server := _server(url, allow_local)) is None or (url and url.hostname in LOGIN_HOSTS):
        problem = "led to a token for a server that is not Salesforce's. The token is not used."
        raise CredentialsError("domain", problem, "Check that it names your org. " + _SHAPES, "INSTANCE_URL_FOREIGN")
    return server


def is_local(url: str) -> bool:
    """Tell whether a checked URL leads to this machine."""
    return urlsplit(url).scheme == "http"


def is_my_domain(url: str) -> bool:
    """Tell whether a checked URL is an org's own, not one that all orgs share."""
    return is_local(url) or _MY_DOMAIN.fullmatch(urlsplit(url).hostname or "") is not None


def jwt_audience(url: str) -> str:
    """Name whom a signed log-in is for ("OAuth 2.0 JWT Bearer Flow"): the log-in server of production or of sandboxes.

    A local org stands for itself, and so does one in China, which has log-in servers of its own.
    """
    host = urlsplit(url).hostname or ""
    if is_local(url) or host.endswith(".cn"):
        return url
    labels = host.split(".")
    is_test = host == "test.salesforce.com" or "--" in labels[0] or labels[1] in ("sandbox", "scratch")
    is_test_instance = re.fullmatch(r"(?:cs[0-9]+[a-z]?|[a-z]+[0-9]+s\.sfdc-[^.]+)\.salesforce\.com", host)
    return "https://test.salesforce.com" if is_test or is_test_instance else "https://login.salesforce.com"


def _address(text: str) -> str:
    if text in ("login", "test"):
        return f"https://{text}.salesforce.com"
    if not _PREFIX.fullmatch(text):
        return f"https://{text}"
    kind = "" if "." in text else ".sandbox" if "--" in text else ".develop" if text.endswith("-dev-ed") else ""
    return f"https://{text}{kind}.my.salesforce.com"


def _split(text: str) -> SplitResult | None:
    if _NOT_IN_A_URL.search(text):
        return None
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return None
    return url


def _server(url: SplitResult | None, allow_local: bool) -> str | None:
    """The address of a server of Salesforce's, or of this machine where that is allowed; None for every other."""
    if url is None or url.path not in ("", "/"):
        return None
    host = url.hostname or ""
    if allow_local and url.scheme == "http" and host in LOCAL_HOSTS:
        return f"http://{url.netloc.lower()}"
    is_known = host in LOGIN_HOSTS or _MY_DOMAIN.fullmatch(host) or _INSTANCE.fullmatch(host)
    return f"https://{host}" if url.scheme == "https" and is_known and url.port in (None, 443) else None


def _problem(url: SplitResult | None) -> str:
    host = (url.hostname if url else None) or ""
    if host.endswith(_PAGES):
        return "is the address of Salesforce's pages in a browser. The API has another one."
    if url is not None and url.scheme == "http" and host.endswith(_OWN):
        return "starts with http://, which would send the secrets unencrypted."
    if url is not None and url.path not in ("", "/") and host.endswith(_OWN):
        return "has a path after the host."
    return "is not a Salesforce host."
