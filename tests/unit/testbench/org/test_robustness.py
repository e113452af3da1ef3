from __future__ import annotations

from typing import Any

from destination_testbench.org import SimulatedOrg
from hypothesis import example, given, settings
from hypothesis import strategies as st
from org_caller import CONTACT, OTHER_CONTACT, Caller, an_org

NAMES = ("id", "Id", "LastName", "Email", "CDP_Vip__c", "CDP_Event_Time__c", "CDP_Loyal_Since__c", "Account", "X")
QUERY = "SELECT Id , LastName FROM Contact WHERE = != < IN ( ) 'x' 5 null AND OR NOT LIMIT ORDER BY count() Email"
URLS = [f"/services/data/v66.0/{path}" for path in ("composite/sobjects", "sobjects/Contact", "")]
PATHS = ["composite/sobjects", "composite/sobjects/Contact/Email", "composite/sobjects/Contact/Id"]

Values = st.SearchStrategy[Any]
leaves: Values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
leaves |= st.sampled_from([CONTACT, OTHER_CONTACT, "Contact", "2026-01-01T00:00:00Z", "@{a.b}", "a@example.com"])
anything: Values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def an_object(**members: Values) -> Values:
    return st.fixed_dictionaries({}, optional=members)


types = st.just({"type": "Contact"}) | anything
records = st.fixed_dictionaries({"attributes": types}, optional=dict.fromkeys(NAMES, anything))
envelopes = an_object(records=st.lists(records | anything, max_size=4) | anything, allOrNone=anything)
subrequests = an_object(
    method=st.sampled_from(["PATCH", "POST", "GET", "X"]) | anything,
    url=st.sampled_from(URLS) | anything,
    referenceId=st.sampled_from(["a", "b", "c"]) | anything,
    httpHeaders=anything,
    body=envelopes | anything,
)
composites = an_object(compositeRequest=st.lists(subrequests, max_size=3) | anything, allOrNone=anything)


def sane(org: SimulatedOrg) -> bool:
    return all(
        record.get("LastName") and isinstance(record.get("CDP_Vip__c"), bool) for record in org.records("Contact")
    )


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from([*PATHS, f"sobjects/Contact/{CONTACT}"]), body=envelopes | records | anything)
def test_no_body_is_beyond_an_answer(path: str, body: Any) -> None:
    org = an_org()

    status, _ = Caller(org).send("PATCH", path, body)

    assert status in (200, 201, 204, 300, 400, 404, 501)
    assert sane(org)


@settings(max_examples=150, deadline=None)
@given(body=composites)
def test_no_composite_is_beyond_an_answer(body: Any) -> None:
    org = an_org()

    status, _ = Caller(org).send("POST", "composite", body)

    assert status in (200, 400, 501)
    assert sane(org)


@settings(max_examples=150, deadline=None)
@given(words=st.lists(st.sampled_from(QUERY.split()), max_size=12))
def test_no_query_is_beyond_an_answer(words: list[str]) -> None:
    status, _ = Caller(an_org()).send("GET", f"query?q={' '.join(words)}")

    assert status in (200, 400, 501)


@settings(max_examples=100, deadline=None)
@example(body=b'{"":"","":true,"":[]}')
@given(body=st.binary(max_size=60))
def test_no_bytes_are_beyond_an_answer(body: bytes) -> None:
    status, _ = Caller(an_org()).send("PATCH", "composite/sobjects", body)

    assert status in (400, 501)
