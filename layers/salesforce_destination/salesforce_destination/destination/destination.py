"""The destination file: the one TOML file in which a marketer says what goes where; all mistakes are told at once."""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.functional_validators import AfterValidator, BeforeValidator

from salesforce_destination.destination.checks import cross_mistakes
from salesforce_destination.destination.mistakes import Places, code_point, in_words, odd_character, shown, toml_mistake
from salesforce_destination.destination.standard_fields import LENGTHS, STANDARD_OBJECTS
from salesforce_destination.errors import DestinationFileError, Mistake
from salesforce_destination.profile.source import SourceError, compile_source

SALESFORCE_ID = "SalesforceId"  # `identity.target` that means the record's own Id, as Adobe's guide writes it
MOST_AUDIENCE_FIELDS = 25  # by Adobe's guide; Salesforce's own limit of that size is on external-ID fields


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
        raise ValueError(f"cannot be read as JMESPath ({type(error).__name__}): {shown(expression)}.") from None
    return expression


SourceText = Annotated[str, AfterValidator(_checked_source)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False)]
_NAME = "[A-Za-z][A-Za-z0-9_]*"
FieldName = Annotated[str, StringConstraints(pattern=f"^{_NAME}$")]
_TargetName = Annotated[str, StringConstraints(pattern=rf"^{_NAME}((:{_NAME})?\.{_NAME})?$")]
Constant = str | bool | int | Annotated[float, Field(allow_inf_nan=False)]
_Status = Literal["realized", "existing", "exited"]
StatusText = Annotated[str, StringConstraints(min_length=1, max_length=255)]


def _each(value: Any) -> Any:
    """What stands alone, as the one entry of a list."""
    return [value] if isinstance(value, str | dict) else value


def _of_all(value: Any) -> Any:
    """What counts for every sObject, as the entry of a table by sObject."""
    return {"": value} if isinstance(value, str) else value


_Some = Field(min_length=1)
_Targets = Annotated[dict[FieldName, FieldName], _Some]
_MappingTargets = Annotated[dict[FieldName, _TargetName], _Some]
Targets = Annotated[dict[str, FieldName], _Some, BeforeValidator(_of_all, json_schema_input_type=FieldName | _Targets)]
MappingTargets = Annotated[
    dict[str, _TargetName], _Some, BeforeValidator(_of_all, json_schema_input_type=_TargetName | _MappingTargets)
]


class _Table(BaseModel):
    # What checks a table is built once, with the table that holds it, when the first file is read.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


class Profiles(_Table):
    """Which profiles a message holds, and which of them may be written."""

    select: SourceText = Field("@", description="JMESPath to one profile or to a list of them in the message's body.")
    only_if: SourceText | None = Field(None, description="JMESPath; only profiles for which it is true are written.")
    when_skipped: Literal["exit", "leave"] = Field("exit", description="What becomes of the others' audiences.")
    memberships: Literal["changed", "all"] = Field("changed", description="Which memberships a message holds.")


class _PerObject(_Table):
    """What may have another field on each sObject; `targets` is by sObject, or has "" for all of them."""

    targets: Mapping[str, str]

    @property
    def target(self) -> str:
        """The field of the only sObject, or of the first one."""
        return next(iter(self.targets.values()))


class Identity(_PerObject):
    """One rule by which the record of a profile is found in Salesforce."""

    source: SourceText = Field(description="JMESPath to the identity in the profile.")
    targets: Targets = Field(
        alias="target", description="SalesforceId, or a unique or an indexed field; also by object."
    )
    create_missing: bool | FieldName = Field(False, description="Whether, or as what, somebody new gets a record.")
    case_sensitive: bool = Field(False, description="Whether the external-ID field is case-sensitive.")

    @property
    def is_id(self) -> bool:
        """Whether it finds records by their own Id, which can update and never create."""
        return self.target == SALESFORCE_ID


class FieldMapping(_PerObject):
    """One attribute and the Salesforce field that takes it."""

    source: SourceText | None = Field(None, description="JMESPath to the attribute, such as lower(email).")
    targets: MappingTargets = Field(alias="target", description="A field, or Relationship.ExternalId; also by object.")
    objects: tuple[FieldName, ...] = Field((), strict=False, min_length=1, description="Those for which it counts.")
    write: Literal["always", "create", "if_empty"] = Field("always", description="When the field is written.")
    constant: Constant | None = Field(None, description="The same value for every profile, in place of a source.")
    default: Constant | None = Field(None, description="The value of profiles that have none.")
    values: dict[str, Constant] | None = Field(None, min_length=1, description="What each value becomes.")
    other: Literal["reject", "leave", "clear"] = Field(
        "reject", description="What becomes of a value that values lacks."
    )
    required: bool = Field(False, description="Whether a profile without a value is rejected.")
    max_length: int | None = Field(None, ge=1, le=131_072, description="Longest text the field holds.")
    when_too_long: Literal["reject", "truncate"] = Field("reject", description="What becomes of a longer text.")
    when_absent: Literal["leave", "clear"] = Field("leave", description="What becomes of the field without a value.")
    when_refused: Literal["reject", "omit"] | None = Field(
        None, description="What becomes of a value that Salesforce refuses; of a relationship it is left out."
    )

    @property
    def may_be_omitted(self) -> bool:
        """Whether a refused value is left out; of a relationship it is, unless the file says otherwise."""
        return self.when_refused == "omit" or (self.when_refused is None and "." in self.target)


class CampaignName(_Table):
    """A campaign by its name: sandboxes and the real org have one file then."""

    name: Text = Field(description="The name of the only campaign that has it.")

    def __str__(self) -> str:
        return self.name


class Audience(_Table):
    """One audience and where its status goes: to a field, a campaign, or the rows of the file's memberships."""

    id: Text = Field(description="The audience's id in the customer-data platform: any text.")
    namespace: Text | None = Field(None, description="Where the id is valid, such as ups; any when left out.")
    name: Text | None = Field(None, description="A name for people, and the value that `names` writes.")
    mapping_id: FieldName = Field("", description="API name of the Salesforce field for the status (the Mapping ID).")
    campaign: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")] | CampaignName | None = (
        Field(None, description="Id of the campaign of which the person becomes a member, or its name.")
    )
    member_status: dict[_Status, StatusText] | None = Field(
        None, min_length=1, description='The campaign\'s status for each status; exited also "delete".'
    )
    objects: tuple[FieldName, ...] = Field((), strict=False, min_length=1, description="Those for which it counts.")
    value: Literal["status", "boolean", "timestamp", "names"] = Field("status", description="What is written.")
    values: dict[_Status, StatusText] | None = Field(None, min_length=1, description="The text for each status.")
    existing_as: Literal["realized", "existing"] = Field("existing", description="How the status existing is written.")
    since_field: FieldName | None = Field(None, description="Date/Time field for when the status last changed.")

    @property
    def texts(self) -> dict[str, str]:
        """What each status is written as: existing like realized where `values` names realized and not existing."""
        given = self.values or {}
        existing = given.get("realized", self.existing_as)
        texts = {"realized": "realized", "existing": existing, "exited": "exited"} | given
        return {status: text.strip() for status, text in texts.items()}


class Memberships(_Table):
    """The object that has a record, a row, for each person and audience."""

    object: FieldName = Field(description="API name of the object, such as CDP_Membership__c.")
    key: FieldName = Field(
        description="Text(255), external ID, unique, case-sensitive: the record's Id and the audience."
    )
    persons: Targets = Field(alias="person", description="The lookup to the person; also by object.")
    audience: FieldName = Field(description="Text field for the audience's id.")
    audience_name: FieldName | None = Field(None, description="Text field for the name that the file gives it.")
    status: FieldName = Field(description="Text field or picklist for realized, existing or exited.")
    since: FieldName = Field(description="Number(18,0) for when the status changed, in ms; also the row's guard.")
    audiences: Literal["mapped", "all"] = Field("mapped", description="Which audiences have rows.")
    at_most: int | None = Field(None, ge=1, le=2_000, description="With all: the most rows a person has; 50 is common.")
    only: tuple[Text, ...] = Field((), strict=False, min_length=1, description="With all: ids of the audiences meant.")
    but: tuple[Text, ...] = Field(
        (), alias="except", strict=False, min_length=1, description="With all: ids of audiences that have no rows."
    )
    when_exited: Literal["write", "delete"] = Field("write", description="What becomes of rows of whom left.")

    def lookup(self, sobject: str) -> str:
        """The field that names a person of this sObject; empty for one that has none."""
        return self.persons.get("", self.persons.get(sobject, ""))

    def takes(self, audience: str) -> bool:
        """Whether an audience of the file has rows."""
        return audience not in self.but and (not self.only or audience in self.only)


class Ordering(_Table):
    """The field that keeps an older event from overwriting a newer one."""

    field: FieldName = Field(description="Number(18,0) field for the event time in milliseconds; one per destination.")
    source: SourceText | None = Field(None, description="JMESPath to the event's time in the profile.")


class Destination(_Table):
    """A destination file, as it was read."""

    name: Text = Field(description="A name for people.")
    description: str = Field("", description="For people.")
    objects: Annotated[
        tuple[FieldName, ...], BeforeValidator(_each, json_schema_input_type=FieldName | tuple[FieldName, ...])
    ] = Field(alias="salesforce_object", strict=False, min_length=1, description="API name of an sObject; also two.")
    api_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,3}\.0$")] = Field(
        "66.0", description="Of Salesforce's REST API."
    )
    converted_leads: Literal["reject", "contact"] = Field(
        "reject", description="What happens to a converted lead; contact is the default of a file with two objects."
    )
    merged_records: Literal["reject", "follow"] = Field("reject", description="What becomes of a merged record.")
    duplicate_rules: Literal["obey", "allow"] = Field("obey", description="What a duplicate rule's alert does.")
    assignment_rules: Literal["never", "created"] = Field("never", description="When assignment rules run.")
    unchanged: Literal["write", "skip"] = Field("write", description="What becomes of a record that has all values.")
    most_created_percent: int = Field(10, ge=1, le=100, description="Of the last 1,000 people, how many may be new.")
    max_audience_fields: int = Field(MOST_AUDIENCE_FIELDS, ge=1, le=800, description="Most audience fields allowed.")
    profiles: Profiles = Field(default_factory=lambda: Profiles(), description="Which profiles are written.")
    rules: Annotated[
        tuple[Identity, ...], BeforeValidator(_each, json_schema_input_type=Identity | tuple[Identity, ...])
    ] = Field(alias="identity", strict=False, min_length=1, description="How records are found; the first rule first.")
    mappings: tuple[FieldMapping, ...] = Field((), strict=False, description="Attributes, and the fields they go to.")
    audiences: tuple[Audience, ...] = Field((), strict=False, description="Audiences, and the fields for their status.")
    ordering: Ordering | None = Field(None, description="What keeps an older event from overwriting a newer one.")
    memberships: Memberships | None = Field(None, description="The object with a row for each person and audience.")

    @property
    def has_parts(self) -> bool:
        """Whether campaign members or rows follow a person."""
        return self.memberships is not None or any(audience.campaign for audience in self.audiences)

    @property
    def salesforce_object(self) -> str:
        """Its only sObject, or the first one."""
        return self.objects[0]

    @property
    def identity(self) -> Identity:
        """Its only rule, or the first one."""
        return self.rules[0]

    @property
    def updates_by_id(self) -> bool:
        """Whether records are found by their own Id first."""
        return self.identity.is_id

    @property
    def creates(self) -> str:
        """The sObject that a person without a record becomes; empty where nobody gets one."""
        found = next((rule.create_missing for rule in self.rules if rule.create_missing), "")
        return self.salesforce_object if found is True else str(found)

    def of(self, sobject: str) -> Self:
        """The same file as one for this sObject alone: what it says of others is left out."""
        if len(self.objects) == 1:
            return self
        is_created = self.creates == sobject
        rules = [
            each.model_copy(update={"create_missing": is_created and bool(each.create_missing)}) for each in self.rules
        ]
        lists = {"rules": rules, "mappings": self.mappings, "audiences": self.audiences}
        counting = {name: _counting_for(sobject, tables) for name, tables in lists.items()}
        return self.model_copy(update={"objects": (sobject,), **counting})

    @property
    def by_object(self) -> tuple[Self, ...]:
        """A file for each of its sObjects, in their order."""
        return tuple(map(self.of, self.objects))

    @property
    def written_fields(self) -> list[str]:
        """The fields that it writes, but for the identity's: those of audiences first."""
        audiences = [name for audience in self.audiences for name in (audience.mapping_id, audience.since_field)]
        ordering = self.ordering.field if self.ordering else None
        found = [*audiences, ordering, *(mapping.target for mapping in self.mappings)]
        return [name for name in dict.fromkeys(found) if name]


def _counting_for(sobject: str, tables: Iterable[Any]) -> tuple[Any, ...]:
    found = []
    for table in tables:
        if (objects := getattr(table, "objects", ())) and sobject not in objects:
            continue
        if (targets := getattr(table, "targets", None)) is None:
            found.append(table)
        elif name := targets.get("", targets.get(sobject)):
            found.append(table.model_copy(update={"targets": {"": name}}))
    return tuple(found)


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
        mistakes += in_words(error, Destination, table)
    mistakes += cross_mistakes(table)
    if mistakes or destination is None:
        places = Places(text, table)
        raise DestinationFileError(sorted(map(places.placed, mistakes), key=lambda each: places.line(each.key)))
    if len(destination.objects) > 1 and "converted_leads" not in table:
        destination = destination.model_copy(update={"converted_leads": "contact"})
    standard = [STANDARD_OBJECTS.get(name.lower(), name) for name in destination.objects]
    lengths = [field for name in standard for field in LENGTHS.get(name, ())]
    return spelled_as(destination, [*standard, SALESFORCE_ID, "Id", *lengths])


def spelled_as(destination: Destination, names: Iterable[str]) -> Destination:
    """Spell API names as these are, else as the file does first: Salesforce does not heed the case of their letters."""
    spelling = {name.lower(): name for name in names}

    def spelled(value: Any) -> Any:
        if isinstance(value, str):
            return spelling.setdefault(value.lower(), value)
        if isinstance(value, Mapping):
            return {spelled(key) if key else "": spelled(name) for key, name in value.items()}
        return tuple(map(spelled, value)) if isinstance(value, tuple) else value

    def in_table(table: Any, *keys: str) -> Any:
        found = {key: value for key in keys if (value := getattr(table, key, None))}
        new = {key: spelled(value) for key, value in found.items()}
        return table if new == found else table.model_copy(update=new)

    found: Destination = in_table(destination, "objects")
    tables = {
        "rules": tuple(in_table(rule, "targets", "create_missing") for rule in destination.rules),
        "ordering": in_table(destination.ordering, "field"),
        "mappings": tuple(in_table(mapping, "targets", "objects") for mapping in destination.mappings),
        "audiences": tuple(in_table(each, "mapping_id", "since_field", "objects") for each in destination.audiences),
        "memberships": in_table(
            destination.memberships, "object", "key", "persons", "audience", "audience_name", "status", "since"
        ),
    }
    return found.model_copy(update=tables)
