from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from destination_testbench.org import Fault, FaultKind, OrgReply, OrgRequest, SimulatedOrg, record_id
from destination_testbench.org.page.overview import FAULTS
from hypothesis import given, settings
from hypothesis import strategies as st
from org_caller import CONTACT, LEAD, OTHER_CONTACT, Caller, Clock, a_contact, an_org

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }} {% raw %}",
    "</title></a></td><style>*{display:none}</style>",
    "&lt;b&gt; & <b>",
    "\u202e\u0000 \ud7ff 😀",
]
OURS = {
    *("html", "head", "meta", "title", "link", "body", "a", "header", "div", "span", "small", "form", "label", "input"),
    *("button", "nav", "main", "section", "h1", "h2", "p", "b", "meter", "ol", "ul", "li", "time", "table", "thead"),
    *("tbody", "tr", "th", "td", "code", "footer", "dl", "dt", "dd", "details", "summary"),
}


@dataclass
class Read(HTMLParser):
    """A page as a browser reads it: its text, its links, and every tag and attribute in it."""

    text: str = ""
    links: dict[str, str] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._link = dict(attrs).get("href") or "" if tag == "a" else self._link

    def handle_endtag(self, tag: str) -> None:
        self._link = "" if tag == "a" else self._link

    def handle_data(self, data: str) -> None:
        self.text = " ".join(f"{self.text} {data}".split())
        if self._link and data.strip():
            self.links[" ".join(data.split())] = self._link


def look(org: SimulatedOrg, path: str = "/", **query: str) -> OrgReply:
    return org.handle(OrgRequest("GET", path, query))


def read(reply: OrgReply) -> Read:
    page = Read()
    page.feed(reply.body.decode())
    page.close()
    return page


def seen(org: SimulatedOrg, path: str = "/", **query: str) -> Read:
    reply = look(org, path, **query)
    assert reply.status == 200
    return read(reply)


def test_the_first_page_shows_the_calls_and_the_last_requests(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(Title="X"))
    caller.send("GET", "query?q=nonsense")
    org.config.daily_limit = 5000

    page = seen(org)

    assert "API calls in 24 hours 2 of 5,000" in page.text
    assert "GET /services/data/v66.0/query 400" in page.text
    assert "PATCH /services/data/v66.0/composite/sobjects 200 1" in page.text


def test_the_first_page_shows_what_was_written_last(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(CDP_Newsletter__c="realized"))
    caller.update(a_contact(CDP_Newsletter__c="exited"))

    page = seen(org)

    assert page.links["Amara Abara"] == f"/_org/page/Contact/{CONTACT}"
    assert "Contact updated 08:00:00 CDP Newsletter realized → exited" in page.text
    assert "CDP Newsletter realized Last requests" in page.text


def test_an_org_that_nobody_wrote_to_shows_no_changes(org: SimulatedOrg) -> None:
    assert "Nobody has changed a record yet." in seen(org).text
    assert "Nobody has asked anything yet." in seen(org).text


def test_a_fault_that_is_on_is_told_in_words(org: SimulatedOrg, caller: Caller) -> None:
    org.faults.add(Fault(FaultKind.OUTAGE, times=3, path="/limits", method="GET"))
    org.faults.lock([CONTACT], tries=2)
    caller.request("GET", "limits")

    text = seen(org).text

    assert "Faults on 2" in text
    assert "Salesforce is down, and says so GET /limits · 3 times · struck 1 times · number 1" in text
    assert f"Records are locked {CONTACT} · 2 times each · struck 0 times" in text


def test_every_kind_of_fault_has_words() -> None:
    assert set(FAULTS) == set(FaultKind)


def test_contacts_are_listed_with_their_statuses_the_last_changed_first(
    org: SimulatedOrg, caller: Caller, clock: Clock
) -> None:
    clock.sleep(1)
    since = {"CDP_Loyal_Since__c": "2022-01-11T21:24:39Z"}
    caller.update(a_contact(OTHER_CONTACT, CDP_Loyal__c="existing", **since, CDP_Audiences__c="Loyal;VIP"))

    page = seen(org, "/_org/page/Contact")

    assert "1 to 3 of 3" in page.text
    assert "Name CDP Loyal CDP Audiences Changed Bea Abara" in page.text
    assert "existing since 11 Jan 2022 Loyal VIP 08:00:01" in page.text
    assert list(page.links).index("Bea Abara") < list(page.links).index("Amara Abara")


@pytest.mark.parametrize(
    "query", ["amara", "AMARA abara", "contact1@example", CONTACT, CONTACT[:15].lower(), "realized gold", "  amara "]
)
def test_a_record_is_found_by_any_part_of_it(org: SimulatedOrg, caller: Caller, query: str) -> None:
    caller.update(a_contact(CDP_Trial__c="realized", Title="Gold"))

    page = seen(org, "/_org/page/Contact", q=query)

    assert f"1 found for “{query.strip()}”" in page.text
    assert {"Amara Abara", "Bea Abara"} & page.links.keys() == {"Amara Abara"}


def test_what_nothing_holds_is_not_found(org: SimulatedOrg) -> None:
    assert "Nothing holds “zzz”." in seen(org, "/_org/page/Contact", q="zzz").text


@pytest.mark.parametrize(
    ("number", "shown"),
    [("1", "1 to 50"), ("3", "101 to 120"), ("9", "101 to 120"), ("0", "1 to 50"), ("x", "1 to 50")],
)
def test_a_long_list_has_pages(number: str, shown: str) -> None:
    page = seen(an_org(contacts=120), "/_org/page/Contact", page=number, q="example")

    assert f"Page {1 if shown == '1 to 50' else 3} of 3" in page.text
    assert ("Next →" in page.links, "← Previous" in page.links) == (shown == "1 to 50", shown != "1 to 50")
    assert "?q=example&page=2" in page.links.values()


def test_a_record_shows_its_audiences_and_its_history(org: SimulatedOrg, caller: Caller, clock: Clock) -> None:
    caller.update(a_contact(CDP_Loyal__c="realized", CDP_Loyal_Since__c="2022-01-11T21:24:39Z"))
    clock.sleep(86_400)
    Caller(org).update(a_contact(CDP_Loyal__c="exited", CDP_Event_Time__c=1_800_000_000_123, Description="D" * 1000))
    org.admin.edit("Contact", CONTACT, {"Title": "Boss"})

    text = seen(org, f"/_org/page/Contact/{CONTACT}").text

    assert "CDP Loyal CDP_Loyal__c exited since 11 Jan 2022" in text
    assert "Edited by hand by admin@example.com 08:00:00 Title Boss Updated by integration@example.com" in text
    assert "CDP Loyal realized → exited" in text
    assert "15 Jan, 08:00 1800000000123" in text
    assert "Created by integration@example.com 15 Jan, 08:00 First Name Amara" in text
    assert f"{'D' * 300}… (1,000 characters)" in text


def test_a_record_is_found_by_its_short_id(org: SimulatedOrg) -> None:
    assert CONTACT in seen(org, f"/_org/page/Contact/{CONTACT[:15]}").text


def test_what_became_of_a_record_is_told_and_leads_on(org: SimulatedOrg) -> None:
    contact = org.admin.convert_lead(LEAD)
    org.admin.merge("Contact", CONTACT, [OTHER_CONTACT])

    lead, merged = seen(org, f"/_org/page/Lead/{LEAD}"), seen(org, f"/_org/page/Contact/{OTHER_CONTACT}")

    assert "Amara Abara converted" in lead.text
    assert lead.links[contact] == f"/_org/page/Contact/{contact}"
    assert "Bea Abara deleted" in merged.text
    assert merged.links[CONTACT] == f"/_org/page/Contact/{CONTACT}"
    assert "Bea Abara" not in seen(org, "/_org/page/Contact").text


def test_other_sobjects_are_shown_once_they_have_records() -> None:
    org = an_org(person_accounts=True)
    assert not {"Accounts", "Loyalty Members", "Users", "Permission Sets"} & seen(org).links.keys()

    org.insert("Account", record_id("001", 1), {"LastName": "Berg", "CDP_Vip__pc": True})
    org.insert("Loyalty_Member__c", record_id("a00", 1), {"Tier__c": "Gold"})

    assert {"Accounts", "Loyalty Members"} <= seen(org).links.keys()
    assert "Berg person" in seen(org, "/_org/page/Account").text
    assert "Gold" in seen(org, "/_org/page/Loyalty_Member__c").text


def test_a_deleted_field_stays_in_the_history_by_its_name(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(CDP_Trial__c="realized"))
    org.admin.remove_field("Contact", "CDP_Trial__c")

    text = seen(org, f"/_org/page/Contact/{CONTACT}").text

    assert "CDP_Trial__c realized" in text
    assert "CDP Trial" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_value_is_nothing_but_text(hostile: str) -> None:
    org = an_org()
    org.insert("Contact", CONTACT, {"LastName": hostile, "CDP_Loyal__c": hostile, "CDP_Audiences__c": hostile})
    Caller(org).update(a_contact(Title=hostile, Department=hostile, CDP_Newsletter__c=hostile[:20]))
    org.handle(OrgRequest("GET", f"/services/{hostile}"))
    org.faults.add(Fault(FaultKind.RECORD_ERROR, code=hostile, path=hostile, records=(hostile,)))

    for path in ("/", "/_org/page/Contact", f"/_org/page/Contact/{CONTACT}", f"/_org/page/{hostile}"):
        page = read(look(org, path, q=hostile))

        assert page.tags <= OURS
        assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
        assert hostile in path or " ".join(hostile.split()) in page.text


@given(text=st.text(max_size=40), path=st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_text_is_beyond_the_page(text: str, path: str) -> None:
    org = an_org(contacts=1, leads=0)
    org.insert("Contact", CONTACT, {"LastName": text, "CDP_Loyal__c": text, "CDP_Audiences__c": text})

    replies = [look(org), look(org, f"/_org/page/{path}"), look(org, "/_org/page/Contact", q=text, page=path)]

    assert {reply.status for reply in replies} <= {200, 404}
    assert all(read(reply).tags <= OURS for reply in replies)


def test_nothing_runs_in_the_page_and_nothing_is_fetched_from_elsewhere(org: SimulatedOrg) -> None:
    reply = look(org)

    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert b"http://" not in reply.body.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"https://" not in reply.body


@pytest.mark.parametrize(
    "path",
    ["/_org/page/Nonsense", "/_org/page/User", "/_org/page/Contact/003x", "/_org/page/Contact/x/y", "/_org/pages"],
)
def test_what_is_not_there_is_said_with_a_way_back(org: SimulatedOrg, path: str) -> None:
    reply = look(org, path)

    assert reply.status == 404
    assert read(reply).links["Back to the overview"] == "/"


def test_the_page_is_only_for_reading(org: SimulatedOrg) -> None:
    assert org.handle(OrgRequest("POST", "/_org/page/Contact")).status == 405


def test_looking_at_the_page_is_no_request_to_the_org(org: SimulatedOrg) -> None:
    org.faults.add(Fault(FaultKind.OUTAGE))

    answers: list[Any] = [look(org), look(org, "/_org/page/style.css"), look(org, "/_org/page/Lead")]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[1].headers["Content-Type"].startswith("text/css")
    assert (org.usage.used(org.now()), list(org.log.last)) == (0, [])
