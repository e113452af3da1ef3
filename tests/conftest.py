"""What holds for every test: no real AWS account is ever meant, and `--no-skips` lets none be left out silently."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from functools import cache

import botocore.session
import pytest

pytest.register_assert_rewrite("people_table")

NOT_AN_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="report a skipped test as a failed one")


def pytest_configure(config: pytest.Config) -> None:
    os.environ.pop("AWS_PROFILE", None)
    os.environ.update(NOT_AN_ACCOUNT)
    read_the_descriptions_of_aws_once()


def read_the_descriptions_of_aws_once() -> None:
    """
    Let all sessions of boto3 share what they read of AWS's services.

    moto gives each test a session of its own, which reads and parses its JSON files anew: ten times what the test
    itself takes.
    """
    botocore.session.create_loader = cache(botocore.session.create_loader)


def pytest_runtest_teardown() -> None:
    gc.unfreeze()  # the deliver function freezes what its environment keeps for good; a test is over


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.getoption("--no-skips"):
        report.outcome, report.longrepr = "failed", f"skipped: {report.longrepr}"
    return report
