from __future__ import annotations

import json
import os
from pathlib import Path

from destination_testbench.local.endpoints import Endpoints, remove_own_files, write_endpoints


def some_endpoints(pid: int) -> Endpoints:
    return Endpoints("http://127.0.0.1:1", "eu-west-1", "queue", "dead letters", "http://127.0.0.1:2", pid)


def test_the_file_says_where_the_stack_is(tmp_path: Path) -> None:
    path = write_endpoints(some_endpoints(pid=7), tmp_path / "new")

    assert json.loads(path.read_text(encoding="utf-8")) == {
        "aws_endpoint_url": "http://127.0.0.1:1",
        "region": "eu-west-1",
        "queue_url": "queue",
        "dead_letter_queue_url": "dead letters",
        "salesforce_url": "http://127.0.0.1:2",
        "pid": 7,
    }
    assert list(path.parent.iterdir()) == [path]


def test_a_stack_removes_its_own_file_and_no_other_one(tmp_path: Path) -> None:
    others = write_endpoints(some_endpoints(pid=os.getpid() + 1), tmp_path)
    remove_own_files(tmp_path)
    assert others.exists()

    ours = write_endpoints(some_endpoints(pid=os.getpid()), tmp_path)
    remove_own_files(tmp_path)

    assert not ours.exists()
