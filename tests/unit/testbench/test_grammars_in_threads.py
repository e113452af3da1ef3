"""Grammars are shared by the threads of a server, and of the alarm test."""

from __future__ import annotations

import subprocess
import sys

AT_ONCE = """
import importlib, sys, threading
from destination_testbench.alarms import composite_alarm, metric_math
from destination_testbench.org.formulas import formula
from destination_testbench.org.query import soql

THREADS, TIMES = 6, 5
sys.setswitchinterval(1e-6)

def parse(number, waiting):
    waiting.wait()
    formula.parse(f'AND(NOT(ISBLANK(Field{number}__c)), A__c > {number}, B__c = "x")')
    soql.read_query(f"SELECT Id FROM Contact WHERE Id IN ('{number}', 'b') AND (Name = 'x' OR Age__c > {number})")
    metric_math.parse(f"IF(FILL(a{number}, 0) > {number}, MAX([a{number}, b]), 1 + 2 * c)")
    composite_alarm.parse_rule(f'(ALARM("a{number}") OR NOT OK("b")) AND ALARM("c")')
    done.append(number)

for time in range(TIMES):
    # pyparsing is confused while a grammar is new.
    for module in (formula, soql, metric_math, composite_alarm):
        importlib.reload(module)
    waiting, done = threading.Barrier(THREADS), []
    threads = [threading.Thread(target=parse, args=(number, waiting)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == THREADS
"""


def test_threads_may_use_a_grammar_at_once_while_it_is_new() -> None:
    ran = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
