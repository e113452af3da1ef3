"""
The destination file beside the org's describe: does everything that will be written fit?

Pure: the describe is a value. A field that the integration user may not see is not in it, and from here that cannot be
told from a field that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from .description import ObjectDescription
from .destination import Destination
from .field_fit import audience_findings, error, mapping_findings, not_there, typed_findings
from .finding import Finding


def compare(destination: Destination, description: ObjectDescription) -> list[Finding]:
    """Find what does not fit, in the order of the file."""
    mappings = (mapping_findings(place, mapping, description) for place, mapping in enumerate(destination.mappings))
    audiences = (audience_findings(place, found, description) for place, found in enumerate(destination.audiences))
    return [
        *_object(destination, description),
        *_identity(destination, description),
        *chain.from_iterable(mappings),
        *chain.from_iterable(audiences),
        *_ordering(destination, description),
        *_required(destination, description),
    ]


def _object(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    name = destination.salesforce_object
    if not description.updateable:
        yield error(
            "salesforce_object", "", f"{name} may not be edited.", "Give the integration user the right to edit it."
        )
    if destination.identity.create_missing and not description.createable:
        yield error(
            "identity.create_missing",
            "",
            f"{name} may not be created.",
            "Let the integration user create it.",
        )


def _identity(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if destination.updates_by_id:
        return
    identity, key = destination.identity, "identity.target"
    field = description.fields.get(identity.target)
    if field is None:
        yield not_there(key, identity.target, description)
        return
    if not (field.external_id or field.id_lookup):
        yield error(
            key, field.name, f"Records cannot be found by {field.name}.", "Make it an external ID in Salesforce."
        )
    if identity.create_missing and not field.unique:
        cure = "Make it unique in Salesforce, or set create_missing to false."
        yield error(key, field.name, f"{field.name} is not unique: one person could get two records.", cure)
    if field.external_id and field.case_sensitive != identity.case_sensitive:
        right = str(field.case_sensitive).lower()
        yield error(
            "identity.case_sensitive", field.name, f"{field.name} is otherwise in Salesforce.", f"Set it to {right}."
        )


def _ordering(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if destination.ordering is None:
        return
    key, name = "ordering.field", destination.ordering.field
    yield from typed_findings(key, name, "double", "a Number(18,0)", description)
    field = description.fields.get(name)
    if field and field.type == "double" and (field.precision < 13 or field.scale):
        yield error(
            key,
            name,
            f"{name} holds {field.precision} digits, {field.scale} of them decimals.",
            "Make it a Number(18,0).",
        )


def _required(destination: Destination, description: ObjectDescription) -> Iterator[Finding]:
    if not destination.identity.create_missing:
        return
    sure = {m.target for m in destination.mappings if m.required or m.constant is not None or m.default is not None}
    for field in description.fields.values():
        demanded = field.createable and not field.nillable and not field.defaulted and field.type != "boolean"
        if demanded and field.name not in sure | {destination.identity.target}:
            problem = f"Salesforce creates no {description.name} without {field.name}."
            yield error("mappings", field.name, problem, f"Add a mapping to {field.name} with required = true.")
