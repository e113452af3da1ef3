from __future__ import annotations

import pytest
from destination_testbench.org import Facts
from destination_testbench.org.schema.schema import Field
from destination_testbench.org.values.values import ValueRefusedError, check_of

TEXT = Field("T__c", "T", "string", 5, nillable=True)
INT = Field("I__c", "I", "int", digits=8, nillable=True)
PRICE = Field("P__c", "P", "double", precision=6, scale=2, nillable=True)
DATE = Field("D__c", "D", "date", nillable=True)
TIME = Field("W__c", "W", "datetime", nillable=True)
COLOURS = (("Red", "Red"), ("Blue", "Blue"))
PICK = Field("C__c", "C", "picklist", 20, restricted=True, values=COLOURS, nillable=True)
LOOSE = Field("C__c", "C", "picklist", 20, values=COLOURS, nillable=True)
MULTI = Field("M__c", "M", "multipicklist", 4099, restricted=True, values=COLOURS, nillable=True)
MAIL = Field("E__c", "E", "email", 80, nillable=True)


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        (TEXT, " ab ", "ab"),
        (TEXT, "", None),
        (TEXT, None, None),
        (INT, 12, 12),
        (INT, "10000", 10000),
        (INT, 3.0, 3),
        (PRICE, "1234.565", 1234.57),
        (PRICE, -9999, -9999.0),
        (DATE, "2024-02-29", "2024-02-29"),
        (TIME, "2021-10-03T14:00:00.123+02:00", "2021-10-03T12:00:00.000+0000"),
        (TIME, "2021-10-03T12:00:00+0000", "2021-10-03T12:00:00.000+0000"),
        (TIME, "2021-10-03T12:00:00Z", "2021-10-03T12:00:00.000+0000"),
        (PICK, "red", "Red"),
        (LOOSE, "Green", "Green"),
        (MULTI, "Blue;Red;Blue", "Blue;Red"),
        (MULTI, "", None),
        (MAIL, "a.b+c@sub.example.com", "a.b+c@sub.example.com"),
        (MAIL, "o'neil@example.co", "o'neil@example.co"),
    ],
)
def test_a_value_is_stored_as_salesforce_stores_it(field: Field, given: object, stored: object) -> None:
    assert check_of(field, Facts())(given) == stored


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        (TEXT, "abcdef", "STRING_TOO_LONG"),
        (INT, 100_000_000, "NUMBER_OUTSIDE_VALID_RANGE"),
        (PRICE, 10000, "NUMBER_OUTSIDE_VALID_RANGE"),
        (PICK, "Green", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        (MULTI, "Red;Green", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        (MAIL, "a@b", "INVALID_EMAIL_ADDRESS"),
        (MAIL, ".a@example.com", "INVALID_EMAIL_ADDRESS"),
        (MAIL, "a@exa_mple.com", "INVALID_EMAIL_ADDRESS"),
    ],
)
def test_a_value_that_can_be_read_and_not_stored_is_refused(field: Field, given: object, code: str) -> None:
    with pytest.raises(ValueRefusedError) as refusal:
        check_of(field, Facts())(given)

    assert (refusal.value.error.code, refusal.value.unreadable) == (code, False)


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        (TIME, "2017-10-17 00:00:00", "datetime from VALUE_STRING value 2017-10-17 00:00:00 or request may be missing"),
        (TIME, "2017-10-17", "datetime from VALUE_STRING value 2017-10-17 or"),
        (TIME, "2017-10-17T00:00:00", "datetime from VALUE_STRING value"),
        (TIME, 1508198400000, "datetime from VALUE_NUMBER_INT value 1508198400000 or"),
        (DATE, "2015-08-25T11:49:53.0113029-07:00", "date from VALUE_STRING value 2015-08-25T11:49:53.0113029-07:00"),
        (MULTI, ["Red"], "multipicklist from START_ARRAY value [line:1, column:1]"),
        (TEXT, {"a": 1}, "string from START_OBJECT value [line:1, column:1]"),
        (PRICE, "dear", "double from VALUE_STRING value dear or request may be missing a required field"),
        (PRICE, True, "double from VALUE_TRUE value true or"),
        (INT, 1.5, "int from VALUE_NUMBER_FLOAT value 1.5 or"),
    ],
)
def test_a_value_of_the_wrong_type_ends_the_reading_of_a_row(field: Field, given: object, message: str) -> None:
    with pytest.raises(ValueRefusedError) as refusal:
        check_of(field, Facts())(given)

    assert refusal.value.unreadable
    assert refusal.value.error.row_code == "JSON_PARSER_ERROR"
    assert refusal.value.error.row_message.startswith(f"Cannot deserialize instance of {message}")


def test_a_hundred_values_fit_into_a_multi_select_and_no_more() -> None:
    field = Field("M__c", "M", "multipicklist", 4099)
    check = check_of(field, Facts())

    assert check(";".join(map(str, range(100))))
    with pytest.raises(ValueRefusedError, match="TOO_MANY_ENUM_VALUE"):
        check(";".join(map(str, range(101))))


def test_an_emoji_is_as_long_as_java_says() -> None:
    assert check_of(TEXT, Facts(length_counts_utf16=False))("😀😀😀") == "😀😀😀"
    with pytest.raises(ValueRefusedError, match="STRING_TOO_LONG"):
        check_of(TEXT, Facts())("😀😀😀")


def test_an_org_may_read_other_types_as_text_and_texts_as_booleans() -> None:
    lenient = Facts(text_takes_scalars=True, boolean_takes_strings=True)

    assert check_of(TEXT, lenient)(5) == "5"
    assert check_of(Field("B__c", "B", "boolean"), lenient)("TRUE") is True
