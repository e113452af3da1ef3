"""The destination file beside the org's describe, which leaves out what the user may not see: does it fit? Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

from salesforce_destination.connection.allowances import audience_room, call_room, calls_a_day, is_direct, storage_room
from salesforce_destination.connection.field_fit import (
    audience_findings,
    kind_of,
    mapping_findings,
    names_findings,
    not_there,
    relationship,
    typed_findings,
    writable,
)
from salesforce_destination.connection.finding import Finding, error, note, warning
from salesforce_destination.destination.checks import doubts, may_stay_empty
from salesforce_destination.destination.destination import Audience, Destination, spelled_as
from salesforce_destination.record.classification import ApiCalls
from salesforce_destination.record.description import ObjectDescription
from salesforce_destination.record.guards import Guards, ValidationRule, stale_marker

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OrgFacts:
    """What is known of an org; None is what it does not tell its integration user. Names of sObjects in lower case."""

    known: Mapping[str, ObjectDescription]  # the sObjects of the file, and the parents that its relationships name
    rules: Mapping[str, tuple[ValidationRule, ...] | None]
    sees_all: frozenset[str] | None = None  # the sObjects of which the user sees every record
    edits_converted: bool | None = None
    duplicate_rules: tuple[str, ...] | None = None  # those that are active for the sObject of new records
    calls: ApiCalls | None = None
    free_mb: int | None = None
    language: str | None = None
    edition: str | None = None
    storage_mb: int | None = None
    is_marketing_user: bool | None = None
    statuses: Sequence[Row] | None = None  # of the campaigns of the file, each with its campaign


class Right(NamedTuple):
    """A right that the file needs; `holds` is None where nothing proves it or the contrary."""

    name: str
    holds: bool | None
    proof: str
    key: str
    otherwise: str


def examine(destination: Destination, facts: OrgFacts) -> list[Finding]:
    """Find everything that there is to say about a file in an org: what does not fit, and what is used up."""
    unproved = (right for right in rights_for(destination, facts) if right.holds is None)
    known, language, edition = facts.known, facts.language or "en", facts.edition or ""
    return [
        *compare(destination, facts),
        *(warning(right.key, "", f"Not proved: {right.name}.", CANNOT_PROVE) for right in unproved),
        *by_object(destination, lambda one: guard_findings(one, facts.rules.get(one.salesforce_object.lower()))),
        *_creation(destination, facts),
        *storage_room(destination, facts.free_mb, facts.storage_mb),
        *by_object(destination, lambda one: audience_room(one, known[one.salesforce_object.lower()], edition)),
        *([call_room(facts.calls)] if facts.calls else []),
        calls_a_day(destination, known, facts.calls),
        *([] if language.startswith("en") else [language_of_texts(language)]),
    ]


CANNOT_PROVE = "The integration user may not read its permissions: ask an administrator, or give it View Setup."


def by_object(whole: Destination, find: Callable[[Destination], Iterable[Finding]]) -> list[Finding]:
    """Find something for each sObject, by the keys of the whole file; what holds for all of them is told once."""
    found = {one.salesforce_object: [_placed(each, whole, one) for each in find(one)] for one in whole.by_object}
    shared = set.intersection(*map(set, found.values()))
    told = ((name, each, each.problem) for name, findings in found.items() for each in findings)
    named = (
        each if each in shared or re.search(rf"\b{name}\b", said) else replace(each, problem=f"{name}: {said}")
        for name, each, said in told
    )
    return list(dict.fromkeys(named))


def _placed(finding: Finding, whole: Destination, one: Destination) -> Finding:
    """A finding about the file of one sObject, by its key in the whole file."""
    if (found := re.match(r"(mappings|audiences|identity)\[(\d+)\]", finding.key)) is None:
        return finding
    if found[1] == "identity" and len(whole.rules) == 1:
        return replace(finding, key=finding.key.replace("[0]", "", 1))
    part = "rules" if found[1] == "identity" else found[1]
    places = [place for place, _ in counting(whole, part, one.salesforce_object)]
    return replace(finding, key=f"{found[1]}[{places[int(found[2])]}]{finding.key[found.end() :]}")


def counting(destination: Destination, tables: str, sobject: str) -> Iterator[tuple[int, Any]]:
    """The tables of this name that count for an sObject, with their places in the file."""
    for place, table in enumerate(getattr(destination, tables)):
        alone = destination.model_copy(update={tables: (table,)})
        yield from ((place, each) for each in getattr(alone.of(sobject), tables))


def language_of_texts(language: str) -> Finding:
    """Warn of a user to whom Salesforce tells in another language than English what it refuses."""
    problem = f"The integration user's language is {language}. Error texts in dead letters come in it, a wrong type"
    problem += " costs one more API call in a batch, and a lock that a trigger met may be taken for the record's fault."
    return warning("connection", "", problem, "Set it to English: Setup > Users > the user > Edit > Language.")


def compare(destination: Destination, facts: OrgFacts) -> list[Finding]:
    """Find what does not fit, in the order of the file."""

    def fits(one: Destination) -> list[Finding]:
        if (description := facts.known.get(one.salesforce_object.lower())) is None:
            return [error("salesforce_object", "", f"No describe of {one.salesforce_object} was given.", "Add it.")]
        one = spelled_as(one, [description.name, *description.fields])
        written = ((place, each) for place, each in enumerate(one.mappings) if one.creates or each.write != "create")
        return [
            *_rules(one, description),
            *chain.from_iterable(mapping_findings(*each, description, facts.known) for each in written),
            *chain.from_iterable(audience_findings(*each, description) for each in enumerate(one.audiences)),
            *names_findings(one.audiences, description),
            *(_ordering("ordering.field", one.ordering.field, description) if one.ordering else ()),
            *_required(one, description),
            *_person_accounts(one, description),
        ]

    findings = file_findings(destination)
    for right in (each for each in rights_for(destination, facts) if each.holds is False):
        has = f"has {right.name[3:]}" if right.name.startswith("no ") else f"lacks {right.name}"
        problem = f"The integration user {has}: {right.otherwise}."
        findings.append(error(right.key, "", problem, "Change its permission sets."))
    return [*findings, *by_object(destination, fits), *_campaigns(destination, facts), *_rows(destination, facts)]


def _campaigns(destination: Destination, facts: OrgFacts) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for place, audience in ((place, each) for place, each in enumerate(destination.audiences) if each.campaign):
        if not audience.since_field:
            problem = f"An older event of {audience.name or audience.id} can set a campaign member back."
            yield warning(f"audiences[{place}].campaign", "", problem, "Add a mapping_id and a since_field.")
        if facts.statuses is not None:
            yield from _campaign(f"audiences[{place}]", audience, facts.statuses, seen)


def _campaign(key: str, audience: Audience, org: Sequence[Row], seen: dict[str, str]) -> Iterator[Finding]:
    called, wanted = str(audience.campaign), dict.fromkeys((audience.member_status or {}).values())
    names = {row["CampaignId"]: row["Campaign"]["Name"].lower() for row in org}
    found = [one for one, name in names.items() if called == one[: len(called)] or called.lower() == name]
    labels = {"delete", *(row["Label"].lower() for row in org if row["CampaignId"] in found)}
    if len(found) != 1:
        problem = f"The integration user sees {len(found) or 'no'} campaign{'s' if found else ''} {called}."
        yield error(f"{key}.campaign", "", problem, "Write the Id of one that it may read.")
    elif lacking := [text for text in wanted if text.lower() not in labels]:
        problem = f"The campaign {called} has no member status {', '.join(lacking)}."
        yield error(f"{key}.member_status", "", problem, "Add it to the campaign in Salesforce.")
    if found and (first := seen.setdefault(found[0], key)) != key:
        yield warning(f"{key}.campaign", "", f"The campaign {called} is that of {first} too.", "Use another campaign.")


def _rows(destination: Destination, facts: OrgFacts) -> Iterator[Finding]:
    if (rows := destination.memberships) is None:
        return
    if (org := facts.known.get(rows.object.lower())) is None or not org.fields:
        problem = "There is no object {} that the integration user can see." if org else "No describe of {} was given."
        yield error("memberships.object", "", problem.format(rows.object), "`destination create-fields` creates it.")
        return
    rows, parents = spelled_as(destination, org.fields).memberships or rows, dict(org.relationships.values())
    longest = max((len(each.id) for each in destination.audiences), default=36)
    for part, name, length, right in (
        *(("person", rows.lookup(name), 0, f"an optional lookup to {name}") for name in destination.objects),
        ("key", rows.key, 255, "a Text(255), external ID, unique and case-sensitive"),
        ("audience", rows.audience, longest, f"a Text({longest}) or longer"),
        ("status", rows.status, 8, "a Text(8) or longer"),
        *([("audience_name", rows.audience_name, 1, "a Text")] if rows.audience_name else []),
    ):
        if (field := org.fields.get(name)) is None:
            yield not_there(f"memberships.{part}", name, org)
            continue
        yield from writable(f"memberships.{part}", field)
        is_lookup = field.nillable and right.rpartition(" ")[2] in parents.get(name, ())
        is_text = field.type in ("string", "picklist") and field.length >= length
        is_key = part != "key" or (field.unique and field.case_sensitive)
        if not (is_lookup if part == "person" else is_text and is_key):
            yield error(f"memberships.{part}", name, f"{name} is {kind_of(field)}.", f"It must be {right}.")
    yield from _ordering("memberships.since", rows.since, org)
    if (place := rows.object.lower()) in facts.rules:
        yield from _guard_rules(rows.object, {rows.since: "memberships.since"}, facts.rules[place])


def file_findings(destination: Destination) -> list[Finding]:
    """Find what the file alone makes doubtful, whatever the org."""
    found = doubts(destination.model_dump(exclude_none=True, by_alias=True))
    findings = [warning(doubt.key, "", doubt.problem, doubt.cure) for doubt in found]
    if gate := destination.profiles.only_if:  # one wrong letter in it keeps everybody out
        exits = "the audiences in the message are written as exited, and nothing else"
        others = exits if destination.profiles.when_skipped == "exit" else "nothing is written"
        problem = f"Only profiles for which {gate} is true are written. Of the others {others}."
        cure = "`destination status` counts the others as ProfilesNotPermitted."
        findings.append(note("profiles.only_if", "", problem, cure))
    return findings


def rights_for(destination: Destination, facts: OrgFacts) -> Iterator[Right]:
    """The rights that the file needs, each with what proves it and what happens otherwise."""
    key, described, asked = "identity.create_missing", "the describe", "the user's own permissions"
    known, created = facts.known, destination.creates.lower()
    for name, right, place, otherwise in _rights_on_records(destination):
        if (there := known.get(name.lower())) is None or there.fields:
            may: bool | None = getattr(there, _FLAGS[right], None)
            yield Right(f"{right} on {name}", may, described, place, otherwise)
        if name == "CampaignMember" and right == "Create":
            yield Right("Marketing User", facts.is_marketing_user, "the user's own record", place, otherwise)
    for name in destination.objects if created else ():
        may = None if facts.sees_all is None else name.lower() in facts.sees_all
        yield Right(f"View All Records on {name}", may, asked, key, "whom sharing hides is created again")
    is_first = destination.salesforce_object == "Lead"
    if "Lead" in destination.objects and any(
        rule.is_id or (is_first and is_direct(destination, rule, known)) for rule in destination.rules
    ):
        may = None if facts.edits_converted is None else not facts.edits_converted
        name, otherwise = "no View and Edit Converted Leads", "converted leads are updated and nobody is told"
        yield Right(name, may, asked, "converted_leads", otherwise)


_FLAGS = {"Create": "createable", "Edit": "updateable", "Delete": "deletable"}


def _rights_on_records(destination: Destination) -> list[tuple[str, str, str, str]]:
    rows, created, lost = destination.memberships, destination.creates, "campaigns do not get all their members"
    campaigns = [f"audiences[{place}].campaign" for place, each in enumerate(destination.audiences) if each.campaign]
    deletes = any("delete" in (each.member_status or {}).values() for each in destination.audiences)
    wanted = [(name, "Edit", "salesforce_object", "no record is updated") for name in destination.objects]
    wanted += [(created, "Create", "identity.create_missing", "no record is created")] if created else []
    wanted += [("CampaignMember", right, campaigns[0], lost) for right in [*_FLAGS][: 2 + deletes] if campaigns]
    return wanted + [(rows.object, right, "memberships.object", "rows are not kept") for right in _FLAGS if rows]


def _rules(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    for place, rule in enumerate(destination.rules):
        key = f"identity[{place}].target"
        if rule.is_id:
            continue
        if (field := description.fields.get(rule.target)) is None:
            yield not_there(key, rule.target, description)
            continue
        name = field.name
        is_key = field.external_id or field.id_lookup
        if not (field.filterable and (is_key or not field.unique)):
            yield error(key, name, f"Salesforce cannot find records by {name}.", "Use an external ID.")
        elif not is_key:
            problem = f"{name} has no index: to find records by it may take too long."
            yield warning(key, name, problem, "Make it an external ID in Salesforce.")
        if rule.create_missing and not field.unique:
            cure = "Make it unique in Salesforce, or set create_missing to false."
            yield error(key, name, f"{name} is not unique: one person could get two records.", cure)
        if field.external_id and field.case_sensitive != rule.case_sensitive:
            right = str(field.case_sensitive).lower()
            problem = f"{name} is {'' if field.case_sensitive else 'not '}case-sensitive in Salesforce."
            yield error(key.replace("target", "case_sensitive"), name, problem, f"Set it to {right}.")


def _ordering(key: str, name: str, description: ObjectDescription) -> Iterator[Finding]:
    yield from typed_findings(key, name, "double", "a Number(18,0)", description)
    field = description.fields.get(name)
    if field and field.type == "double" and (field.precision < 13 or field.scale):
        problem = f"{name} holds {field.precision} digits, {field.scale} of them decimals."
        yield error(key, name, problem, "Make it a Number(18,0).")


def _required(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if not destination.creates:
        return
    given = [m for m in destination.mappings if m.required or m.constant is not None or m.default is not None]
    sure = {_field_of(m.target, description) for m in given if not may_stay_empty(m.model_dump())}
    if description.has_person_accounts and "LastName" in sure:
        sure.add("Name")  # Salesforce makes a person account's from its parts, and refuses one that is sent
    sure |= {rule.target for rule in destination.rules if rule.create_missing}
    for field in description.fields.values():
        demanded = field.createable and not field.nillable and not field.defaulted and field.type != "boolean"
        if demanded and field.name not in sure:
            problem = f"Salesforce requires {field.name} for a new {description.name}."
            yield error("mappings", field.name, problem, f"Map {field.name} with a default or required = true.")
    for key, name in _written(destination):
        written = description.fields.get(_field_of(name, description))
        if written and written.updateable and not written.createable:
            problem = f"{name} can be edited, but not set on a new {description.name}."
            yield error(key, name, problem, "Use another field, or set create_missing to false.")


def _field_of(target: str, description: ObjectDescription) -> str:
    return relationship(target, description)[0] if "." in target else target


def _written(destination: Destination) -> Iterator[tuple[str, str]]:
    yield from ((f"identity[{place}].target", rule.target) for place, rule in enumerate(destination.rules))
    yield from ((f"mappings[{place}].target", m.target) for place, m in enumerate(destination.mappings))
    audiences = ((place, each.mapping_id) for place, each in enumerate(destination.audiences) if each.mapping_id)
    yield from ((f"audiences[{place}].mapping_id", name) for place, name in audiences)


def _creation(destination: Destination, facts: OrgFacts) -> Iterator[Finding]:
    """What becomes of new records: who owns them, how many the org has room for, which duplicate rules refuse them."""
    if not (created := destination.creates):
        return
    description = facts.known[created.lower()]
    owned = any(_field_of(m.target, description).lower() == "ownerid" for m in destination.of(created).mappings)
    if created == "Lead" and destination.assignment_rules == "created":
        yield note("assignment_rules", "", "The org's active assignment rule runs for new leads.")
    elif created == "Lead" and not owned:
        cure = 'Map OwnerId, or set assignment_rules = "created".'
        yield note("assignment_rules", "", "New leads belong to the integration user.", cure)
    if facts.free_mb is not None:
        problem = f"{facts.free_mb:,} MB of storage are free, for {512 * facts.free_mb:,} new records of 2 KB."
        yield note("identity.create_missing", "", problem)
    if destination.duplicate_rules == "obey":
        key, rules = "duplicate_rules", facts.duplicate_rules
        refuse = f"{created} refuse records that look like others (DUPLICATES_DETECTED)"
        if rules:
            yield warning(key, "", f"Active duplicate rules of {refuse}: {', '.join(rules)}.")
        elif rules is None:
            said = f"The user may not see whether duplicate rules of {refuse}."
            yield note(key, "", said, "Look at Setup > Duplicate Rules.")
        else:
            yield note(key, "", f"No duplicate rule of {created} is active.")


def _person_accounts(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if not description.has_person_accounts:
        return
    if description.name == "Contact":
        problem = "The org has person accounts. This file updates their contacts, but cannot create or delete one."
        cure = 'To create persons, use another file with salesforce_object = "Account".'
        cure += " There a contact's field Loyal__c is called Loyal__pc."
        yield (warning if destination.creates else note)("salesforce_object", "IsPersonAccount", problem, cure)
    elif destination.creates and "RecordTypeId" not in {_field_of(m.target, description) for m in destination.mappings}:
        problem = "The record type decides whether a new account is a person or a business, and the file sets none."
        cure = "Add a mapping to RecordType.DeveloperName with the person record type as its constant."
        yield warning("mappings", "RecordTypeId", problem, cure)


def guard_findings(destination: Destination, rules: Sequence[ValidationRule] | None) -> Iterator[Finding]:
    """Find the guards that lack their rule, and the audiences that lack a guard."""
    guards = guard_fields(destination)
    yield from _unguarded(destination, bool(guards))
    yield from _guard_rules(destination.salesforce_object, guards, rules)


def _guard_rules(sobject: str, guards: Mapping[str, str], rules: Sequence[ValidationRule] | None) -> Iterator[Finding]:
    # That the user sees no rule does not tell that there is none: Salesforce may hide the set-up from it.
    where = f"Setup > Object Manager > {sobject} > Validation Rules"
    if guards and not rules:
        problem = f"The validation rules for {', '.join(guards)} cannot be checked: the integration user sees no rules"
        problem += f" of {sobject}. It may lack the right to view the setup."
        cure = f"Ask an administrator to look at {where}: each must be active and have its marker in the error message,"
        cure += f" such as {stale_marker(next(iter(guards)))}."
        yield note(next(iter(guards.values())), "", problem, cure)
    for field, key in guards.items() if rules else ():
        if not (ours := [rule for rule in rules or () if rule.guards(field)]):
            problem = f"No validation rule of {sobject} has {stale_marker(field)} in its error message."
            cure = f"Without it, older events overwrite newer ones. `destination create-fields` creates it, in {where}."
            yield warning(key, field, problem, cure)
        elif not any(rule.active for rule in ours):
            problem = f"The validation rule {ours[0].name} is not active, so older events overwrite newer ones."
            yield warning(key, field, problem, f"Activate it in {where}.")


def guard_fields(destination: Destination) -> dict[str, str]:
    """The fields that guard, each with its key in the file."""
    guards = {destination.ordering.field: "ordering.field"} if destination.ordering else {}
    for place, audience in enumerate(destination.audiences):
        if audience.since_field:
            guards.setdefault(audience.since_field, f"audiences[{place}].since_field")
    return guards


def _unguarded(destination: Destination, guards_others: bool) -> Iterator[Finding]:
    guarded = Guards.of(destination).guard_of
    written = [(place, found) for place, found in enumerate(destination.audiences) if found.mapping_id]
    bare = [(place, found) for place, found in written if found.mapping_id not in guarded]
    if bare and not guards_others:
        names = ", ".join(audience.name or audience.mapping_id for _, audience in bare)
        problem = f"An event that comes late can overwrite a newer one, for example in the audiences {names}."
        yield note("ordering", "", problem, "since_field and [ordering] prevent this: see docs/destination-file.md.")
    for place, audience in bare if guards_others else ():
        problem = f"An older event of {audience.name or audience.mapping_id} can overwrite a newer one."
        cure = "Create a Date/Time field with its rule (`destination create-fields` does it) and set it as since_field."
        yield warning(f"audiences[{place}].since_field", audience.mapping_id, problem, cure)
