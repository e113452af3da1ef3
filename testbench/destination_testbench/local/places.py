"""Where things are: the checkout's folders, and the AWS account and region that the local stack pretends to be in."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]
"""The checkout: the folder of template.yaml."""

STATE = ROOT / ".local"
"""What a running stack writes: its endpoints and its logs."""

REGION = "eu-west-1"
ACCOUNT_ID = "123456789012"
"""moto's account."""

STACK_NAME = "salesforce-destination-local"

LOCAL_API_KEY = "local-key"
"""Opens the front door on this machine."""
