from __future__ import annotations

import pytest
from destination_cli.local.schedule import seconds_between


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(45 minutes)", 2_700), ("rate(1 hour)", 3_600), ("rate(2 days)", 172_800)],
)
def test_a_rate_is_followed(expression: str, seconds: float) -> None:
    assert seconds_between(expression) == seconds


def test_a_cron_expression_is_only_followed_in_aws() -> None:
    assert seconds_between("cron(0 * * * ? *)") is None
