"""From an error to what follows: what becomes of the profiles behind a refused record, or behind a failed request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.errors import (
    BadRequestError,
    ConcurrentLimitError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceError,
    UnknownCodeError,
)
from salesforce_destination.mapping.audience_fields import counts_by_event
from salesforce_destination.outcome import DELIVERED, SKIPPED, Outcome, OutcomeKind, Reason, Wait, deferred, rejected
from salesforce_destination.record.classification import (
    UNKNOWN_CODE_TRIES,
    WRAPPERS,
    Meaning,
    RecordError,
    meaning_of,
)
from salesforce_destination.record.composite import nested
from salesforce_destination.record.guards import Guards, stale_guards
from salesforce_destination.record.record import ID, Record
from salesforce_destination.record.successor import Move

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination
    from salesforce_destination.record.description import ObjectDescription

_WAITS: Sequence[tuple[type[DestinationError], Wait]] = (
    (OutcomeUnknownError, Wait.UNKNOWN),
    (DailyLimitError, Wait.DAILY_LIMIT),
    (ConcurrentLimitError, Wait.BACKOFF),
    (UnknownCodeError, Wait.BACKOFF),
    (RequestRefusedError, Wait.UNTIL_MENDED),
)

_FIRST_DECIDES = (
    Meaning.STALE,
    Meaning.REJECT,
    Meaning.GONE,
    Meaning.CONVERTED,
    Meaning.NO_CALLS,
    Meaning.MISMATCH,
    Meaning.FULL,
    Meaning.SPLIT,
    Meaning.SESSION,
    Meaning.BUSY,
    Meaning.RETRY,
    Meaning.LOCKED,
    Meaning.UNKNOWN,
)
"""
Of several errors the one whose meaning stands first here decides: what is stale need not be valid, and what is certain
to be refused again is rejected even where another error might pass later.
"""

_MOVES = {Meaning.CONVERTED: Move.CONVERTED, Meaning.GONE: Move.MERGED}

_WAIT_OF = {
    Meaning.MISMATCH: Wait.UNTIL_MENDED,
    Meaning.FULL: Wait.ORG_LIMIT,
    Meaning.NO_CALLS: Wait.DAILY_LIMIT,
    **dict.fromkeys((Meaning.SESSION, Meaning.BUSY, Meaning.RETRY, Meaning.LOCKED), Wait.BACKOFF),
}

_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""API names are ASCII, also where they stand in a text without blanks."""

_CODE_OF_ADDRESS = re.compile(r"(state|country)code$")

_FREE_TEXT = frozenset({*WRAPPERS, "DUPLICATES_DETECTED"})
"""Codes whose texts people of the org wrote: a word in it that is a field's name too pins nothing on the field."""

MOST_LOCKS = 2
"""So often a member or row that meets a lock is sent again in the invocation: its campaign is locked for seconds."""

Describe = Callable[[str], "ObjectDescription"]


@dataclass(slots=True)
class Decision:
    """What follows an answer: `outcome`, unless something is to be done first.

    `resend` is sent in place of what was refused, without `omitted` fields (refused) and `stale` ones (older than the
    org's). The org lacks `missing` fields: the rest is sent, and the messages wait. `move` is how the record went, to
    be looked up; where nothing is found, `outcome` holds. `is_whole` says that no event of several is to blame: all
    are refused. Of what `is_not_found` the next rule of the file decides.
    """

    outcome: Outcome
    resend: Attempt | None = None
    omitted: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    move: Move | None = None
    is_whole: bool = False
    is_not_found: bool = False

    def is_rejection(self) -> bool:
        """Whether the record is rejected, and nothing can be done first."""
        may_follow = self.resend or self.missing or self.move or self.is_not_found
        return not may_follow and self.outcome.kind is OutcomeKind.REJECTED


def outcome_of_failure(error: DestinationError, *, was_sent: bool) -> Outcome:
    """Defer what a failed request held, for as long as its kind of failure asks.

    A request that was never sent cannot be running: what was only waiting behind a failed one is tried again soon.
    """
    for kind, wait in _WAITS:
        if isinstance(error, kind) and (was_sent or kind is not OutcomeUnknownError):
            return deferred(error.code, wait, _text_of(error))
    return deferred(error.code, text=_text_of(error))


def _text_of(error: DestinationError) -> str:
    return error.text if isinstance(error, SalesforceError) else ""


class Refusals:
    """Decides what follows the refusal of a record, as one destination file wants it."""

    def __init__(self, destination: Destination) -> None:
        self.guards = Guards.of(destination)
        files = destination.by_object
        mappings = [mapping for file in files for mapping in file.mappings]
        self._may_be_omitted = {mapping.target for mapping in mappings if mapping.may_be_omitted}
        self.follows_leads = destination.converted_leads == "contact" and "Lead" in destination.objects
        self._updates_by_id, self._objects = destination.updates_by_id, destination.objects
        self._keys = {rule.target.lower(): rule.target for file in files for rule in file.rules if not rule.is_id}
        self._nested = {mapping.target: nested(mapping.target) for mapping in mappings if "." in mapping.target}
        self._finds = bool(destination.creates) or len(destination.rules) > 1 or len(files) > 1
        ordering = destination.ordering.field if destination.ordering else ""
        self.ordered = {name for name, guard in self.guards.guard_of.items() if guard == ordering != name}
        since_fields = {audience.since_field for audience in destination.audiences if audience.since_field}
        self._since_fields = since_fields if counts_by_event(destination) else set()
        rows = destination.memberships
        names = [rows.audience, rows.audience_name, rows.status, rows.since, *rows.persons.values()] if rows else []
        self._row_guards = Guards({name: rows.since for name in names if name and rows})
        self._keys |= {rows.key.lower(): rows.key} if rows else {}

    def guards_of(self, record: Record) -> Guards:
        """What keeps an older event out of this record."""
        return self._row_guards if record.is_part else self.guards

    def decide(
        self,
        attempt: Attempt,
        errors: Sequence[RecordError],
        receive_count: int,
        collection_size: int,
        describe: Describe,
    ) -> Decision:
        """Decide on one refused record of a collection of `collection_size` records.

        `describe` is asked whether the org lacks a field; raises what that raises.
        """
        at_once = _of_part(attempt, errors) if attempt.record.is_part else self._of_nobody(attempt, errors)
        if at_once is not None:
            return at_once
        lacking, judged = self._judged(attempt, errors, describe)
        meaning, error = min(judged, key=lambda pair: _FIRST_DECIDES.index(pair[0]))
        outcome = _outcome(meaning, error, receive_count, error.fields or tuple(sorted(self._named_by(error, attempt))))
        if meaning is Meaning.REJECT and receive_count <= UNKNOWN_CODE_TRIES and self._is_parent(attempt, error):
            return Decision(deferred("PARENT_NOT_FOUND", text=error.text))
        match meaning:
            case Meaning.STALE:
                return self._without_stale(attempt, errors, outcome)
            case Meaning.REJECT:
                refused = [error for found, error in judged if found is Meaning.REJECT]
                return self._without_refused(attempt, refused, outcome)
            case Meaning.GONE | Meaning.CONVERTED:
                is_unwanted = meaning is Meaning.GONE and attempt.record.updates_only
                is_followed = meaning is Meaning.GONE or self.follows_leads
                is_followed &= not (attempt.record.is_moved or attempt.record.is_part)
                move = _MOVES[meaning] if is_followed else None
                return Decision(SKIPPED if is_unwanted else outcome, move=move, is_whole=True)
            case Meaning.MISMATCH:
                return Decision(outcome, missing=lacking & attempt.record.fields.keys())
            case Meaning.SPLIT if collection_size > 1:
                return Decision(outcome, resend=attempt.among(collection_size // 2))
        # Somebody may have made the record meanwhile: it is looked for once more before it is rejected.
        is_rejected = outcome.kind is OutcomeKind.REJECTED
        return Decision(outcome, is_not_found=is_rejected and attempt.record.creates and self._is_race(attempt, error))

    def _of_nobody(self, attempt: Attempt, errors: Sequence[RecordError]) -> Decision | None:
        if not (self._finds and self._is_not_found(attempt, errors)):
            return None
        error = errors[0]
        return Decision(rejected(error.code, error.text, error.fields), is_not_found=True, is_whole=True)

    def _judged(
        self, attempt: Attempt, errors: Sequence[RecordError], describe: Describe
    ) -> tuple[frozenset[str], list[tuple[Meaning, RecordError]]]:
        """What each error means, and the fields that the org lacks."""
        lacking, judged = frozenset[str](), list[tuple[Meaning, RecordError]]()
        for error in errors:
            meaning = self._meaning(attempt, error)
            if meaning is Meaning.FIELD:
                lacks = self._lacking(attempt, error, describe)
                lacking, meaning = lacking | lacks, Meaning.MISMATCH if lacks else Meaning.REJECT
            judged.append((meaning, error))
        return lacking, judged

    def decide_whole(
        self, attempt: Attempt, error: BadRequestError, receive_count: int, collection_size: int, describe: Describe
    ) -> Decision:
        """Decide on one record of a collection that was refused as a whole for what it holds: in halves, then alone."""
        told = RecordError(error.code, error.text, error.fields)
        meaning = meaning_of(told)
        if collection_size > 1 and not (meaning is Meaning.FIELD and self._lacking(attempt, told, describe)):
            return Decision(rejected(error.code), resend=attempt.among(collection_size // 2))
        if meaning is Meaning.UNKNOWN:
            text = f"Salesforce refuses this record even in a request of its own. {error.text}"
            return Decision(rejected(error.code, text.strip()))
        return self.decide(attempt, [told], receive_count, collection_size, describe)

    def _meaning(self, attempt: Attempt, error: RecordError) -> Meaning:
        """What an error means; who has the key by now, or is hidden, may be found the next time."""
        return Meaning.UNKNOWN if self._is_race(attempt, error) else meaning_of(error)

    def _is_race(self, attempt: Attempt, error: RecordError) -> bool:
        words = () if error.code != "DUPLICATE_VALUE" else _words(error)
        return not self._keys.keys().isdisjoint(words) or (attempt.record.creates and "unknown" in words)

    def _is_not_found(self, attempt: Attempt, errors: Sequence[RecordError]) -> bool:
        """Whether nobody has the identity that was tried first.

        A wrong parent has the same code as an Id that is not there, and may name no field either: the query tells.
        """
        record = attempt.record
        is_by_id = record.address.field == ID if record.address else self._updates_by_id
        codes = ("NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY") if is_by_id else ("NOT_FOUND",)
        is_tried = record.creates or record.is_moved or record.is_part or attempt.is_read or attempt.not_found
        return not is_tried and all(error.code in codes and not error.fields for error in errors)

    def _is_parent(self, attempt: Attempt, error: RecordError) -> bool:
        """Whether a refusal is about a parent that is not there yet: it may come."""
        named = self._named_by(error, attempt)
        return error.code == "INVALID_FIELD" and bool(named) and named <= self._nested.keys()

    def _lacking(self, attempt: Attempt, error: RecordError, describe: Describe) -> frozenset[str]:
        """Of the fields that an error names, else of all, those that the org has not, or not for this user to write."""
        record, named = attempt.record, self._named_by(error, attempt)
        if record.is_moved and record.sobject not in self._objects:
            return named
        if named and named <= self._nested.keys():
            return named if "No such column" in error.text else frozenset()
        description = describe(record.sobject)
        known = {name.lower() for name in description.writable} | {name.lower() for name in self._nested}
        lacks = {name for name in named or record.fields if name.lower() not in known}
        key = self._key_of(record)
        has_key = not key or key.lower() in map(str.lower, description.fields)
        return frozenset(lacks if has_key else {*lacks, key})

    def _key_of(self, record: Record) -> str:
        """The field by which a record is found, if it is not its Id."""
        field = (
            record.address.field if record.address else ID if self._updates_by_id else next(iter(self._keys.values()))
        )
        return "" if field == ID else field

    def _without_stale(self, attempt: Attempt, errors: Sequence[RecordError], outcome: Outcome) -> Decision:
        """Leave out what stands under the guards that refused.

        Where a consent decides too, the stored time may be that of an exit for want of it: a consent that came back
        later is tried once with its own time, which an older one does not survive.
        """
        guards = _named_in(attempt, stale_guards(errors))
        if not guards:
            return Decision(outcome)
        consents = (guards & self._since_fields) - attempt.retimed
        left_out = self.guards_of(attempt.record).with_guarded(guards - consents) & attempt.record.fields.keys()
        return Decision(outcome, resend=attempt.retimed_by_event(consents).without(left_out), stale=left_out)

    def _without_refused(self, attempt: Attempt, refused: Sequence[RecordError], outcome: Outcome) -> Decision:
        """Leave refused fields out where that is allowed, else reject."""
        record = attempt.record
        pinned = [self._pinned(attempt, error) for error in refused]
        fields = frozenset[str]().union(*pinned)
        if all(pinned) and fields <= self._may_be_omitted and fields != record.fields.keys():
            return Decision(outcome, resend=attempt.without(fields), omitted=fields)
        return Decision(outcome)

    def _pinned(self, attempt: Attempt, error: RecordError) -> frozenset[str]:
        """The fields of a record that a refusal is about; a parser may tell the value alone, or not even that."""
        if (named := self._named_by(error, attempt)) or error.fields or not _is_of_parser(error):
            return named
        mine = {name: value for name, value in attempt.record.fields.items() if name in self._may_be_omitted}
        return frozenset(name for name, value in mine.items() if value and str(value) in error.text) or frozenset(mine)

    def _named_by(self, error: RecordError, attempt: Attempt) -> frozenset[str]:
        """The fields of a record that an error names.

        A state or country counts by its code too, as one value gives both, and a relationship by the parent's field.
        """
        names = [name.lower() for name in error.fields] or ([] if error.code in _FREE_TEXT else _words(error))
        folded = {_CODE_OF_ADDRESS.sub(r"\1", name) for name in names}
        found = {name for name in attempt.record.fields if _CODE_OF_ADDRESS.sub(r"\1", name.lower()) in folded}
        for name in self._nested.keys() & attempt.record.fields.keys():
            relationship, _, field = self._nested[name]
            if not folded.isdisjoint(
                (field.lower(), f"{relationship}id".lower(), relationship.lower().replace("__r", "__c"))
            ):
                found.add(name)
        return frozenset(found)


def _of_part(attempt: Attempt, errors: Sequence[RecordError]) -> Decision | None:
    """What follows the refusal of a member or row alone: a lock passes, and members come and go."""
    record, error = attempt.record, errors[0]
    if attempt.locks < MOST_LOCKS and any(meaning_of(each) is Meaning.LOCKED for each in errors):
        return Decision(deferred(error.code), resend=replace(attempt, locks=attempt.locks + 1))
    if not record.address or record.address.upserts:
        return None
    if record.address.field not in (ID, ""):
        full = deferred("STORAGE_NEARLY_FULL", Wait.UNTIL_MENDED, "New rows wait: a tenth of the storage is left.")
        return Decision(full) if error.code == "NOT_FOUND" else None
    if any("CampaignId" in each.fields for each in errors):
        return Decision(deferred("CAMPAIGN_MISSING", Wait.UNTIL_MENDED, error.text))
    is_gone = error.code in ("ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY") and not error.fields
    if is_gone and record.address.deletes:
        return Decision(DELIVERED)
    if (is_gone and not record.creates) or error.code == "DUPLICATE_VALUE":
        return Decision(deferred(error.code, text=error.text), is_not_found=True)
    return None


def _named_in(attempt: Attempt, names: Iterable[str]) -> frozenset[str]:
    """The fields of a record that an answer names, in whatever case of letters the org writes them."""
    folded = {name.lower() for name in names}
    return frozenset(name for name in attempt.record.fields if name.lower() in folded)


def _words(error: RecordError) -> list[str]:
    return _API_NAME.findall(error.text.lower())


def _is_of_parser(error: RecordError) -> bool:
    return error.code == "JSON_PARSER_ERROR" or "Json Deserialization failed" in error.text


def _outcome(meaning: Meaning, error: RecordError, receive_count: int, fields: tuple[str, ...]) -> Outcome:
    text = error.text
    if meaning is Meaning.REJECT and fields and error.code in ("INVALID_FIELD", "JSON_PARSER_ERROR"):
        text = f"{', '.join(fields)} does not take a value of this type. {text}"
    elif error.code == "DUPLICATE_VALUE" and "<unknown>" in text:
        text += " The integration user does not see the other record."
    reason = Reason(error.code, text, fields)
    may_pass = meaning is Meaning.UNKNOWN and receive_count <= UNKNOWN_CODE_TRIES
    kind = OutcomeKind.DEFERRED if meaning in _WAIT_OF or may_pass else OutcomeKind.REJECTED
    return Outcome(kind, reason, _WAIT_OF.get(meaning, Wait.BACKOFF))
