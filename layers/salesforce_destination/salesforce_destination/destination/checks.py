"""What only shows between several keys of a file as it stands, so that a person sees all mistakes at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from salesforce_destination.destination.mistakes import (
    Table,
    as_typed,
    code_point,
    odd_character,
    part,
    shown,
    tables,
    visible,
)
from salesforce_destination.destination.standard_fields import LENGTHS, REQUIRED_TO_CREATE, STANDARD_OBJECTS
from salesforce_destination.errors import Mistake
from salesforce_destination.profile.source import ORDERS, nodes_in, plain_steps, type_of

Json = Any

LAST_RETIRED_VERSION = 30
"""Salesforce answers no request to versions 7 to 30 of the REST API any more."""

FIRST_VERSIONS = {"update": 43, "upsert": 46, "update only": 61}
"""The first versions in which a composite request takes collections, takes upserts, and upserts that create nothing."""

API_NAMES = ("salesforce_object", "target", "field", "mapping_id", "since_field")
_PLACEHOLDER = re.compile(
    r"(replace|change|fill|insert|edit)[ _-]?(me|this|here|in)|todo|tbd|fixme|placeholder|<[^<>]+>"
    r"|your[ _-]\w*[ _-]?(id|name|here)",
    re.IGNORECASE,
)
_COMPARED_WITH_KEY = re.compile(r'[=!<>]=?\s*"([^"]*)"')


def cross_mistakes(table: Table) -> list[Mistake]:
    """Find what only shows when several keys of the file are seen together."""
    return [mistake for check in CHECKS for mistake in check(table)]


def _mapping_without_value(table: Table) -> Iterator[Mistake]:
    for key, mapping in tables(table, "mappings"):
        if "source" not in mapping and "constant" not in mapping:
            yield Mistake(f"{key}.source", "is missing.", "Add a source, or a constant.")
        if "source" in mapping and "constant" in mapping:
            yield Mistake(f"{key}.constant", "cannot be combined with a source.", "Remove one of the two.")


def _values_without_sense(table: Table) -> Iterator[Mistake]:
    for key, mapping in tables(table, "mappings"):
        if "other" in mapping and "values" not in mapping:
            yield Mistake(f"{key}.other", "has no effect without values.", "Add values, or remove it.")
        if "values" in mapping and "constant" in mapping:
            yield Mistake(f"{key}.values", "cannot be combined with a constant.", "Remove one of the two.")
        if (other := part(mapping, "values").get("other")) in ("reject", "leave", "clear"):
            yield Mistake(f"{key}.values.other", f"is {shown(other)}.", f"Write other = {shown(other)} beside values.")


def _statuses_without_sense(table: Table) -> Iterator[Mistake]:
    for key, audience in tables(table, "audiences"):
        if "values" not in audience:
            continue
        if (value := audience.get("value")) in ("boolean", "timestamp", "names"):
            yield Mistake(f"{key}.values", f"does not work with value = {shown(value)}.", "Remove one of the two.")
        if "existing_as" in audience:
            yield Mistake(f"{key}.existing_as", "cannot be combined with values.", "Name existing in values.")
        given = part(audience, "values")
        texts = {"realized": "realized", "existing": given.get("realized", "existing"), "exited": "exited", **given}
        same = [one for one in texts if str(texts[one]).strip().lower() == str(texts["exited"]).strip().lower()]
        if same[0] != "exited":
            problem = f"writes {same[0]} as {shown(texts[same[0]])}, like exited."
            yield Mistake(f"{key}.values", problem, "Write another text for one of the two.")


def _odd_values(table: Table) -> Iterator[Mistake]:
    entries = [*tables(table, "mappings"), *tables(table, "audiences")]
    for key, values in ((f"{key}.values", part(entry, "values")) for key, entry in entries):
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


def _standard_object(table: Table) -> str:
    return STANDARD_OBJECTS.get(_lower(table.get("salesforce_object")), "")


def _lengths_that_do_not_fit(table: Table) -> Iterator[Mistake]:
    holds = {field.lower(): length for field, length in LENGTHS.get(_standard_object(table), {}).items()}
    for key, mapping in tables(table, "mappings"):
        target, cuts = mapping.get("target"), mapping.get("when_too_long") == "truncate"
        known = holds.get(_lower(target))
        longest = mapping.get("max_length", known)
        if longest is None and cuts:
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
    if _lower(part(table, "identity").get("target")) == "id":
        yield Mistake("identity.target", 'is "Id".', 'Write "SalesforceId" for the record\'s own Id.')
    for key, mapping in tables(table, "mappings"):
        if _lower(mapping.get("target")) in ("id", "salesforceid"):
            yield Mistake(f"{key}.target", "is the record's own Id.", "Set it under [identity].")


def _not_for_this_object(table: Table) -> Iterator[Mistake]:
    name = table.get("salesforce_object")
    if table.get("converted_leads") == "contact" and _lower(name) != "lead":
        yield Mistake("converted_leads", f"is only for leads, but salesforce_object is {shown(name)}.", "Remove it.")
    singular = "Account" if _lower(name).startswith("personaccount") else STANDARD_OBJECTS.get(_lower(name)[:-1])
    if singular and _lower(name).endswith(("s", "personaccount")):
        yield Mistake("salesforce_object", f"is {shown(name)}.", f"Write {shown(singular)}.")


def _version_too_low(table: Table) -> Iterator[Mistake]:
    identity, version = part(table, "identity"), _lower(table.get("api_version", "66.0"))
    profiles = part(table, "profiles")
    exits_some = "only_if" in profiles and profiles.get("when_skipped", "exit") == "exit"
    may_create = identity.get("create_missing") is True and not exits_some
    by_id = _lower(identity.get("target")) == "salesforceid"
    does = "update" if by_id else "upsert" if may_create else "update only"
    number, lacks = version.removesuffix(".0"), "cannot write many records in one request"
    if not re.fullmatch(r"[0-9]{2,3}", number, re.ASCII) or int(number) >= FIRST_VERSIONS[does]:
        return
    if does == "update only" and int(number) >= FIRST_VERSIONS["upsert"]:
        lacks = f"cannot update by {identity.get('target')} without creating records"
    lacks = "Salesforce has retired" if int(number) <= LAST_RETIRED_VERSION else lacks
    cure = f'Write a higher one: "{FIRST_VERSIONS[does]}.0" or later.'
    yield Mistake("api_version", f"is {shown(version)}, which {lacks}.", cure)


def _not_created(table: Table) -> Iterator[Mistake]:
    given = part(table, "identity").get("create_missing", False)
    if not isinstance(given, bool) and not isinstance(table.get("salesforce_object"), list):
        yield Mistake("identity.create_missing", "must be true or false.", "Write it without quotes.")


def _needed_to_create(table: Table) -> Iterator[Mistake]:
    identity, salesforce_object = part(table, "identity"), _standard_object(table)
    if identity.get("create_missing") is not True:
        return
    not_unique = {
        "salesforceid": "Salesforce cannot create a record with a given Id.",
        "email": "Email is not unique: two records could be created for one address.",
    }
    if why := not_unique.get(_lower(identity.get("target"))):
        cure = "Set identity.target to a unique external-ID field, or create_missing to false."
        yield Mistake("identity.create_missing", f"is true, but {why}", cure)
    sure = {
        _lower(mapping.get("target"))
        for _, mapping in tables(table, "mappings")
        if (mapping.get("required") is True or "constant" in mapping or "default" in mapping)
        and not may_stay_empty(mapping)
    }
    for field in REQUIRED_TO_CREATE.get(salesforce_object, ()):
        if field.lower() not in sure:
            problem = f"is true, but {field}, which Salesforce requires for a new {salesforce_object}, may stay empty."
            yield Mistake("identity.create_missing", problem, f"Add a mapping to {field} with required = true.")


def may_stay_empty(mapping: Table) -> bool:
    """Whether a profile with a value can come to nothing by the values that a mapping lists."""
    values = part(mapping, "values")
    return bool(values) and (mapping.get("other", "reject") != "reject" or "" in values.values())


def _texts(table: Table, *names: str) -> Iterator[tuple[str, str]]:
    """The texts under keys of these names, wherever they stand in the file."""
    parts = [("", table), *((f"{name}.", part(table, name)) for name in ("profiles", "identity", "ordering"))]
    parts += [(f"{key}.", entry) for name in ("mappings", "audiences") for key, entry in tables(table, name)]
    for before, entry in parts:
        yield from ((before + name, entry[name]) for name in names if isinstance(entry.get(name), str))


def _text_in_double_quotes(table: Table) -> Iterator[Mistake]:
    for key, source in _texts(table, "only_if", "source"):
        if found := _COMPARED_WITH_KEY.search(source):
            problem = f'compares with "{found[1]}", which JMESPath reads as a key of the profile.'
            yield Mistake(key, problem, f"Write text in single quotes: '{found[1]}'.")


def _odd_texts(table: Table) -> Iterator[Mistake]:
    for key, text in _texts(table, "id", "namespace", "name"):
        if odd := odd_character(text, for_people=key.endswith("name")):
            does = "begins with" if odd == text[0] else "ends with" if odd == text[-1] else "contains"
            typed = as_typed(text)
            cure = f"Write {shown(typed)}." if typed else "Write what can be seen."
            yield Mistake(key, f"is {shown(text)}, which {does} {code_point(odd)}.", cure)
    for key, text in _texts(table, "id", "namespace", "source", *API_NAMES):
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


def _never_one_value(table: Table) -> Iterator[Mistake]:
    for key, source in _texts(table, "only_if", "source"):
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


def _are_addresses(table: Table) -> list[bool]:
    """For each alternative of an identity that is a Salesforce Id, whether its keys are those of an e-mail address."""
    identity = part(table, "identity")
    is_id = _lower(identity.get("target")) == "salesforceid"
    alternatives = str(identity.get("source")).split("||") if is_id else []
    return [bool(re.search(r'mail\w*"?(\[\d+\])?(\.\w+)?[\s)]*$', text, re.IGNORECASE)) for text in alternatives]


def _address_as_salesforce_id(table: Table) -> Iterator[Mistake]:
    if (addresses := _are_addresses(table)) and all(addresses):
        problem = 'gives e-mail addresses, but identity.target is "SalesforceId".'
        yield Mistake("identity.source", problem, 'Set identity.target to "Email", or the source to a Salesforce Id.')


def _field_written_twice(table: Table) -> Iterator[Mistake]:
    identity, ordering = part(table, "identity").get("target"), part(table, "ordering").get("field")
    identity = "Id" if _lower(identity) == "salesforceid" else identity
    named = [("identity.target", identity), ("ordering.field", ordering)]
    named += [(f"{key}.target", mapping.get("target")) for key, mapping in tables(table, "mappings")]
    named += audience_fields(table)
    seen: dict[str, str] = {}
    for key, target in named:
        if isinstance(target, str) and (first := seen.setdefault(target.casefold(), key)) != key:
            yield Mistake(key, f"writes {target}, which {first} writes already.", "Use another field.")


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


def _too_many_audience_fields(table: Table) -> Iterator[Mistake]:
    most = table.get("max_audience_fields", 25)
    names = (audience.get("mapping_id") for _, audience in tables(table, "audiences"))
    fields = list({name.lower(): name for name in names if isinstance(name, str)}.values())
    if type(most) is int and 0 < most < len(fields):
        problem = f"use {len(fields)} fields, but the limit is {most}; {fields[most]} is the first one too many."
        cure = f"Remove some, or set max_audience_fields = {len(fields)} if the org has room for them."
        yield Mistake("audiences", problem, cure)


def _audience_mapped_twice(table: Table) -> Iterator[Mistake]:
    with_id = [(key, found) for key, found in tables(table, "audiences") if isinstance(found.get("id"), str)]
    audiences = [(key, (str(found.get("namespace", "")).casefold(), found["id"])) for key, found in with_id]
    counts = Counter(identity for _, identity in audiences)
    for key, identity in audiences:
        if (count := counts[identity]) > 1:
            yield Mistake(f"{key}.id", f"is {shown(identity[1])}, which is mapped {count} times.", "Map it once.")


def _names_without_sense(table: Table) -> Iterator[Mistake]:
    for key, audience in tables(table, "audiences"):
        if audience.get("value") != "names":
            continue
        if part(table, "profiles").get("memberships", "changed") != "all":
            cure = 'Set memberships = "all" under [profiles] if every message holds them all, or use another value.'
            yield Mistake(f"{key}.value", 'is "names", but a message may leave memberships out.', cure)
        name = audience.get("name")
        if not name:
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
        first = seen.setdefault((field.lower(), name.casefold()), key)
        if first != key:
            yield Mistake(f"{key}.name", f"is {shown(name)}, like {first}.name.", "Give each its own name.")


CHECKS: Sequence[Callable[[Table], Iterator[Mistake]]] = (
    _mapping_without_value,
    _values_without_sense,
    _statuses_without_sense,
    _odd_values,
    _lengths_that_do_not_fit,
    _record_found_otherwise,
    _not_for_this_object,
    _version_too_low,
    _not_created,
    _needed_to_create,
    _field_written_twice,
    _text_in_double_quotes,
    _odd_texts,
    _never_one_value,
    _address_as_salesforce_id,
    _too_many_audience_fields,
    _audience_mapped_twice,
    _names_without_sense,
    _same_name_in_one_field,
)
"""Each finds one kind of mistake."""


def doubts(table: Table) -> Iterator[Mistake]:
    """Find what a file without mistakes hardly means."""
    if not tables(table, "audiences"):
        yield Mistake("audiences", "are not there, so no status is written.", "Add [[audiences]] for each audience.")
    if any(_are_addresses(table)):
        problem = "may give an e-mail address, which is no Salesforce Id: a profile with nothing else is rejected."
        yield Mistake("identity.source", problem, "Remove the e-mail address from it.")
    for key, found in _texts(table, "id"):
        if address := re.fullmatch(r"(?:https?://|www\.)\S*?([^/?#=]*)/?|\S+@\S+", found):
            last = f", perhaps {shown(address[1])}" if address[1] else ""
            yield Mistake(key, f"is the address {shown(found)}.", f"Write the id of the audience{last}.")
    yield from _doubtful_names(table)


def _doubtful_names(table: Table) -> Iterator[Mistake]:
    for key, name in _texts(table, "name"):
        if odd := odd_character(name):
            yield Mistake(key, f"contains {code_point(odd)}.", "Make sure that Salesforce has the same character.")
    for key, name in _texts(table, "mapping_id", "since_field", "target", "field"):
        if "_" in name and not re.search(r"[^_]__(p?c|s)$", name, re.IGNORECASE):
            yield Mistake(key, f"is {shown(name)}, but custom fields end in __c.", "Look it up in Salesforce.")
