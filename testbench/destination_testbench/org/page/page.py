"""The paths of the page: /, and what is below /_org/page/."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from destination_testbench.org.exchange import HTML_TYPE, OrgReply, OrgRequest
from destination_testbench.org.page.listing import listing
from destination_testbench.org.page.overview import overview
from destination_testbench.org.page.record import record_view
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.schema.schema import SObject

if TYPE_CHECKING:
    from jinja2 import Environment

    from destination_testbench.org.org import SimulatedOrg

HOME = Path(__file__).parent
BELOW = "/_org/page"
ALWAYS = ("Contact", "Lead")
NOT_SHOWN = {"User"}
# No script runs whatever a name holds, nor is anything fetched from elsewhere.
SAFETY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_for_people(request: OrgRequest) -> bool:
    """Whether a request is for the page, and none that Salesforce would know."""
    return request.path == "/" or request.path.startswith(BELOW)


class Page:
    """Shows an org to people. It only reads, and what it is asked counts as no request to the org."""

    def __init__(self, org: SimulatedOrg) -> None:
        self._org = org

    def answer(self, request: OrgRequest) -> OrgReply:
        """The answer to one request: 404 for what is not there, 405 where more than reading is asked."""
        if request.method not in ("GET", "HEAD"):
            return self._page("missing", 405, problem="This page is only for reading.")
        parts = request.path.removeprefix(BELOW).strip("/").split("/")
        if parts == ["style.css"]:
            return OrgReply(
                200, {**SAFETY, "Content-Type": "text/css; charset=UTF-8"}, (HOME / "style.css").read_bytes()
            )
        self._org.settle()
        with self._org.data_lock:
            return self._answered(parts, request)

    def _answered(self, parts: list[str], request: OrgRequest) -> OrgReply:
        if parts == [""]:
            return self._page("overview", view=overview(self._org, self._sobjects(), self._org.now()))
        sobject = next((found for found in self._sobjects() if found.name == parts[0]), None)
        if sobject and len(parts) == 1:
            return self._list(sobject, request)
        if sobject and len(parts) == 2:
            return self._record(sobject, parts[1])
        return self._page("missing", 404, problem="There is no such page.")

    def _list(self, sobject: SObject, request: OrgRequest) -> OrgReply:
        number = request.query.get("page", "1")
        view = listing(
            sobject,
            self._org.store.table(sobject),
            request.query.get("q", "").strip(),
            int(number) if number.isdecimal() else 1,
            self._org.now(),
        )
        return self._page("listing", view=view, searched=sobject)

    def _record(self, sobject: SObject, text: str) -> OrgReply:
        record = self._org.store.table(sobject).records.get(normalised(text) or "")
        if record is None:
            problem = f"There is no {sobject.label.lower()} with this id."
            return self._page("missing", 404, problem=problem, searched=sobject)
        view = record_view(self._org.store, sobject, record, self._org.users, self._org.now())
        return self._page("record", view=view, searched=sobject)

    def _sobjects(self) -> list[SObject]:
        """Contacts, leads, and every other sObject with records that are no set-up."""
        sobjects, store = self._org.schema.sobjects, self._org.store
        others = (
            found
            for found in sobjects.values()
            if found.name not in NOT_SHOWN.union(ALWAYS) and not found.setup and store.table(found).records
        )
        return [*(sobjects[name] for name in ALWAYS), *others]

    def _page(self, template: str, status: int = 200, searched: SObject | None = None, **given: Any) -> OrgReply:
        shown = self._sobjects()
        text = (
            templates()
            .get_template(f"{template}.html")
            .render(
                org=self._org.config.organization_name,
                tabs=[(sobject.name, sobject.plural, len(self._org.store.table(sobject))) for sobject in shown],
                searched=searched or shown[0],
                here=searched.name if searched else "",
                **given,
            )
        )
        return OrgReply(status, {**SAFETY, "Content-Type": HTML_TYPE}, text.encode())


@cache
def templates() -> Environment:
    """The templates, read when the page is first looked at: few who use the org ever do."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(HOME / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
