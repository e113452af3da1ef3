"""The way to the simulated org and back, on which time passes."""

from __future__ import annotations

from typing import Any

import requests

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.org import OrgAdapter, SimulatedOrg

INSTANCE = "https://acme.my.salesforce.com"
WAY_BACK_SECONDS = 0.05
"""Between the org's work and its answer: whoever dies here has written and does not know it."""


class TimedAdapter(OrgAdapter):
    """Carries requests to an org; the answer takes a moment."""

    def __init__(self, org: SimulatedOrg, clock: SimulatedClock) -> None:
        super().__init__(org)
        self._clock = clock

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Answer one request."""
        try:
            return super().send(request, *arguments, **options)
        finally:
            self._clock.sleep(WAY_BACK_SECONDS)
