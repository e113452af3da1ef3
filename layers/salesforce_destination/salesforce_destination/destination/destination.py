"""
The destination file: the one TOML file in which a marketer says what goes where.

`read_destination` reports every mistake at once, each by its key and with what would be right.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.functional_validators import AfterValidator

from salesforce_destination.destination.checks import cross_mistakes
from salesforce_destination.destination.mistakes import Places, code_point, in_words, odd_character, shown, toml_mistake
from salesforce_destination.destination.standard_fields import LENGTHS, STANDARD_OBJECTS
from salesforce_destination.errors import DestinationFileError, Mistake
from salesforce_destination.profile.source import SourceError, compile_source

SALESFORCE_ID = "SalesforceId"
"""`identity.target` that means the record's own Id, as Adobe's guide writes it."""

MOST_AUDIENCE_FIELDS = 25
"""Adobe's guide allows 25 audience fields; Salesforce's own limit of that size is on external-ID fields."""


def _checked_source(expression: str) -> str:
    if odd := odd_character(expression.strip(), for_people=True):
        raise ValueError(f"is {shown(expression)}, which contains {code_point(odd)}. Type it anew.")
    try:
        compile_source(expression)
    except SourceError as error:
        place = "" if error.position is None else f", character {error.position + 1}"
        at = expression[error.position or 0 :][:1]
        place += "" if at.isascii() else f", which is {code_point(at)}"
        raise ValueError(f"is not valid JMESPath: {shown(expression)} {error}{place}.") from None
    except Exception as error:
        problem = f"cannot be read as JMESPath ({type(error).__name__}): {shown(expression)}."
        raise ValueError(problem) from None
    return expression


SourceText = Annotated[str, AfterValidator(_checked_source)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Constant = str | bool | int | Annotated[float, Field(allow_inf_nan=False)]
StatusText = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class _Table(BaseModel):
    # What checks a table is built once, with the table that holds it, when the first file is read.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


class Profiles(_Table):
    """Which profiles a message holds, and which of them may be written."""

    select: SourceText = Field("@", description="JMESPath to one profile or to a list of them in the message's body.")
    only_if: SourceText | None = Field(None, description="JMESPath; only profiles for which it is true are written.")
    when_skipped: Literal["exit", "leave"] = Field(
        "exit", description="What only_if does to the audiences in the message: written as exited, or left alone."
    )
    memberships: Literal["changed", "all"] = Field(
        "changed", description="Whether a message may hold only the memberships that changed, or holds every one."
    )


class Identity(_Table):
    """How the record of a profile is found in Salesforce."""

    source: SourceText = Field(description="JMESPath to the identity in the profile.")
    target: FieldName = Field(description="SalesforceId for the record's Id, or an external-ID or idLookup field.")
    create_missing: bool = Field(False, description="Whether a profile without a record gets a new one.")
    case_sensitive: bool = Field(False, description="Whether the external-ID field is case-sensitive.")


class FieldMapping(_Table):
    """One attribute and the Salesforce field that takes it."""

    source: SourceText | None = Field(None, description="JMESPath to the attribute, such as lower(email).")
    target: FieldName = Field(description="API name of the Salesforce field.")
    constant: Constant | None = Field(None, description="The same value for every profile, in place of a source.")
    default: Constant | None = Field(None, description="The value of profiles that have none.")
    values: dict[str, Constant] | None = Field(None, min_length=1, description="What each value becomes.")
    other: Literal["reject", "leave", "clear"] = Field(
        "reject", description="What happens to a value that is not in values: rejected, field left alone, or cleared."
    )
    required: bool = Field(False, description="Whether a profile without a value is rejected.")
    max_length: int | None = Field(None, ge=1, le=131_072, description="Longest text the field holds.")
    when_too_long: Literal["reject", "truncate"] = Field(
        "reject", description="What happens to a text that is too long."
    )
    when_absent: Literal["leave", "clear"] = Field(
        "leave", description="What happens to the field if the profile has no value."
    )
    when_refused: Literal["reject", "omit"] = Field(
        "reject", description="Whether a value that Salesforce refuses rejects the profile, or is left out."
    )


class Audience(_Table):
    """One audience and the Salesforce field that takes its status."""

    id: Text = Field(description="The audience's id in the customer-data platform: any text.")
    namespace: Text | None = Field(None, description="Where the id is valid, such as ups; any when left out.")
    name: Text | None = Field(None, description="A name for people, and the value that `names` writes.")
    mapping_id: FieldName = Field(description="API name of the Salesforce field for the status (the Mapping ID).")
    value: Literal["status", "boolean", "timestamp", "names"] = Field("status", description="What is written.")
    values: dict[Literal["realized", "existing", "exited"], StatusText] | None = Field(
        None, min_length=1, description="The text that is written for each status."
    )
    existing_as: Literal["realized", "existing"] = Field("existing", description="How the status existing is written.")
    since_field: FieldName | None = Field(None, description="Date/Time field for when the status last changed.")

    @property
    def texts(self) -> dict[str, str]:
        """What each status is written as: existing like realized where `values` names realized and not existing."""
        given = self.values or {}
        existing = given.get("realized", self.existing_as)
        texts = {"realized": "realized", "existing": existing, "exited": "exited"} | given
        return {status: text.strip() for status, text in texts.items()}


class Ordering(_Table):
    """The field that keeps an older event from overwriting a newer one."""

    field: FieldName = Field(description="Number(18,0) field for the event time in milliseconds; one per destination.")
    source: SourceText | None = Field(None, description="JMESPath to the event's time in the profile.")


class Destination(_Table):
    """A destination file, as it was read."""

    name: Text = Field(description="A name for people.")
    description: str = Field("", description="For people.")
    salesforce_object: FieldName = Field(description="API name of the sObject: Contact, Lead, or any other.")
    api_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,3}\.0$")] = Field(
        "66.0", description="Version of Salesforce's REST API."
    )
    converted_leads: Literal["reject", "contact"] = Field(
        "reject", description="What happens to the update of a converted lead."
    )
    merged_records: Literal["reject", "follow"] = Field(
        "reject", description="What happens to the update of a merged record."
    )
    duplicate_rules: Literal["obey", "allow"] = Field(
        "obey", description="Whether a record is saved although a duplicate rule alerts."
    )
    max_audience_fields: int = Field(MOST_AUDIENCE_FIELDS, ge=1, le=800, description="Most audience fields allowed.")
    profiles: Profiles = Field(default_factory=lambda: Profiles())
    identity: Identity
    mappings: tuple[FieldMapping, ...] = Field((), strict=False)
    audiences: tuple[Audience, ...] = Field((), strict=False)
    ordering: Ordering | None = None

    @property
    def updates_by_id(self) -> bool:
        """Whether records are found by their own Id, which can update and never create."""
        return self.identity.target == SALESFORCE_ID

    @property
    def written_fields(self) -> list[str]:
        """The fields that it writes, but for the identity's: those of audiences first."""
        audiences = [name for audience in self.audiences for name in (audience.mapping_id, audience.since_field)]
        ordering = self.ordering.field if self.ordering else None
        found = [*audiences, ordering, *(mapping.target for mapping in self.mappings)]
        return [name for name in dict.fromkeys(found) if name]


def read_destination(text: str) -> Destination:
    """Read a destination file; raise DestinationFileError with every mistake in it."""
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DestinationFileError([toml_mistake(error, text)]) from None
    mistakes: list[Mistake] = []
    destination: Destination | None = None
    try:
        destination = Destination.model_validate(table)
    except ValidationError as error:
        mistakes += in_words(error, Destination)
    mistakes += cross_mistakes(table)
    if mistakes or destination is None:
        places = Places(text, table)
        raise DestinationFileError(sorted(map(places.placed, mistakes), key=lambda each: places.line(each.key)))
    standard = STANDARD_OBJECTS.get(destination.salesforce_object.lower(), destination.salesforce_object)
    return spelled_as(destination, [standard, SALESFORCE_ID, "Id", *LENGTHS.get(standard, ())])


def spelled_as(destination: Destination, names: Iterable[str]) -> Destination:
    """Spell API names as these are, else as the file does first: Salesforce does not heed the case of their letters."""
    spelling = {name.lower(): name for name in names}

    def spelled(table: Any, *keys: str) -> Any:
        found = {key: name for key in keys if (name := getattr(table, key, None))}
        new = {key: spelling.setdefault(name.lower(), name) for key, name in found.items()}
        return table if new == found else table.model_copy(update=new)

    tables = {
        "identity": spelled(destination.identity, "target"),
        "ordering": spelled(destination.ordering, "field"),
        "mappings": tuple(spelled(mapping, "target") for mapping in destination.mappings),
        "audiences": tuple(spelled(audience, "mapping_id", "since_field") for audience in destination.audiences),
    }
    found: Destination = spelled(destination, "salesforce_object")
    return found.model_copy(update=tables)
