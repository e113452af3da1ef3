"""Every fact that is tried, those first that the others are tried with."""

from __future__ import annotations

from .envelope_facts import ENVELOPE_FACTS
from .fact import Fact
from .guard_facts import GUARD_FACTS
from .key_facts import KEY_FACTS
from .record_facts import RECORD_FACTS

FACTS: tuple[Fact, ...] = (*ENVELOPE_FACTS, *RECORD_FACTS, *KEY_FACTS, *GUARD_FACTS)
