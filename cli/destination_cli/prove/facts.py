"""Every fact that is tried, those first that the others are tried with."""

from __future__ import annotations

from destination_cli.prove.envelope_facts import ENVELOPE_FACTS
from destination_cli.prove.fact import Fact
from destination_cli.prove.guard_facts import GUARD_FACTS
from destination_cli.prove.key_facts import KEY_FACTS
from destination_cli.prove.record_facts import RECORD_FACTS

FACTS: tuple[Fact, ...] = (*ENVELOPE_FACTS, *RECORD_FACTS, *KEY_FACTS, *GUARD_FACTS)
