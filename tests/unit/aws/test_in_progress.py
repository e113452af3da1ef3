from __future__ import annotations

from pathlib import Path

from salesforce_destination.aws.in_progress import InProgressFile


def test_who_died_over_a_message_is_known_to_the_next_process(tmp_path: Path) -> None:
    InProgressFile(tmp_path).mark("message-7")

    after = InProgressFile(tmp_path)

    assert after.is_suspect("message-7")
    assert not after.is_suspect("message-8")


def test_a_suspect_stays_one_for_all_later_processes(tmp_path: Path) -> None:
    InProgressFile(tmp_path).mark("first")
    InProgressFile(tmp_path).mark("second")

    after = InProgressFile(tmp_path)

    assert after.is_suspect("first")
    assert after.is_suspect("second")


def test_swept_marker_accuse_nobody(tmp_path: Path) -> None:
    marker = InProgressFile(tmp_path)
    marker.mark("message-7")
    marker.clear()

    assert not InProgressFile(tmp_path).is_suspect("message-7")


def test_only_the_last_marker_counts(tmp_path: Path) -> None:
    marker = InProgressFile(tmp_path)
    marker.mark("a-long-message-id-that-was-worked-on-first")
    marker.mark("short")

    after = InProgressFile(tmp_path)

    assert after.is_suspect("short")
    assert not after.is_suspect("a-long-message-id-that-was-worked-on-first")


def test_without_a_place_for_marker_everything_else_works(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("a file where a folder should be")
    marker = InProgressFile(tmp_path / "in-the-way")

    marker.mark("message-7")
    marker.clear()

    assert not marker.is_suspect("message-7")
