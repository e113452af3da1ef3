"""A composite alarm: its rule over the states of others, and the suppressor that keeps it quiet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from pyparsing import Forward, Keyword, Opt, ParseBaseException, ParserElement, ParseResults, Regex, Suppress, one_of

from destination_testbench.alarms.metric_alarm import State
from destination_testbench.alarms.metrics import UnsupportedError

States = Mapping[str, State]
Rule = Callable[[States], bool]

PARSING = Lock()
"""pyparsing learns at its first calls how many arguments an action takes; two threads at once would confuse it."""

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
    try:
        with PARSING:
            rule: Rule = RULE.parse_string(text, parse_all=True)[0]
    except ParseBaseException as error:
        said = f"{error} in the AlarmRule {text!r}; AND and OR side by side need parentheses"
        raise UnsupportedError(said) from None
    with PARSING:
        children = frozenset(tokens[1] for tokens, _, _ in ALARM_STATE.scan_string(text))
    if len(children) > MOST_CHILDREN:
        raise UnsupportedError("an AlarmRule about more than 100 alarms")
    return rule, children


def _in_state(tokens: ParseResults) -> Rule:
    state, name = State(tokens[0]), tokens[1]
    return lambda states: states[name] is state


def _negated(tokens: ParseResults) -> Rule:
    rule: Rule = tokens[0]
    return lambda states: not rule(states)


def _joined(tokens: ParseResults) -> Rule:
    rules, together = tokens[::2], all if "AND" in list(tokens) else any
    return lambda states: together(rule(states) for rule in rules)


QUOTED = Opt(Suppress('"')) + Regex(r'[^")\s]+') + Opt(Suppress('"'))
ALARM_STATE = one_of([*State]) + Suppress("(").leave_whitespace() - QUOTED - Suppress(")")


def _grammar() -> ParserElement:
    rule, single = Forward(), Forward()
    negation = Suppress(Keyword("NOT")) - single
    single <<= (
        negation.set_parse_action(_negated)
        | Suppress("(") - rule - Suppress(")")
        | ALARM_STATE.copy().set_parse_action(_in_state)
    )
    both, either = ((Keyword(sign) - single)[1, ...] for sign in ("AND", "OR"))
    rule <<= (single + Opt(both | either)).set_parse_action(_joined)
    return rule


RULE = _grammar()
