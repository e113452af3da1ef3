from __future__ import annotations

from pathlib import Path

from salesforce_destination.aws.in_progress import CrumbFile


def test_who_died_over_a_message_is_known_to_the_next_process(tmp_path: Path) -> None:
    CrumbFile(tmp_path).leave("message-7")

    after = CrumbFile(tmp_path)

    assert after.is_suspect("message-7")
    assert not after.is_suspect("message-8")


def test_a_suspect_stays_one_for_all_later_processes(tmp_path: Path) -> None:
    CrumbFile(tmp_path).leave("first")
    CrumbFile(tmp_path).leave("second")

    after = CrumbFile(tmp_path)

    assert after.is_suspect("first")
    assert after.is_suspect("second")


def test_swept_crumbs_accuse_nobody(tmp_path: Path) -> None:
    crumbs = CrumbFile(tmp_path)
    crumbs.leave("message-7")
    crumbs.sweep()

    assert not CrumbFile(tmp_path).is_suspect("message-7")


def test_only_the_last_crumb_counts(tmp_path: Path) -> None:
    crumbs = CrumbFile(tmp_path)
    crumbs.leave("a-long-message-id-that-was-worked-on-first")
    crumbs.leave("short")

    after = CrumbFile(tmp_path)

    assert after.is_suspect("short")
    assert not after.is_suspect("a-long-message-id-that-was-worked-on-first")


def test_without_a_place_for_crumbs_everything_else_works(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("a file where a folder should be")
    crumbs = CrumbFile(tmp_path / "in-the-way")

    crumbs.leave("message-7")
    crumbs.sweep()

    assert not crumbs.is_suspect("message-7")
