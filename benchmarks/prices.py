"""What AWS asks for, read from prices.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "prices.toml"


@dataclass(frozen=True, slots=True)
class Price:
    """One price in US dollars; one that is not `confirmed` was found in no source that could be read."""

    name: str
    usd: float
    unit: str
    source: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Prices:
    """All prices, of one region and one day."""

    region: str
    read_on: str
    prices: tuple[Price, ...]

    def __getitem__(self, name: str) -> float:
        return next(price.usd for price in self.prices if price.name == name)


def load_prices() -> Prices:
    """Read the file."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Prices(read["region"], read["read_on"].isoformat(), tuple(Price(**price) for price in read["prices"]))
