"""
The destination file beside the org's describe: does everything that will be written fit?

Pure: the describe is a value. A field that the integration user may not see is not in it, and from here that cannot be
told from a field that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from salesforce_destination.connection.allowances import ApiCalls, audience_room, call_room, long_text_room
from salesforce_destination.connection.field_fit import (
    audience_findings,
    mapping_findings,
    names_findings,
    not_there,
    typed_findings,
)
from salesforce_destination.connection.finding import Finding, error, note, warning
from salesforce_destination.connection.guard_fit import guard_findings
from salesforce_destination.destination.checks import doubts, may_stay_empty
from salesforce_destination.destination.destination import spelled_as
from salesforce_destination.record.description import ObjectDescription
from salesforce_destination.record.guards import ValidationRule

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination


@dataclass(frozen=True, slots=True)
class OrgFacts:
    """What is known of an org; None is what it does not tell its integration user."""

    description: ObjectDescription
    rules: tuple[ValidationRule, ...] | None = None
    calls: ApiCalls | None = None
    language: str | None = None


def examine(destination: Destination, facts: OrgFacts) -> list[Finding]:
    """Find everything that there is to say about a file in an org: what does not fit, and what is used up."""
    return [
        *compare(destination, facts.description),
        *guard_findings(destination, facts.rules),
        audience_room(destination),
        *long_text_room(facts.description),
        *([call_room(facts.calls)] if facts.calls else []),
        *([language_of_texts(facts.language)] if facts.language and not facts.language.startswith("en") else []),
    ]


def language_of_texts(language: str) -> Finding:
    """Warn of a user to whom Salesforce tells in another language than English what it refuses."""
    problem = (
        f"The integration user's language is {language}. Error texts in dead letters come in it, a wrong type costs one"
        " more API call in a batch, and a lock that a trigger met may be taken for the record's fault."
    )
    return warning("connection", "", problem, "Set it to English: Setup > Users > the user > Edit > Language.")


def compare(destination: Destination, description: ObjectDescription) -> list[Finding]:
    """Find what does not fit, in the order of the file."""
    destination = spelled_as(destination, [description.name, *description.fields])
    mappings = (mapping_findings(place, mapping, description) for place, mapping in enumerate(destination.mappings))
    audiences = (audience_findings(place, found, description) for place, found in enumerate(destination.audiences))
    return [
        *file_findings(destination),
        *_object(destination, description),
        *_identity(destination, description),
        *chain.from_iterable(mappings),
        *chain.from_iterable(audiences),
        *names_findings(destination.audiences, description),
        *_ordering(destination, description),
        *_required(destination, description),
        *_person_accounts(destination, description),
    ]


def file_findings(destination: Destination) -> list[Finding]:
    """Find what the file alone makes doubtful, whatever the org."""
    found = doubts(destination.model_dump(exclude_none=True, by_alias=True))
    return [*(warning(doubt.key, "", doubt.problem, doubt.cure) for doubt in found), *_gate(destination)]


def _gate(destination: Destination) -> Iterator[Finding]:
    """What the filter of profiles does: one wrong letter in it keeps everybody out."""
    if destination.profiles.only_if is None:
        return
    exits = "the audiences in the message are written as exited, and nothing else"
    others = exits if destination.profiles.when_skipped == "exit" else "nothing is written"
    problem = f"Only profiles for which {destination.profiles.only_if} is true are written. Of the others {others}."
    yield note("profiles.only_if", "", problem, "`destination status` counts the others as ProfilesNotPermitted.")


def _object(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    name = destination.salesforce_object
    if not description.updateable:
        problem = f"The integration user may not edit {name}."
        yield error("salesforce_object", "", problem, f"Give it the right to edit {name}.")
    if destination.creates and not description.createable:
        problem = f"The integration user may not create a {name}."
        yield error("identity.create_missing", "", problem, "Give it the right to create records.")


def _identity(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if destination.updates_by_id:
        return
    identity, key = destination.identity, "identity.target"
    field = description.fields.get(identity.target)
    if field is None:
        yield not_there(key, identity.target, description)
        return
    if not (field.external_id or field.id_lookup):
        problem = f"Salesforce cannot find records by {field.name}."
        yield error(key, field.name, problem, "Make it an external ID in Salesforce.")
    if identity.create_missing and not field.unique:
        cure = "Make it unique in Salesforce, or set create_missing to false."
        yield error(key, field.name, f"{field.name} is not unique: one person could get two records.", cure)
    if field.external_id and field.case_sensitive != identity.case_sensitive:
        right = str(field.case_sensitive).lower()
        case = "case-sensitive" if field.case_sensitive else "not case-sensitive"
        problem = f"{field.name} is {case} in Salesforce."
        yield error("identity.case_sensitive", field.name, problem, f"Set it to {right}.")


def _ordering(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if destination.ordering is None:
        return
    key, name = "ordering.field", destination.ordering.field
    yield from typed_findings(key, name, "double", "a Number(18,0)", description)
    field = description.fields.get(name)
    if field and field.type == "double" and (field.precision < 13 or field.scale):
        problem = f"{name} holds {field.precision} digits, {field.scale} of them decimals."
        yield error(key, name, problem, "Make it a Number(18,0).")


def _required(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if not destination.creates:
        return
    given = [m for m in destination.mappings if m.required or m.constant is not None or m.default is not None]
    sure = {m.target for m in given if not may_stay_empty(m.model_dump())}
    if description.has_person_accounts and "LastName" in sure:
        sure.add("Name")  # Salesforce makes a person account's from its parts, and refuses one that is sent
    for field in description.fields.values():
        demanded = field.createable and not field.nillable and not field.defaulted and field.type != "boolean"
        if demanded and field.name not in sure | {destination.identity.target}:
            problem = f"Salesforce requires {field.name} for a new {description.name}."
            yield error("mappings", field.name, problem, f"Add a mapping to {field.name} with required = true.")
    for key, name in _written(destination):
        written = description.fields.get(name)
        if written and written.updateable and not written.createable:
            problem = f"{name} can be edited, but not set on a new {description.name}."
            yield error(key, name, problem, "Use another field, or set create_missing to false.")


def _written(destination: Destination) -> Iterator[tuple[str, str]]:
    yield "identity.target", destination.identity.target
    yield from ((f"mappings[{place}].target", m.target) for place, m in enumerate(destination.mappings))
    yield from ((f"audiences[{place}].mapping_id", a.mapping_id) for place, a in enumerate(destination.audiences))


def _person_accounts(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if not description.has_person_accounts:
        return
    if description.name == "Contact":
        problem = "The org has person accounts. This file updates their contacts, but cannot create or delete one."
        cure = (
            'To create persons, use another file with salesforce_object = "Account". There a contact\'s field Loyal__c'
            " is called Loyal__pc."
        )
        found = warning if destination.creates else note
        yield found("salesforce_object", "IsPersonAccount", problem, cure)
    elif destination.creates and "RecordTypeId" not in {m.target for m in destination.mappings}:
        problem = (
            "The record type decides whether a new account is a person or a business, but the file does not set it."
        )
        cure = "Add a mapping to RecordTypeId with the Id of the person record type as its constant."
        yield warning("mappings", "RecordTypeId", problem, cure)
