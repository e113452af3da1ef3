"""State and country picklists: an org that has them takes only states and countries that it knows, by name or code."""

from __future__ import annotations

from dataclasses import replace

from destination_testbench.org.faults.failure import SaveError
from destination_testbench.org.records.store import StoredRecord, Transaction
from destination_testbench.org.schema.schema import Schema, SObject

CODES = {
    "Country": {"France": "FR", "Germany": "DE", "Japan": "JP", "Spain": "ES", "Sweden": "SE", "United States": "US"},
    "State": {"California": "CA", "New York": "NY", "Texas": "TX"},
}
TEXTS = {
    "Country": "There's a problem with this country, even though it may appear correct. Please select a"
    " country/territory from the list of valid countries.",
    "State": "There's a problem with this state, even though it may appear correct. Please select a state/province from"
    " the list of valid states.",
}


def switch_on(schema: Schema) -> None:
    """Give every address its fields for codes; as with Salesforce there is no way back."""
    for sobject in schema.sobjects.values():
        for field in list(sobject.fields.values()):
            if part := part_of(field.name, sobject):
                codes = tuple((code, name) for name, code in CODES[part].items())
                text = replace(field, name=f"{field.name}Code", label=f"{field.label} Code", type="picklist", length=10)
                schema.put_field(sobject.name, replace(text, restricted=True, values=codes))


def part_of(name: str, sobject: SObject) -> str:
    """Whether a field is the country or the state of an address."""
    field = sobject.fields.get(name)
    part = next((part for part in CODES if name.endswith(part)), "")
    return part if field and field.compound and field.compound.endswith("Address") else ""


def address_errors(
    call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
) -> list[SaveError]:
    """Refuse a state or a country that is not known; keep name and code in step."""
    for name in list(values):
        if part := part_of(name.removesuffix("Code"), sobject):
            text, value = name.removesuffix("Code"), values[name]
            names = {name.lower(): name for name in CODES[part]} | {c.lower(): n for n, c in CODES[part].items()}
            if value is not None and str(value).lower() not in names:
                return [SaveError("FIELD_INTEGRITY_EXCEPTION", TEXTS[part], (name,))]
            found = None if value is None else names[str(value).lower()]
            values[text], values[f"{text}Code"] = found, found and CODES[part][found]
    return []
