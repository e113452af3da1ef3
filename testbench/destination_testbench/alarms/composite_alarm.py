"""A composite alarm: its rule over the states of others, and the suppressor that keeps it quiet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from destination_testbench.alarms.metrics import UnsupportedError
from destination_testbench.alarms.treatment import State

States = Mapping[str, State]
Rule = Callable[[States], bool]

_TOKEN = re.compile(r'\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\(\s*"?([^")\s]+)"?\s*\)|(AND|OR|NOT)\b|([()]))')
MOST_RULE_CHARACTERS = 10_240
MOST_CHILDREN = 100
"""Of an AlarmRule (PutCompositeAlarm)."""


@dataclass(frozen=True, slots=True)
class CompositeAlarm:
    """An alarm about alarms. Waits are in seconds."""

    name: str
    rule: Rule
    children: frozenset[str]
    actions: tuple[str, ...] = ()
    suppressor: str | None = None
    wait: float = 0.0
    extension: float = 0.0

    def state(self, states: States) -> State:
        """ALARM where the rule holds."""
        return State.ALARM if self.rule(states) else State.OK


def read_composite(name: str, said: Mapping[str, Any]) -> CompositeAlarm:
    """A composite alarm from its resolved properties."""
    rule, children = parse_rule(said["AlarmRule"])
    return CompositeAlarm(
        name=name,
        rule=rule,
        children=children,
        actions=tuple(said.get("AlarmActions", ())),
        suppressor=said.get("ActionsSuppressor"),
        wait=float(said.get("ActionsSuppressorWaitPeriod", 0)),
        extension=float(said.get("ActionsSuppressorExtensionPeriod", 0)),
    )


def parse_rule(text: str) -> tuple[Rule, frozenset[str]]:
    """A rule and the alarms in it. AND and OR side by side need parentheses here, whatever CloudWatch makes of them."""
    if len(text) > MOST_RULE_CHARACTERS:
        raise UnsupportedError("an AlarmRule of more than 10,240 characters")
    parser = _Parser(text)
    rule = parser.any_of()
    parser.expect("")
    if len(parser.children) > MOST_CHILDREN:
        raise UnsupportedError("an AlarmRule about more than 100 alarms")
    return rule, frozenset(parser.children)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._tokens, at = text, list[tuple[str, ...]](), 0
        self.children: set[str] = set()
        text = text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise UnsupportedError(f"{text[at:]!r} in an AlarmRule")
            self._tokens.append(tuple(group or "" for group in found.groups()))
            at = found.end()

    def any_of(self) -> Rule:
        rules, sign = [self._single()], ""
        while self._next() in ("AND", "OR"):
            if sign and self._next() != sign:
                raise UnsupportedError(f"AND and OR without parentheses in an AlarmRule: {self._text!r}")
            sign = self._next()
            self._tokens.pop(0)
            rules.append(self._single())
        if sign == "AND":
            return lambda states: all(rule(states) for rule in rules)
        return lambda states: any(rule(states) for rule in rules)

    def expect(self, wanted: str) -> None:
        if self._next() != wanted:
            raise UnsupportedError(f"{self._next()!r} in an AlarmRule: {self._text!r}")
        if wanted:
            self._tokens.pop(0)

    def _next(self) -> str:
        return next(filter(None, (self._tokens[0][0], *self._tokens[0][2:])), "") if self._tokens else ""

    def _single(self) -> Rule:
        token = self._next()
        if token == "NOT":
            self._tokens.pop(0)
            inner = self._single()
            return lambda states: not inner(states)
        if token == "(":
            self._tokens.pop(0)
            rule = self.any_of()
            self.expect(")")
            return rule
        if token not in ("ALARM", "OK", "INSUFFICIENT_DATA"):
            raise UnsupportedError(f"{token!r} in an AlarmRule: {self._text!r}")
        state, name = State(token), self._tokens.pop(0)[1]
        self.children.add(name)
        return lambda states: states[name] is state
