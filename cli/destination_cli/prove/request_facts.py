"""Facts about whole requests: what fits into one, what it costs, and in which form the answer comes."""

from __future__ import annotations

import time
from collections.abc import Callable

from destination_cli.org_api import OrgAnswer
from destination_cli.prove.fact import Trial, all_good, fact, fails, holds, holds_if, untried
from destination_cli.prove.stage import COLLECTION, COLLECTIONS, Stage

COUNTED_REQUESTS = 10
READINGS = 6
SECONDS_BETWEEN_READINGS = 5.0


@fact(
    "thousand-records",
    "One composite request updates 5 collections of 200 records.",
    "Set CollectionsPerRequest to 1: 200 records a request instead of 1,000, at five times the API calls.",
)
def thousand_records(stage: Stage) -> Trial:
    """Update 1,000 records by one composite request."""
    ids = stage.ids(COLLECTIONS * COLLECTION)
    rows = [stage.row(id=id_, **{stage.fields.text: "thousand"}) for id_ in ids]
    parts = [rows[start : start + COLLECTION] for start in range(0, len(rows), COLLECTION)]
    answer = stage.composite(parts)
    if not answer.good:
        return fails(f"the request is refused: {answer.code}")
    replies = answer.body["compositeResponse"]
    written = sum(all_good(reply["body"], COLLECTION) for reply in replies)
    return holds_if(written == COLLECTIONS, f"{written} of {COLLECTIONS} collections of {COLLECTION} are written")


@fact(
    "one-call",
    "A composite request counts as one API call, even with five collections.",
    "Deliveries cost up to five times as many API calls. Raise the batch window, and watch the limit.",
)
def one_call(stage: Stage, sleep: Callable[[float], None] = time.sleep) -> Trial:
    """Compare the org's own count of calls before and after some composite requests with several collections each."""
    parts = [[stage.row(id=id_, **{stage.fields.text: "counted"})] for id_ in stage.ids(COLLECTIONS)]
    before = stage.api.send("GET", "sobjects")
    answers = [stage.composite(parts) for _ in range(COUNTED_REQUESTS)]
    if before.calls_used is None or answers[-1].calls_used is None:
        return untried("the org does not report its calls (Sforce-Limit-Info)")
    used = _settled(stage, before.calls_used, answers[-1], sleep)
    if used < COUNTED_REQUESTS:
        return untried(f"the org's count lags: {used} after {COUNTED_REQUESTS} requests")
    # Others may call the org meanwhile; each collection counted for itself would make 50 and more.
    several = COUNTED_REQUESTS * COLLECTIONS
    seen = f"{COUNTED_REQUESTS} requests with {COLLECTIONS} collections each count {used}"
    return holds_if(used < (COUNTED_REQUESTS + several) // 2, seen)


def _settled(stage: Stage, before: int, last: OrgAnswer, sleep: Callable[[float], None]) -> int:
    """The calls since, once a count that lags has come up; our own readings are left out."""
    used = (last.calls_used or 0) - before
    for reading in range(1, READINGS + 1):
        if used >= COUNTED_REQUESTS:
            break
        sleep(SECONDS_BETWEEN_READINGS)
        used = (stage.api.send("GET", "sobjects").calls_used or 0) - before - reading
    return used


@fact(
    "answer-shape",
    "Answers have the structure that this software reads.",
    "Stop deliveries and report it: written records could be read as refused, and the other way round.",
)
def answer_shape(stage: Stage) -> Trial:
    """Look at every part of an answer that the deliver function reads."""
    good, deleted = stage.ids(1)[0], stage.create([{}])[0]
    stage.delete([deleted])
    rows = [stage.row(id=id_, **{stage.fields.text: "shape"}) for id_ in (good, deleted)]
    answer = stage.composite([rows])
    replies = answer.body.get("compositeResponse") if isinstance(answer.body, dict) else None
    if not answer.good or not isinstance(replies, list) or len(replies) != 1:
        return fails(f"no list of replies in the composite answer: {answer.code}")
    reply = replies[0]
    if (reply.get("httpStatusCode"), reply.get("referenceId")) != (200, "collection0"):
        return fails(f"a collection in which a record is refused is answered with {reply.get('httpStatusCode')}")
    results = reply.get("body")
    if not isinstance(results, list) or len(results) != 2:
        return fails("the collection's answer does not have one result for each record")
    written, refused = results
    if (written.get("id"), written.get("success")) != (good, True):
        return fails("the result of a written record lacks its 18-character id or success")
    named = [{"statusCode", "message", "fields"} <= error.keys() for error in refused.get("errors") or ()]
    known = refused.get("success") is False and bool(named) and all(named)
    return holds_if(known, "id, success, errors with statusCode, message and fields")


@fact(
    "all-refused",
    "A collection is answered with 200 even if all of its records are refused.",
    "A single refused record is read as a refused request: it is deferred, not dead-lettered.",
)
def all_refused(stage: Stage) -> Trial:
    """Send a collection in which every record is refused."""
    deleted = stage.create([{}, {}])
    stage.delete(deleted)
    answer = stage.update([stage.row(id=id_, **{stage.fields.text: "gone"}) for id_ in deleted])
    return holds_if(answer.status == 200, f"answered with {answer.status}")


@fact(
    "header-in-subrequest",
    "The header Sforce-Auto-Assign works on each subrequest.",
    "Updates may give leads to other owners. Switch the assignment rule off for the integration user.",
)
def header_in_subrequest(stage: Stage) -> Trial:
    """See that a subrequest's own header keeps an assignment rule from a lead; others: that it may stand there."""
    id_ = stage.create([{}])[0]
    header = {"Sforce-Auto-Assign": "FALSE"}
    answer = stage.composite([[stage.row(id=id_, **{stage.fields.text: "kept"})]], header)
    if not answer.good or answer.body["compositeResponse"][0]["httpStatusCode"] != 200:
        return fails(f"a subrequest with its own header is refused: {answer.code}")
    if stage.sobject != "Lead":
        return holds("the header is accepted; only leads have assignment rules")
    kept = stage.read([id_], "OwnerId")[0]["OwnerId"]
    stage.composite([[stage.row(id=id_, **{stage.fields.text: "assigned"})]])
    without = stage.read([id_], "OwnerId")[0]["OwnerId"]
    mine = stage.read(stage.create([{}]), "OwnerId")[0]["OwnerId"]
    if without == mine:
        return untried("no active assignment rule gave the lead to another user")
    return holds_if(kept == mine, "the owner stays with the header and changes without it")


ENVELOPE_FACTS = (thousand_records, one_call, answer_shape, all_refused, header_in_subrequest)
