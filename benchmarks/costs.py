"""What AWS asks for, by prices.toml, and what a million profiles cost by what was measured.

This machine's processor is taken for one of Lambda's. Lambda gives a function its share of one by its memory, and bills
the waiting for Salesforce like the work.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from destination_testbench.alarms.stack_alarms import StackAlarms, read_alarms
from destination_testbench.template.template import read_template

from benchmarks.events import MESSAGES_PER_EVENT
from benchmarks.figures import Result
from benchmarks.plan import LATENCY_MS

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


TEMPLATE = Path(__file__).parents[1] / "template.yaml"
NETWORK = Path(__file__).parents[1] / "examples" / "network.yaml"
MILLION = 1_000_000
MEMORY_MIB = 512
"""The template's default."""

WHOLE_PROCESSOR_MIB = 1_769
"""The memory at which a function has one processor ("Configure Lambda function memory")."""

MESSAGES_PER_SQS_REQUEST = 10
SQS_REQUESTS = 3
"""Each message is sent, received and deleted."""

PLATFORM_LOG_BYTES = 900
"""Lambda's own three lines of JSON about an invocation."""

STARTS_PER_MILLION = 10
SECRETS_PER_START = 2
POLLERS = 5
LONG_POLL_SECONDS = 20
MONTH_SECONDS = 30 * 86_400
MONTH_HOURS = 30 * 24
REACHED_BY_ENDPOINT = ("SQS", "Secrets Manager")
"""What functions in a network call of AWS; Salesforce has no interface endpoint."""

CUSTOM_METRICS = 18
"""Those that a stack with three audiences writes in its first month, give or take a few."""

CALLS_A_DAY = 100_000
"""The calls that an org of the Enterprise Edition has at least."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a million profiles cost one contender, in US dollars but for the share of a day's calls."""

    name: str
    lambda_usd: float
    sqs_usd: float
    secrets_usd: float
    logs_usd: float
    share_of_calls: float

    @property
    def usd(self) -> float:
        """All of it."""
        return self.lambda_usd + self.sqs_usd + self.secrets_usd + self.logs_usd


def cost_of(name: str, result: Result, prices: Prices, waiting: float | None = None) -> Cost:
    """Reckon a million profiles in batches of 1,000; the org takes 100 ms a call, or `waiting` seconds a batch."""
    figures = result.of(name, MESSAGES_PER_EVENT, LATENCY_MS)
    batches = MILLION / MESSAGES_PER_EVENT
    gb_seconds = batches * seconds_of_batch(result, name, waiting) * MEMORY_MIB / 1024
    log_bytes = MILLION * figures.log_bytes + batches * PLATFORM_LOG_BYTES
    return Cost(
        name,
        gb_seconds * prices["lambda_gb_second"] + batches * prices["lambda_request"],
        SQS_REQUESTS * MILLION / MESSAGES_PER_SQS_REQUEST * prices["sqs_request"],
        STARTS_PER_MILLION * SECRETS_PER_START * prices["secret_call"],
        log_bytes / 1e9 * prices["log_gb"],
        figures.calls_per_thousand * MILLION / 1000 / CALLS_A_DAY,
    )


def seconds_of_batch(result: Result, name: str, waiting: float | None = None) -> float:
    """How long a batch of 1,000 takes with Lambda's share of a processor; Lambda bills its parse of the event too."""
    figures = result.of(name, MESSAGES_PER_EVENT, LATENCY_MS)
    working = figures.cpu_us / 1e6 * figures.profiles
    if waiting is None:
        waiting = max(0.0, figures.wall_seconds - working)
    parsing = figures.parse_us / 1e6 * figures.profiles
    return (working + parsing) / min(1.0, MEMORY_MIB / WHOLE_PROCESSOR_MIB) + waiting


MONTHLY = (
    ("secrets", "AWS::SecretsManager::Secret", "secret_month"),
    ("dashboards", "AWS::CloudWatch::Dashboard", "dashboard_month"),
)
"""What of the template costs something by its being there, and is there whatever the parameters say."""


def monthly(prices: Prices) -> dict[str, float]:
    """What a stack with the template's defaults costs a month, whether anything comes or not, by what there is of it.

    An alarm is paid for by the metrics in it.
    """
    template = read_template(TEMPLATE)
    found = {}
    for name, kind, price in MONTHLY:
        if count := len(template.of_type(kind)):
            found[f"{count} {name if count > 1 else name.removesuffix('s')}"] = count * prices[price]
    alarms = read_alarms(template, {})
    watched = _watched(alarms)
    found[f"{len(alarms.metric)} alarms, of {watched} metrics in all"] = watched * prices["alarm_month"]
    found[f"{len(alarms.composite)} composite alarms"] = len(alarms.composite) * prices["composite_alarm_month"]
    found[f"about {CUSTOM_METRICS} custom metrics"] = CUSTOM_METRICS * prices["metric_month"]
    polls = POLLERS * MONTH_SECONDS / LONG_POLL_SECONDS
    found["polling two empty queues"] = polls * (prices["sqs_request"] + prices["sqs_fifo_request"])
    return found


def options(prices: Prices) -> dict[str, float]:
    """What an option adds to that; a NAT gateway and an endpoint also ask for each gigabyte."""
    template, network = read_template(TEMPLATE), read_template(NETWORK)
    keys, subnets = len(template.of_type("AWS::KMS::Key")), network.of_type("AWS::EC2::Subnet").values()
    zones = len({json.dumps(subnet["AvailabilityZone"]) for subnet in subnets})
    gateways = len(network.of_type("AWS::EC2::NatGateway")) * prices["nat_gateway_hour"]
    addresses = len(network.of_type("AWS::EC2::EIP")) * prices["address_hour"]
    endpoints = len(REACHED_BY_ENDPOINT) * zones * prices["endpoint_hour"]
    without, alarms = read_alarms(template, {}), read_alarms(template, {"HttpEndpoint": "true"})
    watching = (_watched(alarms) - _watched(without)) * prices["alarm_month"]
    composites = (len(alarms.composite) - len(without.composite)) * prices["composite_alarm_month"]
    return {
        f"`CustomerManagedKey=true`: {keys} KMS keys": keys * prices["key_month"],
        "examples/network.yaml: a NAT gateway and its address": (gateways + addresses) * MONTH_HOURS,
        f"interface endpoints for {' and '.join(REACHED_BY_ENDPOINT)}, {zones} zones": endpoints * MONTH_HOURS,
        "`HttpEndpoint=true`: its alarms": watching + composites,
        "a million requests to it": MILLION * prices["http_request"],
        "each audience after the third: statuses and exits": 2 * prices["metric_month"],
    }


def _watched(alarms: StackAlarms) -> int:
    return sum(len(alarm.queries) for alarm in alarms.metric.values())
