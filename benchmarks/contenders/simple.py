"""simple-salesforce as its documentation shows it, for an org that is near: its addresses are always https."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from simple_salesforce import Salesforce

from benchmarks.answering.answers import TOKEN


def salesforce(org_url: str) -> Any:
    """A client that is logged in to the answering org."""
    made = Salesforce(instance=urlsplit(org_url).netloc, session_id=TOKEN, version="66.0")
    made.base_url = made.base_url.replace("https:", "http:")
    made.bulk2_url = made.bulk2_url.replace("https:", "http:")
    return made
