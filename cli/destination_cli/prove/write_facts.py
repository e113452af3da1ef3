"""Facts about writes: what fits into a request and what it costs, who is told what, and how a key finds a record."""

import time
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from salesforce_destination.errors import RequestRefusedError
from salesforce_destination.record.classification import Meaning, request_error
from salesforce_destination.record.description import FieldDescription
from salesforce_destination.record.record import to_18
from salesforce_destination.record.successor import LONGEST_QUERY, MERGEABLE, successor_queries

from destination_cli.org_api import OrgAnswer
from destination_cli.prove.fact import Trial, codes_of, errors_of, fact, fails, holds_if, meanings_of, unseen, untried
from destination_cli.prove.stage import COLLECTION, COLLECTIONS, CREATING, TEXT_LENGTH, Json, Stage, replies_in

COUNTED_REQUESTS = 10
READINGS = 6
SECONDS_BETWEEN_READINGS = 5.0
NOWHERE = "CDP_Prove_Nowhere__c"
GOOD_RECORDS = 20
VALUE = LONGEST_QUERY // COLLECTION - 4
"""Characters of a value, so that 200 of them, in quotation marks, make the longest query."""

MISSING = "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"  # the codes of an Id that is not there


@fact("Set COLLECTIONS_PER_REQUEST in template.yaml to 1: 200 records a request, at five times the API calls.")
def thousand_records(stage: Stage) -> Trial:
    """One composite request updates 5 collections of 200 records."""
    rows = [stage.said(id_, "thousand") for id_ in stage.ids(COLLECTIONS * COLLECTION)]
    answer = stage.composite([rows[start : start + COLLECTION] for start in range(0, len(rows), COLLECTION)])
    if not answer.good:
        return fails(f"the request is refused: {answer.code}")
    results = [reply["body"] for reply in answer.body["compositeResponse"] if isinstance(reply["body"], list)]
    written = sum([result.get("success") for result in each] == [True] * COLLECTION for each in results)
    return holds_if(written == COLLECTIONS, f"{written} of {COLLECTIONS} collections of {COLLECTION} are written")


@fact("Deliveries cost up to five times as many API calls. Raise the batch window, and watch the limit.")
def one_call(stage: Stage, sleep: Callable[[float], None] = time.sleep) -> Trial:
    """A composite request counts as one API call, even with five collections."""
    parts = [[stage.said(id_, "counted")] for id_ in stage.ids(COLLECTIONS)]
    before = stage.api.send("GET", "sobjects")
    answers = [stage.composite(parts) for _ in range(COUNTED_REQUESTS)]
    if before.calls_used is None or answers[-1].calls_used is None:
        return untried("the org does not report its calls (Sforce-Limit-Info)")
    if (used := _settled(stage, before.calls_used, answers[-1], sleep)) < COUNTED_REQUESTS:
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


@fact("Stop deliveries and report it: written records could be read as refused, and the other way round.")
def answer_shape(stage: Stage) -> Trial:
    """Answers have the structure that this software reads."""
    good, (deleted,) = stage.ids(1)[0], stage.gone()
    answer = stage.composite([[stage.said(good, "shape"), stage.said(deleted, "shape")]])
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


@fact("A single refused record is read as a refused request: it is deferred, not dead-lettered.")
def all_refused(stage: Stage) -> Trial:
    """A collection is answered with 200 even if all of its records are refused."""
    answer = stage.collection([stage.said(id_, "gone") for id_ in stage.gone(2)])
    return holds_if(answer.status == 200, f"answered with {answer.status}")


@fact("Leads get other owners than assignment_rules says. Switch the rule off for the integration user.")
def header_in_subrequest(stage: Stage) -> Trial:
    """The header Sforce-Auto-Assign works on each subrequest, also where leads are created."""
    never, always = ({**CREATING, "Sforce-Auto-Assign": answer} for answer in ("FALSE", "TRUE"))
    ids = [*stage.create([{}], never), *stage.create([{}], always)]
    mine, theirs = (row["OwnerId"] for row in stage.read(ids, "OwnerId"))
    stage.update([stage.said(ids[0], "kept")])
    if stage.sobject != "Lead":
        return holds_if(True, "the header is accepted; only leads have assignment rules")
    new = [stage.update([stage.new()], method="POST", headers=given)[0]["id"] for given in (never, always)]
    if mine == theirs:
        return untried("no active assignment rule gives a new lead to another user")
    owners = [row["OwnerId"] for row in stage.read([ids[0], *new], "OwnerId")]
    return holds_if(owners == [mine, mine, theirs], "the owner follows the header, of old leads and of new ones")


@fact('duplicate_rules = "allow" has no effect: records that look alike become dead letters.')
def duplicate_header(stage: Stage) -> Trial:
    """With the header Sforce-Duplicate-Rule-Header, a subrequest creates a record that only resembles another."""
    email = {stage.fields.email: f"{stage.tag}@example.com".lower()} if stage.fields.email else {}
    stage.create([email])
    new = [stage.new(**email)]
    without, with_it = (stage.update(new, method="POST", headers=given)[0] for given in ({}, CREATING))
    if without["success"]:
        return untried("no active duplicate rule finds two records of one name and e-mail address alike")
    return holds_if(with_it["success"], f"{codes_of(without)} without the header, {codes_of(with_it)} with it")


@fact("Stop deliveries and report it: results are matched by position, because refused records have no id.")
def position(stage: Stage) -> Trial:
    """Results are in the order of the records."""
    gone, good = stage.gone(3), stage.ids(9)
    ids = [good[0], gone[0], *good[1:4], gone[1], *good[4:8], gone[2], good[8]]
    results = stage.update([stage.said(id_, "position") for id_ in ids])
    if len(results) != len(ids):
        return fails(f"the number of results is not {len(ids)}")
    wrong = sum(
        result["success"] is (id_ in gone) or (result["success"] and result["id"] != id_)
        for id_, result in zip(ids, results, strict=True)
    )
    seen = f"{wrong} of {len(ids)} results are at another position" if wrong else "each at its position"
    return holds_if(not wrong, seen)


@fact("Each refused record costs more requests: the others are split and sent again.")
def partial_save(stage: Stage) -> Trial:
    """Good records are saved beside refused ones (in passes, where triggers are involved)."""
    ids = stage.ids(GOOD_RECORDS)
    rows = [stage.said(id_, "saved") for id_ in ids]
    rows[5:5] = [stage.said(stage.gone()[0], "x")]
    rows[12:12] = [stage.said(_never(ids[0]), "x")]
    rows[18:18] = [stage.said("", "x")]
    failed = [result for result in stage.update(rows) if not result["success"]]
    saved = sum(row[stage.fields.text] == "saved" for row in stage.read(ids, stage.fields.text))
    return holds_if(saved == len(ids), f"{saved} of {len(ids)} good records were saved beside {len(failed)} others")


@fact("A missing field stops every message of its batch until you correct it, not only the values of that field.")
def unknown_field(stage: Stage) -> Trial:
    """An unknown field refuses only its own record, with INVALID_FIELD."""
    first, second = stage.ids(2)
    return _field(stage.update([stage.row(first, **{NOWHERE: "x"}), stage.said(second, "beside")]))


@fact("A missing field stops every message of its batch until you correct it, not only the values of that field.")
def unknown_field_by_key(stage: Stage, key: FieldDescription) -> Trial:
    """An unknown field refuses only its own record where records are found by a key, too."""
    values = [_value(stage, key, end) for end in ("wrong", "right")]
    stage.create([{key.name: value} for value in values])
    rows = [_keyed(stage, key, value) for value in values]
    return _field(stage.upsert([rows[0] | {NOWHERE: "x"}, rows[1]], key.name))


def _field(results: Sequence[Json]) -> Trial:
    bad, good = results
    return holds_if(good["success"] and meanings_of(bad) == {Meaning.FIELD}, codes_of(bad))


@fact("One such value costs about ten requests until it is found. Nothing is lost.")
def wrong_type(stage: Stage) -> Trial:
    """A value of a wrong type refuses only its own record."""
    if stage.fields.typed is None:
        return untried(f"{stage.sobject} has no date or number field that this user may write")
    first, second = stage.ids(2)
    bad, good = stage.update([stage.row(first, **{stage.fields.typed: "none"}), stage.said(second, "beside")])
    return holds_if(good["success"] and meanings_of(bad) in ({Meaning.REJECT}, {Meaning.FIELD}), codes_of(bad))


@fact("Messages for Ids of another org are tried three times before they become dead letters, and no rule follows.")
def unknown_id(stage: Stage) -> Trial:
    """An unknown Id refuses only its own record, with a known code."""
    (result,) = stage.update([stage.said(_never(stage.ids(1)[0]), "x")])
    return holds_if(_is_miss(stage, result, *MISSING), codes_of(result))


def _never(id_: str) -> str:
    """An id of the same sObject that is never given: number nought."""
    return to_18(f"{id_[:3]}000000000000") or id_


@fact("A person whose record is hidden is taken for missing: give the integration user View All Records.")
def hidden_id(stage: Stage) -> Trial:
    """An Id that sharing hides is refused otherwise than one that is not there."""
    if stage.delivering is None:
        return untried("this takes a second user: add the token of an administrator (--access-token-stdin) to a stack")
    (id_,) = stage.create([{}])
    if stage.delivering.query("Id", stage.sobject, {"Id": id_}):
        return untried("the integration user sees this administrator's records")
    (result,) = stage.update([stage.said(id_, "x")], api=stage.delivering)
    is_missing = any(error.code in MISSING for error in errors_of(result))
    return holds_if(not (is_missing or result["success"]), codes_of(result))


@fact("One parent that is not there costs about ten requests until it is found. Nothing is lost.")
def missing_parent(stage: Stage) -> Trial:
    """A parent that is not there refuses only its own record, with INVALID_FIELD."""
    if not stage.fields.has_owner:
        return untried(f"{stage.sobject} has no owner")
    first, second = stage.ids(2)
    owner = {"attributes": {"type": "User"}, "FederationIdentifier": stage.tag}
    bad, good = stage.update([stage.row(first, Owner=owner), stage.said(second, "beside")])
    unknown = stage.collection([stage.row(first, Nowhere__r={"Key__c": "x"})])
    scope = "its record" if unknown.good else "the whole request"
    seen = f"{codes_of(bad)}; an unknown relationship refuses {scope}"
    return holds_if(good["success"] and {error.code for error in errors_of(bad)} == {"INVALID_FIELD"}, seen)


@fact("""Leave out write = "if_empty" and unchanged = "skip": what has to be read holds messages back.""")
def read_by_id(stage: Stage) -> Trial:
    """A POST reads many records by their Ids, in their order, with null for one that is not there."""
    good, gone = stage.ids(1)[0], stage.gone()[0]
    path, body = f"composite/sobjects/{stage.sobject}", {"ids": [gone, good], "fields": ["Id"]}
    alone = stage.api.send("POST", path, body)
    (within,) = replies_in(stage.together([(path, body)], "POST"))
    if not alone.good:
        return fails(alone.code)
    read = [row and row["Id"] for row in alone.body]
    also = "takes it, too" if within.good else f"refuses it: {within.code}"
    return holds_if(read == [None, good], f"{len(read)} of 2 are answered; a composite request {also}")


@fact("Find people by Ids and unique external IDs only: a rule with another field holds messages back.")
def long_queries(stage: Stage) -> Trial:
    """A composite request takes five queries of 200 values and almost 8,000 characters each."""
    name, held = stage.fields.text, stage.tag[-TEXT_LENGTH:]
    (id_,) = stage.create([{name: held}])
    values = [held, *(f"{held}-{number:03}".ljust(VALUE, "-") for number in range(COLLECTION - 1))]
    (soql,) = successor_queries(stage.sobject, name, "Id", values)
    answers = replies_in(stage.together([(f"queryAll?{urlencode({'q': soql})}", {})] * COLLECTIONS))
    if refused := [answer for answer in answers if not answer.good]:
        return fails(f"{refused[0].status} {refused[0].code}")
    found = [id_ in {row["Id"] for row in answer.body["records"]} for answer in answers]
    return holds_if(found == [True] * COLLECTIONS, f"{sum(found)} of {COLLECTIONS} find the record")


@fact('merged_records = "follow" does not notice that a record was merged.')
def deleted(stage: Stage) -> Trial:
    """A deleted record says that it is deleted."""
    (result,) = stage.update([stage.said(stage.gone()[0], "x")])
    return holds_if(meanings_of(result) == {Meaning.GONE}, codes_of(result))


@fact('merged_records = "follow" cannot find the record that was kept, and rejects the message.')
def merged_is_shown(stage: Stage) -> Trial:
    """A record that was merged tells this user into which (queryAll)."""
    if stage.sobject not in MERGEABLE:
        return untried(f"records of {stage.sobject} are not merged")
    kept, lost = stage.create([{}, {}])
    if refused := stage.merge(kept, lost):
        return untried(f"this user cannot merge records: {refused[0]}")
    (soql,) = successor_queries(stage.sobject, "Id", "MasterRecordId", [lost])
    shown = stage.api.ask("queryAll", {"q": soql})["records"]
    told = [row["MasterRecordId"] for row in shown]
    good = told == [kept]
    return holds_if(good, "it names the one that was kept" if good else f"{len(shown)} of 1 is shown")


@fact("A since_field is less exact: of two changes close together, the older one may win.")
def seconds(stage: Stage) -> Trial:
    """Date/Time fields keep whole seconds."""
    if stage.fields.moment is None:
        since = [audience.since_field for audience in stage.destination.audiences if audience.since_field]
        return unseen(stage, since) if since else untried(f"{stage.sobject} has no Date/Time custom field")
    kept = _kept(stage, stage.fields.moment, "2026-01-02T03:04:07Z")
    return holds_if(str(kept).startswith("2026-01-02T03:04:07"), f"03:04:07 is kept as {str(kept)[11:19]}")


@fact("Do not use [ordering]: of two events close together, the older one may win.")
def every_digit(stage: Stage) -> Trial:
    """Number(18,0) keeps every digit of an event time."""
    if stage.fields.number is None:
        ordering = stage.destination.ordering
        return unseen(stage, [ordering.field]) if ordering else untried("the file has no [ordering]")
    written = 1_799_999_999_987
    kept = _kept(stage, stage.fields.number, written)
    return holds_if(kept == written, f"{written} is kept" if kept == written else f"{written} is kept as {kept}")


def _kept(stage: Stage, field: str, value: object) -> object:
    """What a field holds after this was written; the code where it was refused."""
    (id_,) = stage.create([{}])
    (result,) = stage.update([stage.row(id_, **{field: value})])
    return stage.read([id_], field)[0][field] if result["success"] else codes_of(result)


@fact("Do not use an external ID with create_missing = false: records would be created, or messages retried in vain.")
def update_only_miss(stage: Stage, key: FieldDescription) -> Trial:
    """With updateOnly=true, no record is created for an unknown person, and the refusal has a known code."""
    value = _value(stage, key, "miss")
    (result,) = stage.upsert([stage.new(**{key.name: value})], key.name)
    if stage.api.query("Id", stage.sobject, {key.name: value}):
        return fails("a record was created")
    return holds_if(_is_miss(stage, result, "NOT_FOUND"), codes_of(result))


def _is_miss(stage: Stage, result: Json, *codes: str) -> bool:
    """Whether a refusal is known to say that nobody is there: by its code, where a rule or a new record follows."""
    if len(stage.destination.rules) > 1 or stage.destination.creates:
        return all(error.code in codes and not error.fields for error in errors_of(result))
    return meanings_of(result) <= {Meaning.GONE, Meaning.REJECT}


@fact("Of two events that create one person at once, the second becomes a dead letter. Redrive it.")
def key_taken(stage: Stage, key: FieldDescription) -> Trial:
    """A new record whose unique key another one has is refused with DUPLICATE_VALUE, which names the field."""
    value = _value(stage, key, "taken")
    stage.create([{key.name: value}])
    (result,) = stage.update([stage.new(**{key.name: value})], method="POST", headers=CREATING)
    errors = errors_of(result)
    named = [error for error in errors if key.name.lower() in f"{error.text} {error.fields}".lower()]
    good = bool(named) and {error.code for error in errors} == {"DUPLICATE_VALUE"}
    return holds_if(good, f"{codes_of(result)}, which {'names' if named else 'does not name'} {key.name}")


@fact("Deliveries are safe: a profile without an identity is never sent. Take care with loads by other tools.")
def null_key(stage: Stage, key: FieldDescription) -> Trial:
    """A record without a value in its external-ID field is the only one refused, and none is created."""
    rows = [stage.new(**{key.name: None}), stage.new(**{key.name: _value(stage, key, "null")})]
    without, other = stage.upsert(rows, key.name, update_only=False)
    if without["success"]:
        return fails("a record without an identity was created")
    return holds_if(other["success"] and meanings_of(without) <= {Meaning.REJECT, Meaning.GONE}, codes_of(without))


@fact("Set identity.case_sensitive = true: otherwise two people could be merged into one update.")
def case(stage: Stage, key: FieldDescription) -> Trial:
    """An external ID that is not case-sensitive is found in any case."""
    if key.case_sensitive:
        return untried(f"{key.name} is case-sensitive")
    value = _value(stage, key, "case")
    (made,) = stage.create([{key.name: value.lower()}])
    found = _finds(stage, key, value.upper(), made)
    return holds_if(found, "found in the other case" if found else "not found in the other case")


FOLDINGS = ("ß ss", "ß ẞ", "ä Ä", "é É", "é e", "σ Σ", "ς σ", "я Я", "i İ", "ı I", "ſ s", "ﬁ fi", "ａ a")  # noqa: RUF001
"""Letters that one way of folding case takes for the same and another does not; accents and widths beside them."""


@fact("Two people whose identities differ in these letters are mixed up or refused: keep them out of the identity.")
def foldings(stage: Stage, key: FieldDescription) -> Trial:
    """An external ID takes the same letters for one as this software does (ä is Ä, ß is not ss)."""
    if key.case_sensitive:
        return untried(f"{key.name} is case-sensitive")
    wrong = []
    for number, pair in enumerate(FOLDINGS):
        here, there = (_value(stage, key, f"{letters}{number}") for letters in pair.split())
        (made,) = stage.create([{key.name: here}])
        if _finds(stage, key, there, made) is not (here.lower() == there.lower()):
            wrong.append(pair.replace(" ", " and "))
    return holds_if(not wrong, f"otherwise: {', '.join(wrong)}" if wrong else f"{len(FOLDINGS)} pairs of letters")


def _finds(stage: Stage, key: FieldDescription, value: str, id_: str) -> bool:
    (result,) = stage.upsert([_keyed(stage, key, value)], key.name)
    return bool(result["success"] and result["id"] == id_)


@fact("A field that lost its External ID flag looks like an outage. If everything is deferred, look at the log.")
def no_key_field(stage: Stage) -> Trial:
    """An upsert by a field that is not an external ID is refused as a whole."""
    answer = stage.collection([stage.new(**{stage.fields.text: "x"})], f"/{stage.sobject}/{stage.fields.text}")
    if answer.good:
        return fails("it is accepted")
    refused = isinstance(request_error(answer.status, answer.body), RequestRefusedError)
    return holds_if(refused, f"{answer.status} {answer.code}")


@fact("Report it: `destination create-fields` leaves to a person what it could do.")
def member_statuses(stage: Stage) -> Trial:
    """The API adds no member status to a campaign."""
    return _in_campaign(stage, "CampaignMemberStatus", {"Label": "CDP"}, is_taken=False)


@fact("""Write a status of the campaign in place of exited = "delete": its members stay.""")
def members_deleted(stage: Stage) -> Trial:
    """This user may delete campaign members."""
    return _in_campaign(stage, "CampaignMember", {f"{stage.sobject}Id": stage.ids(1)[0]}, is_taken=True)


def _in_campaign(stage: Stage, sobject: str, values: Json, *, is_taken: bool) -> Trial:
    """Make a record in a campaign made for it, and delete both: that is refused, or each is taken."""
    if not any(audience.campaign for audience in stage.destination.audiences):
        return untried("the file has no campaign")
    (campaign,) = stage.update([{"attributes": {"type": "Campaign"}, "Name": stage.tag}], method="POST")
    if not campaign["success"]:
        return untried(f"this user may not create campaigns: {codes_of(campaign)}")
    try:
        row = {"attributes": {"type": sobject}, "CampaignId": campaign["id"], **values}
        (made,) = stage.update([row], method="POST")
        done = made["success"] and (not is_taken or stage.delete([made["id"]]) == 1)
        return holds_if(done is is_taken, codes_of(made))
    finally:
        stage.delete([campaign["id"]])


def _keyed(stage: Stage, key: FieldDescription, value: str) -> dict[str, object]:
    """A record that is found by its key, with another text."""
    return {"attributes": {"type": stage.sobject}, key.name: value, stage.fields.text: "keyed"}


def _value(stage: Stage, key: FieldDescription, begin: str) -> str:
    """A value that nobody else has, as long as the field allows."""
    return f"{begin}-{stage.tag.rpartition('-')[2]}"[: key.length or None]


WRITE_FACTS = (
    *(thousand_records, one_call, answer_shape, all_refused, header_in_subrequest, duplicate_header),
    *(position, partial_save, unknown_field, wrong_type, unknown_id, hidden_id, missing_parent),
    *(read_by_id, long_queries, deleted, merged_is_shown, seconds, every_digit),
    *(unknown_field_by_key, update_only_miss, key_taken, null_key, case, foldings, no_key_field),
    *(member_statuses, members_deleted),
)
