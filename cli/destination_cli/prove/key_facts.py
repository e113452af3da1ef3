"""Facts about external IDs: a missing record, a missing value, upper and lower case."""

from __future__ import annotations

from salesforce_destination.errors import RequestRefusedError
from salesforce_destination.record.classification import Meaning, request_error
from salesforce_destination.record.description import FieldDescription

from destination_cli.prove.fact import Fact, Trial, fails, judged, untried
from destination_cli.prove.reading_answers import codes_of, meanings_of
from destination_cli.prove.stage import Stage

NO_KEY = untried("there is no unique external ID of type Text that this user may write")


def update_only_miss(stage: Stage) -> Trial:
    """Update by a value that no record has, and look whether one was made."""
    if (key := stage.fields.key) is None:
        return NO_KEY
    value = _value(stage, key, "miss")
    answer = stage.upsert([stage.new(**{key.name: value})], key.name)
    made = stage.api.query("Id", stage.sobject, {key.name: value})
    if made:
        return fails("a record was created")
    if not answer.good:
        return fails(f"the whole collection is refused: {answer.code}")
    return judged(meanings_of(answer.body[0]) <= {Meaning.GONE, Meaning.REJECT}, codes_of(answer.body[0]))


def null_key(stage: Stage) -> Trial:
    """Upsert a record without a value in the field it is found by, beside one with a value."""
    if (key := stage.fields.key) is None:
        return NO_KEY
    rows = [stage.new(**{key.name: None}), stage.new(**{key.name: _value(stage, key, "null")})]
    answer = stage.upsert(rows, key.name, update_only=False)
    if not answer.good:
        return fails(f"the whole collection is refused: {answer.code}")
    without, other = answer.body
    if without["success"]:
        return fails("a record without an identity was created")
    return judged(other["success"] and meanings_of(without) <= {Meaning.REJECT, Meaning.GONE}, codes_of(without))


def case(stage: Stage) -> Trial:
    """Find a record by its value in the other case."""
    if (key := stage.fields.key) is None:
        return NO_KEY
    if key.case_sensitive:
        return untried(f"{key.name} is case-sensitive")
    value = _value(stage, key, "case")
    made = stage.create([{key.name: value.lower()}])[0]
    answer = stage.upsert([stage.row(**{key.name: value.upper(), stage.fields.text: "case"})], key.name)
    if not answer.good:
        return fails(f"the whole collection is refused: {answer.code}")
    found = answer.body[0]["success"] and answer.body[0]["id"] == made
    return judged(found, "found in the other case" if found else codes_of(answer.body[0]))


def no_key_field(stage: Stage) -> Trial:
    """Upsert by a field that is no external ID."""
    answer = stage.upsert([stage.row(**{stage.fields.text: "x"})], stage.fields.text)
    if answer.good:
        return fails("it is accepted")
    refused = isinstance(request_error(answer.status, answer.body), RequestRefusedError)
    return judged(refused, f"{answer.status} {answer.code}")


def _value(stage: Stage, key: FieldDescription, end: str) -> str:
    """A value that nobody else has, as long as the field allows."""
    return f"{end}-{stage.tag.rpartition('-')[2]}"[: key.length or None]


KEY_FACTS = (
    Fact(
        "update-only-miss",
        "With updateOnly=true, no record is created for an unknown person, and the refusal has a known code.",
        "Do not use an external ID with create_missing = false: records would be created, or messages retried in vain.",
        update_only_miss,
    ),
    Fact(
        "null-key",
        "A record without a value in its external-ID field is the only one refused, and none is created.",
        "Deliveries are safe: a profile without an identity is never sent. Take care with loads by other tools.",
        null_key,
    ),
    Fact(
        "case",
        "An external ID that is not case-sensitive is found in any case.",
        "Set identity.case_sensitive = true: otherwise two people could be merged into one update.",
        case,
    ),
    Fact(
        "no-key-field",
        "An upsert by a field that is not an external ID is refused as a whole.",
        "A field that lost its External ID flag looks like an outage. If everything is deferred, look at the log.",
        no_key_field,
    ),
)
