"""AWS on this machine: a process with moto in it, and clients for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config

from destination_testbench.local.places import REGION

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
"""moto takes any."""

SECONDS_TO_STOP = 5.0


class LocalAwsError(Exception):
    """AWS could not be started on this machine."""


class LocalAws:
    """AWS at a URL of this machine, until it is closed. Nothing of it remains then."""

    def __init__(self, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "destination_testbench.aws.moto_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                start_new_session=True,
            )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            self.close()
            raise LocalAwsError(f"AWS (moto) did not start. Its log is {log}.")
        self.url = f"http://127.0.0.1:{int(port)}"

    def client(self, service: str) -> Any:
        """A boto3 client for this AWS, whatever account or proxy the environment names."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            aws_session_token=None,
            config=Config(proxies={}, max_pool_connections=20, retries={"total_max_attempts": 2}),
        )

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> LocalAws:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
