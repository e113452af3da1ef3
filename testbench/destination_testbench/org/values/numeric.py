"""Numbers as Salesforce reads them: JSON numbers, and texts that are numbers."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\Z")
LARGEST_INT = 2**31 - 1


def read_decimal(value: object) -> Decimal:
    """The number behind a JSON number or a numeric text; ValueError when it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("number")
    text = str(value).strip()
    if not NUMBER.match(text):
        raise ValueError("number")
    return Decimal(text)


def read_int(value: object, digits: int) -> int:
    """A whole number of at most so many digits; OverflowError beyond them."""
    number = read_decimal(value)
    if number != number.to_integral_value():
        raise ValueError("int")
    if abs(number) > LARGEST_INT or (digits and abs(number) >= 10**digits):
        raise OverflowError
    return int(number)


def read_number(value: object, precision: int, scale: int) -> float:
    """A number with at most `precision - scale` digits before the point, rounded to `scale` after it."""
    if type(value) is int and not scale and -(10**15) < value < 10**15 and (precision or 18) >= 15:
        return float(value)
    number = read_decimal(value)
    if abs(number) >= Decimal(10) ** ((precision or 18) - scale):
        raise OverflowError
    return float(number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP))
