from __future__ import annotations

import os
import signal

import pytest
from destination_testbench.local.command import ending_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_waits_is_told_of_a_signal_and_it_does_afterwards_what_it_did_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    with ending_on_signals() as ended:
        os.kill(os.getpid(), number)
        assert ended.wait(10)

    assert signal.getsignal(number) is before
