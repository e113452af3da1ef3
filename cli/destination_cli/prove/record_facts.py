"""Facts about single records: who is told what, what becomes of the others, and how a key finds them."""

from __future__ import annotations

from salesforce_destination.errors import RequestRefusedError
from salesforce_destination.record.classification import Meaning, request_error
from salesforce_destination.record.description import FieldDescription
from salesforce_destination.record.salesforce_id import to_18

from destination_cli.prove.fact import (
    Trial,
    all_good,
    codes_of,
    fact,
    fails,
    holds_if,
    meanings_of,
    results_of,
    unseen,
    untried,
)
from destination_cli.prove.stage import Stage

NOWHERE = "CDP_Prove_Nowhere__c"
GOOD_RECORDS = 20
NO_KEY = untried("there is no unique external ID of type Text that this user may write")


@fact(
    "position",
    "Results are in the order of the records.",
    "Stop deliveries and report it: results are matched by position, because refused records have no id.",
)
def position(stage: Stage) -> Trial:
    """Refuse some records among others, and look where the answers stand."""
    gone = set(stage.create([{} for _ in range(3)]))
    stage.delete(sorted(gone))
    ids = _between(stage.ids(9), sorted(gone))
    answer = stage.update([stage.row(id=id_, **{stage.fields.text: "position"}) for id_ in ids])
    if not answer.good or len(answer.body) != len(ids):
        return fails(f"the number of results is not {len(ids)}")
    wrong = [
        place
        for place, (id_, result) in enumerate(zip(ids, answer.body, strict=True))
        if result["success"] is (id_ in gone) or (result["success"] and result["id"] != id_)
    ]
    return holds_if(
        not wrong, f"{len(wrong)} of {len(ids)} results are at another position" if wrong else "each at its position"
    )


def _between(ids: list[str], gone: list[str]) -> list[str]:
    return [ids[0], gone[0], *ids[1:4], gone[1], *ids[4:8], gone[2], ids[8]]


@fact(
    "partial-save",
    "Good records are saved beside refused ones (in passes, where triggers are involved).",
    "Each refused record costs more requests: the others are split and sent again.",
)
def partial_save(stage: Stage) -> Trial:
    """Refuse some records for different reasons, and read the others back."""
    ids = stage.ids(GOOD_RECORDS)
    deleted = stage.create([{}])
    stage.delete(deleted)
    rows = [stage.row(id=id_, **{stage.fields.text: "saved"}) for id_ in ids]
    rows[5:5] = [stage.row(id=deleted[0], **{stage.fields.text: "x"})]
    rows[12:12] = [stage.row(id=_never(ids[0]), **{stage.fields.text: "x"})]
    rows[18:18] = [stage.row(**{stage.fields.text: "x"})]
    results = results_of(stage.update(rows))
    saved = sum(row[stage.fields.text] == "saved" for row in stage.read(ids, stage.fields.text))
    failed = [result for result in results if not result["success"]]
    return holds_if(saved == len(ids), f"{saved} of {len(ids)} good records were saved beside {len(failed)} others")


@fact(
    "unknown-field",
    "An unknown field refuses only its own record, with INVALID_FIELD and No such column.",
    "A missing field stops every message of its batch until you correct it, not only the values of that field.",
)
def unknown_field(stage: Stage) -> Trial:
    """Name a field that is not there in one of two records."""
    first, second = stage.ids(2)
    rows = [stage.row(id=first, **{NOWHERE: "x"}), stage.row(id=second, **{stage.fields.text: "beside"})]
    bad, good = results_of(stage.update(rows))
    return holds_if(good["success"] and meanings_of(bad) == {Meaning.MISMATCH}, codes_of(bad))


@fact(
    "wrong-type",
    "A value of a wrong type refuses only its own record.",
    "One such value costs about ten requests until it is found. Nothing is lost.",
)
def wrong_type(stage: Stage) -> Trial:
    """Give one of two records a value that its field cannot read."""
    if stage.fields.typed is None:
        return untried(f"{stage.sobject} has no date or number field that this user may write")
    first, second = stage.ids(2)
    rows = [stage.row(id=first, **{stage.fields.typed: "none"}), stage.row(id=second, **{stage.fields.text: "beside"})]
    bad, good = results_of(stage.update(rows))
    return holds_if(good["success"] and meanings_of(bad) == {Meaning.REJECT}, codes_of(bad))


@fact(
    "unknown-id",
    "An unknown Id refuses only its own record, with a known code.",
    "Messages for Ids of another org are tried three times before they become dead letters.",
)
def unknown_id(stage: Stage) -> Trial:
    """Update a record by an id that no record ever had."""
    result = results_of(stage.update([stage.row(id=_never(stage.ids(1)[0]), **{stage.fields.text: "x"})]))[0]
    return holds_if(meanings_of(result) <= {Meaning.REJECT, Meaning.GONE}, codes_of(result))


def _never(id_: str) -> str:
    """An id of the same sObject that is never given: number nought."""
    return to_18(f"{id_[:3]}000000000000") or id_


@fact(
    "deleted",
    "A deleted record says that it is deleted.",
    'merged_records = "follow" does not notice that a record was merged.',
)
def deleted(stage: Stage) -> Trial:
    """Update a record from the recycle bin."""
    ids = stage.create([{}])
    stage.delete(ids)
    result = results_of(stage.update([stage.row(id=ids[0], **{stage.fields.text: "x"})]))[0]
    return holds_if(meanings_of(result) == {Meaning.GONE}, codes_of(result))


@fact(
    "seconds",
    "Date/Time fields keep whole seconds.",
    "A since_field is less exact: of two changes close together, the older one may win.",
)
def seconds(stage: Stage) -> Trial:
    """Write a time of whole seconds and read it back."""
    if stage.fields.moment is None:
        since = [audience.since_field for audience in stage.destination.audiences if audience.since_field]
        return unseen(stage, since) if since else untried(f"{stage.sobject} has no Date/Time custom field")
    id_ = stage.create([{}])[0]
    answer = stage.update([stage.row(id=id_, **{stage.fields.moment: "2026-01-02T03:04:07Z"})])
    if not answer.good or not all_good(answer.body, 1):
        return fails(f"the time is refused: {codes_of(*answer.body) if answer.good else answer.code}")
    kept = str(stage.read([id_], stage.fields.moment)[0][stage.fields.moment])
    return holds_if(kept.startswith("2026-01-02T03:04:07"), f"03:04:07 is kept as {kept[11:19]}")


@fact(
    "every-digit",
    "Number(18,0) keeps every digit of an event time.",
    "Do not use [ordering]: of two events close together, the older one may win.",
)
def every_digit(stage: Stage) -> Trial:
    """Write milliseconds since 1970 and read them back."""
    if stage.fields.number is None:
        ordering = stage.destination.ordering
        return unseen(stage, [ordering.field]) if ordering else untried("the file has no [ordering]")
    id_, written = stage.create([{}])[0], 1_799_999_999_987
    answer = stage.update([stage.row(id=id_, **{stage.fields.number: written})])
    if not answer.good or not all_good(answer.body, 1):
        return fails(f"the number is refused: {codes_of(*answer.body) if answer.good else answer.code}")
    kept = stage.read([id_], stage.fields.number)[0][stage.fields.number]
    return holds_if(kept == written, f"{written} is kept as {kept:.0f}")


RECORD_FACTS = (position, partial_save, unknown_field, wrong_type, unknown_id, deleted, seconds, every_digit)


@fact(
    "update-only-miss",
    "With updateOnly=true, no record is created for an unknown person, and the refusal has a known code.",
    "Do not use an external ID with create_missing = false: records would be created, or messages retried in vain.",
)
def update_only_miss(stage: Stage) -> Trial:
    """Update by a value that no record has, and look whether one was made."""
    if (key := stage.fields.key) is None:
        return NO_KEY
    value = _value(stage, key, "miss")
    answer = stage.upsert([stage.new(**{key.name: value})], key.name)
    made = stage.api.query("Id", stage.sobject, {key.name: value})
    if made:
        return fails("a record was created")
    result = results_of(answer)[0]
    return holds_if(meanings_of(result) <= {Meaning.GONE, Meaning.REJECT}, codes_of(result))


@fact(
    "null-key",
    "A record without a value in its external-ID field is the only one refused, and none is created.",
    "Deliveries are safe: a profile without an identity is never sent. Take care with loads by other tools.",
)
def null_key(stage: Stage) -> Trial:
    """Upsert a record without a value in the field it is found by, beside one with a value."""
    if (key := stage.fields.key) is None:
        return NO_KEY
    rows = [stage.new(**{key.name: None}), stage.new(**{key.name: _value(stage, key, "null")})]
    without, other = results_of(stage.upsert(rows, key.name, update_only=False))
    if without["success"]:
        return fails("a record without an identity was created")
    return holds_if(other["success"] and meanings_of(without) <= {Meaning.REJECT, Meaning.GONE}, codes_of(without))


@fact(
    "case",
    "An external ID that is not case-sensitive is found in any case.",
    "Set identity.case_sensitive = true: otherwise two people could be merged into one update.",
)
def case(stage: Stage) -> Trial:
    """Find a record by its value in the other case."""
    if (key := stage.fields.key) is None:
        return NO_KEY
    if key.case_sensitive:
        return untried(f"{key.name} is case-sensitive")
    value = _value(stage, key, "case")
    made = stage.create([{key.name: value.lower()}])[0]
    result = results_of(stage.upsert([stage.row(**{key.name: value.upper(), stage.fields.text: "case"})], key.name))[0]
    found = result["success"] and result["id"] == made
    return holds_if(found, "found in the other case" if found else codes_of(result))


@fact(
    "no-key-field",
    "An upsert by a field that is not an external ID is refused as a whole.",
    "A field that lost its External ID flag looks like an outage. If everything is deferred, look at the log.",
)
def no_key_field(stage: Stage) -> Trial:
    """Upsert by a field that is no external ID."""
    answer = stage.upsert([stage.row(**{stage.fields.text: "x"})], stage.fields.text)
    if answer.good:
        return fails("it is accepted")
    refused = isinstance(request_error(answer.status, answer.body), RequestRefusedError)
    return holds_if(refused, f"{answer.status} {answer.code}")


def _value(stage: Stage, key: FieldDescription, end: str) -> str:
    """A value that nobody else has, as long as the field allows."""
    return f"{end}-{stage.tag.rpartition('-')[2]}"[: key.length or None]


KEY_FACTS = (update_only_miss, null_key, case, no_key_field)
