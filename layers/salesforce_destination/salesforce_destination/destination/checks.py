"""What only shows between several keys of a file as it stands, so that a person sees all mistakes at once."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from salesforce_destination.destination.mistakes import (
    Table,
    as_typed,
    code_point,
    objects_of,
    odd_character,
    part,
    rules_of,
    shown,
    tables,
    visible,
)
from salesforce_destination.destination.standard_fields import LENGTHS, REQUIRED_TO_CREATE, STANDARD_OBJECTS
from salesforce_destination.errors import Mistake
from salesforce_destination.profile.source import ORDERS, nodes_in, plain_steps, type_of

Json = Any

LAST_RETIRED_VERSION = 30  # Salesforce answers no request to versions 7 to 30 of the REST API any more

FIRST_VERSION_BY_ID, FIRST_VERSION_BY_KEY = 43, 61
"""The first versions in which a composite request takes collections, and upserts that create nothing."""

MOST_OBJECTS = 2  # a file is for customers and prospects: Contact or Account, and Lead
ASSIGNED = ("lead", "case")  # the sObjects that Salesforce has assignment rules for

CAMPAIGN_MEMBERS = ("contact", "lead")
CAMPAIGN_ID = re.compile("701[A-Za-z0-9]{12}([A-Za-z0-9]{3})?")

ROW_FIELDS = ("key", "person", "audience", "audience_name", "status", "since")
API_NAMES = ("salesforce_object", "target", "field", "mapping_id", "since_field", "object", *ROW_FIELDS)
_PLACEHOLDER = re.compile(
    r"(replace|change|fill|insert|edit)[ _-]?(me|this|here|in)|todo|tbd|fixme|placeholder|<[^<>]+>"
    r"|your[ _-]\w*[ _-]?(id|name|here)",
    re.IGNORECASE,
)


def cross_mistakes(table: Table) -> list[Mistake]:
    """Find what only shows when several keys of the file are seen together, each mistake once."""
    found = [mistake for check in CHECKS for mistake in check(table)]
    found += [mistake for one in for_each_object(table) for check in OBJECT_CHECKS for mistake in check(one)]
    return list(dict.fromkeys(found))


def for_each_object(table: Table) -> list[Table]:
    """A file of one sObject for each in the file, every entry at its place; None is one that counts for others."""
    names = objects_of(table) or [""]
    given = ((key, table[key]) for key in ("identity", "mappings", "audiences") if key in table)
    lists = {key: found if isinstance(found, list | tuple) else (found,) for key, found in given}
    return [
        {**table, "salesforce_object": name}
        | {key: type(found)([_for_object(each, name, names) for each in found]) for key, found in lists.items()}
        for name in names
    ]


def _for_object(entry: Any, name: str, names: Sequence[str]) -> Any:
    if not isinstance(entry, dict):
        return entry
    objects, target, creates = entry.get("objects"), entry.get("target"), entry.get("create_missing")
    if isinstance(target, dict) and target:
        target = next((field for key, field in target.items() if _lower(key) in ("", _lower(name))), target)
    is_for_others = isinstance(objects, list) and _lower(name) not in map(_lower, objects)
    if is_for_others or (isinstance(target, dict) and target):
        return None
    is_created = creates is True if len(names) == 1 else _lower(creates) == _lower(name)
    return {**entry, "target": target, "create_missing": is_created and creates}


def _entries(table: Table) -> list[tuple[str, Table]]:
    return [*rules_of(table), *tables(table, "mappings"), *tables(table, "audiences")]


def _objects_of_the_file(table: Table) -> Iterator[Mistake]:
    names = list(map(_lower, objects_of(table)))
    if len(set(names)) < len(names):
        yield Mistake("salesforce_object", "names an object twice.", "Name each once.")
    elif len(names) > MOST_OBJECTS:
        problem = f"names {len(names)} objects, but a file writes to {MOST_OBJECTS} at most."
        yield Mistake("salesforce_object", problem, "Write another file for the others.")
    for key, entry in [*tables(table, "mappings"), *tables(table, "audiences")]:
        if "objects" in entry and len(names) == 1:
            yield Mistake(f"{key}.objects", "has no effect with one salesforce_object.", "Remove it.")


def _objects_that_are_not_there(table: Table) -> Iterator[Mistake]:
    names = objects_of(table)
    known = list(map(_lower, names))
    for key, entry in _entries(table):
        objects, fields = entry.get("objects"), part(entry, "target")
        listed = objects if isinstance(objects, list) and len(names) > 1 else names
        for under, given in (("objects", listed), ("target", fields)):
            for name in (each for each in given if each and _lower(each) not in known and known):
                problem = f"names {shown(name)}, which is not in salesforce_object."
                yield Mistake(f"{key}.{under}", problem, f"Write {' or '.join(map(shown, names))}.")
        if key.startswith("identity") and "salesforceid" in map(_lower, fields.values()):
            yield Mistake(f"{key}.target", 'has "SalesforceId" in a table.', 'Write target = "SalesforceId".')
        unused = [name for name in fields if _lower(name) in known and _lower(name) not in map(_lower, listed)]
        if unused:
            problem = f"names a field for {unused[0]}, which objects leaves out."
            yield Mistake(f"{key}.target", problem, f"Remove it, or add {unused[0]} to objects.")
        lacking = [name for name in listed if _lower(name) not in map(_lower, fields)]
        if lacking and fields and key.startswith("mappings"):
            cure = "Add one, or name the other objects under objects."
            yield Mistake(f"{key}.target", f"names no field for {lacking[0]}.", cure)


def _mappings_without_sense(table: Table) -> Iterator[Mistake]:
    for key, mapping in tables(table, "mappings"):
        if "source" not in mapping and "constant" not in mapping:
            yield Mistake(f"{key}.source", "is missing.", "Add a source, or a constant.")
        if "source" in mapping and "constant" in mapping:
            yield Mistake(f"{key}.constant", "cannot be combined with a source.", "Remove one of the two.")
        if "other" in mapping and "values" not in mapping:
            yield Mistake(f"{key}.other", "has no effect without values.", "Add values, or remove it.")
        if "values" in mapping and "constant" in mapping:
            yield Mistake(f"{key}.values", "cannot be combined with a constant.", "Remove one of the two.")
        if (other := part(mapping, "values").get("other")) in ("reject", "leave", "clear"):
            yield Mistake(f"{key}.values.other", f"is {shown(other)}.", f"Write other = {shown(other)} beside values.")
        if (write := mapping.get("write")) in ("create", "if_empty") and mapping.get("when_absent") == "clear":
            problem = f'is "clear", but write = {shown(write)} changes no value.'
            yield Mistake(f"{key}.when_absent", problem, "Remove one of the two.")


def _statuses_without_sense(table: Table) -> Iterator[Mistake]:
    for key, audience in tables(table, "audiences"):
        for under in ("values", "member_status"):
            yield from _same_as_exited(f"{key}.{under}", part(audience, under))
        if "values" not in audience:
            continue
        if (value := audience.get("value")) in ("boolean", "timestamp", "names"):
            yield Mistake(f"{key}.values", f"does not work with value = {shown(value)}.", "Remove one of the two.")
        if "existing_as" in audience:
            yield Mistake(f"{key}.existing_as", "cannot be combined with values.", "Name existing in values.")


def _same_as_exited(key: str, given: Table) -> Iterator[Mistake]:
    texts = {"realized": "realized", "existing": given.get("realized", "existing"), "exited": "exited", **given}
    same = [one for one in texts if str(texts[one]).strip().lower() == str(texts["exited"]).strip().lower()]
    if same[0] != "exited":
        problem = f"writes {same[0]} as {shown(texts[same[0]])}, like exited."
        yield Mistake(key, problem, "Write another text for one of the two.")


def _odd_values(table: Table) -> Iterator[Mistake]:
    entries = [(key, entry, "values") for key, entry in (*tables(table, "mappings"), *tables(table, "audiences"))]
    entries += [(key, audience, "member_status") for key, audience in tables(table, "audiences")]
    for key, values in ((f"{key}.{under}", part(entry, under)) for key, entry, under in entries):
        first: dict[str, str] = {}
        for text in (text for pair in values.items() for text in pair if isinstance(text, str)):
            if odd := odd_character(text, for_people=True):
                problem = f"has {shown(text)}, which contains {code_point(odd)}."
                yield Mistake(key, problem, f"Write {shown(as_typed(text))}.")
        for name in values:
            if not name:
                yield Mistake(key, 'has "" for a value.', "Remove it: an empty attribute clears the field.")
            if (before := first.setdefault(name.lower(), name)) != name:
                yield Mistake(key, f"has {shown(before)} and {shown(name)}, but case is ignored.", "Keep one.")


def _lower(value: object) -> str:
    """An API name without the case of its letters, which Salesforce does not heed; empty for what is none."""
    return value.lower() if isinstance(value, str) else ""


def _lengths_of(table: Table) -> dict[str, int]:
    name = STANDARD_OBJECTS.get(_lower(table.get("salesforce_object")), "")
    return {field.lower(): length for field, length in LENGTHS.get(name, {}).items()}


def field_of(target: str) -> str:
    """The field that a target writes: of a relationship the one that holds the parent's Id."""
    relationship, dot, _ = re.sub(r":\w+", "", target).partition(".")
    if not dot:
        return target
    return f"{relationship[:-1]}c" if relationship.lower().endswith("__r") else f"{relationship}Id"


def _relationships(table: Table) -> Iterator[Mistake]:
    for key, target in _texts(table, "target"):
        parent, dot, field = target.partition(".")
        problem, right = "", f"{parent[:-2]}.{field}"
        if _lower(parent) == "recordtype" and field and _lower(field) != "developername":
            problem, right = "which may name several record types.", "RecordType.DeveloperName"
        elif _lower(field) == "id":
            problem, right = "but an Id goes into a field.", field_of(target)
        elif dot and _lower(parent).endswith("__c"):
            problem, right = "but a relationship ends in __r.", f"{parent[:-1]}r.{field}"
        elif dot and _lower(parent).endswith("id"):
            problem = f"but {parent} is a field, not a relationship."
        if problem:
            yield Mistake(key, f"is {shown(target)}, {problem}", f"Write {shown(right)}.")


def _lengths_that_do_not_fit(table: Table) -> Iterator[Mistake]:
    holds = _lengths_of(table)
    for key, mapping in tables(table, "mappings"):
        target, cuts = mapping.get("target"), mapping.get("when_too_long") == "truncate"
        known = holds.get(_lower(target))
        if (longest := mapping.get("max_length", known)) is None and cuts:
            problem = f'is "truncate", but the length of {target} is not known.'
            yield Mistake(f"{key}.when_too_long", problem, "Add max_length.")
        if not isinstance(longest, int):
            continue
        if known is not None and longest > known:
            cure = f"{target} holds {known} characters: write {known} or less."
            yield Mistake(f"{key}.max_length", f"is {longest}.", cure)
        fixed = {name: mapping.get(name) for name in ("constant", "default")}
        fixed |= {f"values.{name}": text for name, text in part(mapping, "values").items()}
        for name, value in () if cuts else fixed.items():
            if isinstance(value, str) and len(value.strip()) > longest:
                problem = f"has {len(value)} characters, but {target} holds {longest}."
                yield Mistake(f"{key}.{name}", problem, "Shorten it.")


def _record_found_otherwise(table: Table) -> Iterator[Mistake]:
    if (found := table.get("identity")) and all(rule is None for rule in found):
        cure = "Add one, or name a field for it in the target of another."
        yield Mistake("identity", f"has no rule for {table['salesforce_object']}.", cure)
    for place, (key, rule) in enumerate(rules_of(table)):
        if _lower(rule.get("target")) == "id":
            yield Mistake(f"{key}.target", 'is "Id".', 'Write "SalesforceId" for the record\'s own Id.')
        if place and _lower(rule.get("target")) == "salesforceid":
            yield Mistake(f"{key}.target", 'is "SalesforceId", which must be the first rule.', "Move this rule up.")
    for key, mapping in tables(table, "mappings"):
        if _lower(mapping.get("target")) in ("id", "salesforceid"):
            yield Mistake(f"{key}.target", "is the record's own Id.", "Set it under [identity].")


def _not_for_this_object(table: Table) -> Iterator[Mistake]:
    names = objects_of(table)
    if table.get("converted_leads") == "contact" and "lead" not in map(_lower, names):
        given = " and ".join(map(shown, names))
        yield Mistake("converted_leads", f"is only for leads, but salesforce_object is {given}.", "Remove it.")
    for name in names:
        singular = "Account" if _lower(name).startswith("personaccount") else STANDARD_OBJECTS.get(_lower(name)[:-1])
        if singular and _lower(name).endswith(("s", "personaccount")):
            yield Mistake("salesforce_object", f"is {shown(name)}.", f"Write {shown(singular)}.")


def _version_too_low(table: Table) -> Iterator[Mistake]:
    version = _lower(table.get("api_version", "66.0"))
    keys = [text for key, text in _texts(table, "target") if key.startswith("identity")]
    keys = [text for text in keys if text.lower() != "salesforceid"]
    first = FIRST_VERSION_BY_KEY if keys else FIRST_VERSION_BY_ID
    number, lacks = version.removesuffix(".0"), "cannot write many records in one request"
    if not re.fullmatch(r"[0-9]{2,3}", number, re.ASCII) or int(number) >= first:
        return
    if keys and int(number) >= FIRST_VERSION_BY_ID:
        lacks = f"cannot update by {keys[0]} without creating records"
    lacks = "Salesforce has retired" if int(number) <= LAST_RETIRED_VERSION else lacks
    yield Mistake("api_version", f"is {shown(version)}, which {lacks}.", f'Write a higher one: "{first}.0" or later.')


def _who_is_created(table: Table) -> Iterator[Mistake]:
    names, creating = objects_of(table), _creating(table)
    for key, rule in creating:
        given, target, first = rule["create_missing"], rule.get("target"), creating[0]
        if len(names) < MOST_OBJECTS:
            if given is not True:
                yield Mistake(key, "must be true or false.", "Write it without quotes.")
        elif _lower(given) not in map(_lower, names):
            cure = f"Write what a new person becomes: {' or '.join(map(shown, names))}."
            yield Mistake(key, f"is {shown(given)}.", cure)
        elif isinstance(target, dict) and _lower(given) not in map(_lower, target):
            yield Mistake(key, f"is {shown(given)}, but target has no field for it.", "Add one.")
        elif _lower(given) != (before := _lower(first[1]["create_missing"])) and before:
            problem = f"is {shown(given)}, but {first[0]} is {shown(first[1]['create_missing'])}."
            yield Mistake(key, problem, "Write the same object.")


def _creating(table: Table) -> list[tuple[str, Table]]:
    rules = rules_of(table)
    return [(f"{key}.create_missing", rule) for key, rule in rules if rule.get("create_missing", False) is not False]


def _nothing_is_created(table: Table) -> Iterator[Mistake]:
    creating, names = _creating(table), list(map(_lower, objects_of(table)))
    made = [name for name in names if any(_lower(rule["create_missing"]) == name for _, rule in creating)]
    made = made or names * bool(creating)
    if "most_created_percent" in table and not creating:
        yield Mistake("most_created_percent", "has no effect without create_missing.", "Remove it.")
    if table.get("assignment_rules") == "created" and not {*ASSIGNED} & {*made}:
        yield Mistake("assignment_rules", 'is "created", but no lead or case is created.', "Remove it.")
    for key, mapping in tables(table, "mappings"):
        objects = mapping.get("objects")
        counts = not isinstance(objects, list) or not {*made}.isdisjoint(map(_lower, objects))
        if mapping.get("write") == "create" and not (creating and counts):
            cure = 'Write "if_empty", or set create_missing.'
            yield Mistake(f"{key}.write", 'is "create", but no such record is created.', cure)


def _is_shared(table: Table, target: object) -> bool:
    """Whether a field is one of those in which several records may have one value, in every org."""
    return _lower(target) in ("email", "personemail", *_lengths_of(table))


def _needed_to_create(table: Table) -> Iterator[Mistake]:
    name, creating = STANDARD_OBJECTS.get(_lower(table["salesforce_object"]), ""), _creating(table)
    for key, rule in creating:
        target, why = rule["target"], ""
        if _lower(target) == "salesforceid":
            why = "Salesforce cannot create a record with a given Id."
        elif _is_shared(table, target):
            why = f"{target} is not unique: two records could be created for one value."
        if why:
            cure = "Set target to a unique external-ID field, or create_missing to false."
            yield Mistake(key, f"is {shown(rule['create_missing'])}, but {why}", cure)
    if not creating:
        return
    key, given = creating[0][0], shown(creating[0][1]["create_missing"])
    sure = {
        _lower(mapping.get("target"))
        for _, mapping in tables(table, "mappings")
        if (mapping.get("required") is True or "constant" in mapping or "default" in mapping)
        and not may_stay_empty(mapping)
    }
    for field in REQUIRED_TO_CREATE.get(name, ()):
        if field.lower() not in sure:
            problem = f"is {given}, but {field}, which Salesforce requires for a new {name}, may stay empty."
            yield Mistake(key, problem, f"Map {field} with a default or required = true.")


def may_stay_empty(mapping: Table) -> bool:
    """Whether a profile with a value can come to nothing by the values that a mapping lists."""
    values = part(mapping, "values")
    return bool(values) and (mapping.get("other", "reject") != "reject" or "" in values.values())


def _texts(table: Table, *names: str) -> Iterator[tuple[str, str]]:
    """The texts under keys of these names, wherever they stand in the file, those of a list or a table one by one."""
    parts = [("", table), *((f"{name}.", part(table, name)) for name in ("profiles", "ordering", "memberships"))]
    parts += [(f"{key}.", entry) for key, entry in _entries(table)]
    for before, entry in parts:
        for name in names:
            found = entry.get(name)
            of_object = found if isinstance(found, dict) else {"": found}
            texts = [(f"{before}{name}{each and '.'}{each}", text) for each, text in of_object.items()]
            if isinstance(found, list):
                texts = [(f"{before}{name}[{place}]", text) for place, text in enumerate(found)]
            yield from ((key, text) for key, text in texts if isinstance(text, str))


def _odd_texts(table: Table) -> Iterator[Mistake]:
    for key, text in _texts(table, "id", "namespace", "name", "campaign", "only", "except"):
        if odd := odd_character(text, for_people=key.endswith("name")):
            does = "begins with" if odd == text[0] else "ends with" if odd == text[-1] else "contains"
            typed = as_typed(text)
            cure = f"Write {shown(typed)}." if typed else "Write what can be seen."
            yield Mistake(key, f"is {shown(text)}, which {does} {code_point(odd)}.", cure)
    for key, text in _texts(table, "id", "namespace", "source", "campaign", *API_NAMES):
        if _PLACEHOLDER.fullmatch(text.strip()):
            yield Mistake(key, f"is {shown(text)}, a placeholder.", "Write what belongs there.")
    for key, name in _texts(table, *API_NAMES):
        if found := re.search(r"(?<!_)_(p?c)$", name, re.IGNORECASE):
            right = f"{name[: found.start()]}__{found[1]}"
            problem = f"is {shown(name)}, but custom names end in two underscores and c."
            yield Mistake(key, problem, f"Write {shown(right)}.")


def _is_many(node: Json) -> bool:
    """Whether an expression can give a list or an object only."""
    kind, children = node["type"], node["children"]
    if kind in ("pipe", "subexpression", "and_expression"):
        return _is_many(children[-1])
    if kind == "or_expression":
        return all(map(_is_many, children))
    if kind == "multi_select_dict":  # {"value": x} is how Adobe's SDK writes x
        return all(child["value"] != "value" for child in children)
    return type_of(node) in ("array", "object", "expref")


def _sources(table: Table) -> Iterator[Mistake]:
    for key, source in _texts(table, "only_if", "source"):
        if found := re.search(r'[=!<>]=?\s*"([^"]*)"', source):
            problem = f'compares with "{found[1]}", which JMESPath reads as a key of the profile.'
            yield Mistake(key, problem, f"Write text in single quotes: '{found[1]}'.")
        with suppress(ValueError, RecursionError):  # what is no JMESPath is told elsewhere
            if plain_steps(source) is not None:
                continue
            import jmespath

            parsed = jmespath.compile(source).parsed
            if _is_many(parsed):
                names = parsed["type"].startswith("multi") or key.endswith("only_if")
                cure = "Name one value." if names else f"For the first one, write: {source} | [0]"
                yield Mistake(key, f"gives a list or an object, never one value: {visible(source)}.", cure)
            for node in nodes_in(parsed):
                order = ORDERS.get(str(node.get("value"))) if node["type"] == "comparator" else None
                if order and any(type_of(side) not in ("", "number") for side in node["children"]):
                    cure = "Write numbers in backquotes, `18`, and number(...) around text of digits."
                    yield Mistake(key, f"compares by {order} what is no number: {visible(source)}.", cure)


def _are_addresses(rule: Table) -> list[bool]:
    """For each alternative of an identity that is a Salesforce Id, whether its keys are those of an e-mail address."""
    alternatives = str(rule.get("source")).split("||") if _lower(rule.get("target")) == "salesforceid" else []
    return [bool(re.search(r'mail\w*"?(\[\d+\])?(\.\w+)?[\s)]*$', text, re.IGNORECASE)) for text in alternatives]


def _address_as_salesforce_id(table: Table) -> Iterator[Mistake]:
    for key, rule in rules_of(table):
        if (addresses := _are_addresses(rule)) and all(addresses):
            problem = 'gives e-mail addresses, but target is "SalesforceId".'
            yield Mistake(f"{key}.source", problem, 'Set target to "Email", or the source to a Salesforce Id.')


def _field_written_twice(table: Table) -> Iterator[Mistake]:
    rules = [(f"{key}.target", rule.get("target")) for key, rule in rules_of(table)]
    named = [(key, "Id" if _lower(target) == "salesforceid" else target) for key, target in rules]
    named += [("ordering.field", part(table, "ordering").get("field"))]
    mappings = {f"{key}.target": mapping for key, mapping in tables(table, "mappings")}
    named += [(key, mapping.get("target")) for key, mapping in mappings.items()]
    named += audience_fields(table)
    seen: dict[str, str] = {}
    for key, target in named:
        if not isinstance(target, str) or (first := seen.setdefault(_lower(field_of(target)), key)) == key:
            continue
        may_share = len(rules) > 1 and first in dict(rules) and key in mappings
        if may_share and (mappings[key].get("write") == "if_empty" or _is_shared(table, target)):
            seen[_lower(field_of(target))] = key
            continue
        field = f"{target} ({field_of(target)})" if "." in target else target
        cure = 'Use another field, or write = "if_empty".' if may_share else "Use another field."
        yield Mistake(key, f"writes {field}, which {first} writes already.", cure)


def audience_fields(table: Table) -> Iterator[tuple[str, Any]]:
    """Every field that audiences write, once for all those that share it as `names` may, with its key in the file."""
    shared: set[str] = set()
    for key, audience in tables(table, "audiences"):
        mapping_id = audience.get("mapping_id")
        is_names = audience.get("value") == "names" and isinstance(mapping_id, str)
        if not (is_names and _lower(mapping_id) in shared):
            yield f"{key}.mapping_id", mapping_id
        if is_names:
            shared.add(_lower(mapping_id))
        yield f"{key}.since_field", audience.get("since_field")


def _audience_mapped_twice(table: Table) -> Iterator[Mistake]:
    with_id = [(key, found) for key, found in tables(table, "audiences") if isinstance(found.get("id"), str)]
    audiences = [(key, (str(found.get("namespace", "")).casefold(), found["id"])) for key, found in with_id]
    counts = Counter(identity for _, identity in audiences)
    for key, identity in audiences:
        if (count := counts[identity]) > 1:
            yield Mistake(f"{key}.id", f"is {shown(identity[1])}, which is mapped {count} times.", "Map it once.")


def _audiences_to_nowhere(table: Table) -> Iterator[Mistake]:
    rows = part(table, "memberships")
    for key, audience in tables(table, "audiences"):
        is_named = {it: audience.get("id") in rows[it] for it in ("only", "except") if isinstance(rows.get(it), list)}
        has_rows = "memberships" in table and is_named.get("only", True) and not is_named.get("except")
        if "mapping_id" not in audience and "campaign" not in audience and not has_rows:
            yield Mistake(f"{key}.mapping_id", "is missing.", "Add it, a campaign, or [memberships] to the file.")
        elif "mapping_id" not in audience:
            for name in (each for each in ("value", "values", "existing_as", "since_field") if each in audience):
                yield Mistake(f"{key}.{name}", "has no effect without mapping_id.", "Add mapping_id, or remove it.")


def _members_without_sense(table: Table) -> Iterator[Mistake]:
    for key, audience in tables(table, "audiences"):
        campaign, statuses = audience.get("campaign", ""), part(audience, "member_status")
        is_name = isinstance(campaign, dict) and list(campaign) == ["name"] and _lower(campaign["name"])
        if "campaign" in audience and not (is_name or CAMPAIGN_ID.fullmatch(str(campaign))):
            problem = f"is {shown(campaign)}, which is not the Id of a campaign."
            cure = 'Write 15 or 18 characters that begin with 701, or { name = "..." }.'
            yield Mistake(f"{key}.campaign", problem, cure)
        if "campaign" in audience and "member_status" not in audience:
            cure = 'Add { realized = "...", exited = "..." }, with statuses of the campaign.'
            yield Mistake(f"{key}.member_status", "is missing.", cure)
        if "campaign" not in audience and "member_status" in audience:
            yield Mistake(f"{key}.member_status", "has no effect without a campaign.", "Add campaign, or remove it.")
        for status in (each for each in ("realized", "exited") if statuses and each not in statuses):
            yield Mistake(f"{key}.member_status.{status}", "is missing.", "Add it, with a status of the campaign.")
        if statuses.get("exited") == "delete" and not {"mapping_id", "since_field"} <= {*audience}:
            cure = "Add mapping_id and since_field, or write a status of the campaign."
            yield Mistake(f"{key}.member_status.exited", 'is "delete", but no field remembers the exit.', cure)


def _followed_twice(table: Table) -> Iterator[Mistake]:
    ids = [(key, str(found.get("id")), "campaign" in found) for key, found in tables(table, "audiences")]
    followed, seen = {one for _, one, has_campaign in ids if has_campaign or "memberships" in table}, dict[str, str]()
    for key, one, _ in ids:
        if (first := seen.setdefault(one, key)) != key and one in followed:
            problem = f"is {shown(one)}, like {first}.id, but members and rows are told apart by it alone."
            yield Mistake(f"{key}.id", problem, "Keep one of the two.")


def _campaigns_of_others(table: Table) -> Iterator[Mistake]:
    name, seen = table.get("salesforce_object"), dict[str, str]()
    for key, audience in tables(table, "audiences"):
        if not (campaign := audience.get("campaign")):
            continue
        if name and _lower(name) not in CAMPAIGN_MEMBERS:
            problem, cure = f"is for contacts and leads, not for {name}.", "Remove it, or name another under objects."
            yield Mistake(f"{key}.campaign", problem, cure)
        known = campaign[:15] if isinstance(campaign, str) else _lower(part(audience, "campaign").get("name"))
        if known and (first := seen.setdefault(known, key)) != key:
            problem = f"is that of {first}: the exit from one would change the member of the other."
            yield Mistake(f"{key}.campaign", problem, "Use another campaign.")


def _fields_of_rows(table: Table) -> Iterator[Mistake]:
    rows, names, seen = part(table, "memberships"), objects_of(table), dict[str, str]()
    persons = part(rows, "person") or dict.fromkeys(names if len(names) == 1 or "person" not in rows else ())
    if lacking := [name for name in names if _lower(name) not in map(_lower, persons)]:
        cure = "Write { " + ", ".join(map('{} = "..."'.format, names)) + " }."
        yield Mistake("memberships.person", f"names no lookup to {lacking[0]}.", cure)
    for name in (each for each in persons if names and _lower(each) not in map(_lower, names)):
        problem = f"names {shown(name)}, which is not in salesforce_object."
        yield Mistake("memberships.person", problem, f"Write {' or '.join(map(shown, names))}.")
    for key, field in _texts({"memberships": rows}, *ROW_FIELDS):
        if (first := seen.setdefault(_lower(field), key)) != key:
            yield Mistake(key, f"is {shown(field)}, like {first}.", "Use another field.")
    if "object" in rows and _lower(rows["object"]) in map(_lower, names):
        cure = "Name an object that has a record for each person and audience."
        yield Mistake("memberships.object", f"is {shown(rows['object'])}, like salesforce_object.", cure)


def _audiences_of_rows(table: Table) -> Iterator[Mistake]:
    rows = part(table, "memberships")
    which = rows.get("audiences", "mapped")
    if which == "all" and "at_most" not in rows:
        problem = 'is missing, but audiences = "all" needs it.'
        yield Mistake("memberships.at_most", problem, "Write the most rows of a person, such as 50.")
    for key in (each for each in ("at_most", "only", "except") if each in rows and which == "mapped"):
        yield Mistake(f"memberships.{key}", 'works only with audiences = "all".', "Remove one of the two.")
    if "only" in rows and "except" in rows:
        yield Mistake("memberships.except", "cannot be combined with only.", "Remove one of the two.")
    if rows and which == "mapped" and not tables(table, "audiences"):
        cure = 'Add [[audiences]], or write audiences = "all" and at_most.'
        yield Mistake("memberships.audiences", 'is "mapped", but there is no audience.', cure)


def _names_without_sense(table: Table) -> Iterator[Mistake]:
    for key, audience in tables(table, "audiences"):
        if audience.get("value") != "names":
            continue
        if part(table, "profiles").get("memberships", "changed") != "all":
            problem = 'is "names", but a message may leave memberships out: who adds a name to a list loses others.'
            cure = 'Set memberships = "all" under [profiles] if every message holds them all, or name a field for each.'
            yield Mistake(f"{key}.value", problem, cure)
        if not (name := audience.get("name")):
            yield Mistake(f"{key}.name", 'is missing, but value = "names" needs it.', "Add it.")
        elif isinstance(name, str) and ";" in name:
            yield Mistake(f"{key}.name", "contains a semicolon, which separates names in Salesforce.", "Remove it.")
        if "since_field" in audience:
            yield Mistake(f"{key}.since_field", 'does not work with value = "names".', "Remove it.")


def _same_name_in_one_field(table: Table) -> Iterator[Mistake]:
    seen: dict[tuple[str, str], str] = {}
    for key, audience in tables(table, "audiences"):
        field, name = audience.get("mapping_id"), audience.get("name")
        if audience.get("value") != "names" or not isinstance(field, str) or not isinstance(name, str):
            continue
        if (first := seen.setdefault((field.lower(), name.casefold()), key)) != key:
            yield Mistake(f"{key}.name", f"is {shown(name)}, like {first}.name.", "Give each its own name.")


CHECKS: Sequence[Callable[[Table], Iterator[Mistake]]] = (
    *(_objects_of_the_file, _objects_that_are_not_there, _not_for_this_object, _version_too_low, _relationships),
    *(_mappings_without_sense, _statuses_without_sense, _names_without_sense, _odd_values, _odd_texts, _sources),
    *(_address_as_salesforce_id, _who_is_created, _nothing_is_created),
    *(_audiences_to_nowhere, _members_without_sense, _followed_twice, _fields_of_rows, _audiences_of_rows),
)
"""Each finds one kind of mistake."""

OBJECT_CHECKS: Sequence[Callable[[Table], Iterator[Mistake]]] = (
    *(_lengths_that_do_not_fit, _record_found_otherwise, _needed_to_create, _field_written_twice),
    *(_audience_mapped_twice, _same_name_in_one_field, _campaigns_of_others),
)
"""Each finds one kind of mistake in what the file says of one sObject."""


def doubts(table: Table) -> Iterator[Mistake]:
    """Find what a file without mistakes hardly means."""
    if not tables(table, "audiences") and part(table, "memberships").get("audiences") != "all":
        yield Mistake("audiences", "are not there, so no status is written.", "Add [[audiences]] for each audience.")
    most = table.get("max_audience_fields", 25)
    if (used := len({_lower(each.get("mapping_id")) for _, each in tables(table, "audiences")} - {""})) > most:
        problem = f"use {used} fields, more than {most}" + (", the most of Adobe's guide." if most == 25 else ".")
        cure = f"Remove some, or set max_audience_fields = {used} if the org has room for them."
        yield Mistake("audiences", problem, cure)
    if table.get("unchanged") == "skip" and "ordering" in table and "source" not in part(table, "ordering"):
        problem = 'is "skip", but without ordering.source a message that is sent again has another time.'
        yield Mistake("unchanged", problem, "Set ordering.source to a time that the platform repeats.")
    for key, rule in rules_of(for_each_object(table)[0]):
        if any(_are_addresses(rule)):
            problem = "may give an e-mail address, which is no Salesforce Id and finds no record."
            yield Mistake(f"{key}.source", problem, "Remove the e-mail address from it.")
    for key, found in _texts(table, "id"):
        if address := re.fullmatch(r"(?:https?://|www\.)\S*?([^/?#=]*)/?|\S+@\S+", found):
            last = f", perhaps {shown(address[1])}" if address[1] else ""
            yield Mistake(key, f"is the address {shown(found)}.", f"Write the id of the audience{last}.")
    yield from _doubtful_names(table)


def _doubtful_names(table: Table) -> Iterator[Mistake]:
    for key, name in _texts(table, "name"):
        if odd := odd_character(name):
            yield Mistake(key, f"contains {code_point(odd)}.", "Make sure that Salesforce has the same character.")
    for key, name in _texts(table, *API_NAMES):
        if "_" in (last := name.rpartition(".")[2]) and not re.search(r"[^_]__(p?c|s)$", last, re.IGNORECASE):
            yield Mistake(key, f"is {shown(name)}, but custom fields end in __c.", "Look it up in Salesforce.")
