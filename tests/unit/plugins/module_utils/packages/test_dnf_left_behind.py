# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed or failed transaction leaves behind, and who is at work: dnf's history, failed scripts, locks."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import dnf_failures, dnf_history, dnf_locks
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dpkg import Package

# The columns that are read, as dnf 4.14 makes them.
SCHEMA = """
create table trans (id integer primary key, state integer);
create table rpm (item_id integer, name text, arch text);
create table trans_item (trans_id integer, item_id integer, action integer);
insert into rpm values (1, 'toy-slow', 'noarch'), (2, 'toy-slow', 'noarch'), (3, 'toy-new', 'noarch');
insert into trans values (1, 1);
"""
BEGUN = "insert into trans values (2, 0); insert into trans_item values (2, 1, 6), (2, 2, 7), (2, 3, 1);"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.executescript(SCHEMA)
    return path


def add(history: Path, statements: str) -> None:
    with contextlib.closing(sqlite3.connect(history)) as made:
        made.executescript(statements)


def test_a_transaction_that_ended_was_not_killed(history, tmp_path):
    assert dnf_history.killed(history, tmp_path / "mended") is None


def test_one_that_was_begun_and_never_ended_was(history, tmp_path):
    add(history, BEGUN)
    found = dnf_history.killed(history, tmp_path / "mended")
    assert found is not None
    assert found.number == 2
    assert found.packages == (("toy-new", "noarch"), ("toy-slow", "noarch"))
    assert found.brought_in == {("toy-new", "noarch")}


def test_what_was_mended_is_not_named_again_but_the_next_one_is(history, tmp_path):
    add(history, BEGUN)
    mended = tmp_path / "mended"
    found = dnf_history.killed(history, mended)
    assert found is not None
    dnf_history.forget(found, mended)
    assert dnf_history.killed(history, mended) is None
    add(history, "insert into trans values (3, 0);")
    again = dnf_history.killed(history, mended)
    assert again is not None
    assert again.number == 3


def test_a_host_without_history_was_not_killed(tmp_path):
    assert dnf_history.killed(tmp_path / "none.sqlite", tmp_path / "mended") is None


def package(version: str) -> Package:
    return Package("toy-post", "noarch", version, "toy-post", version, "install", "ok", "installed")


@pytest.mark.parametrize(
    "words",
    [
        "Error in POSTIN scriptlet in rpm package toy-post",
        "Non-fatal POSTIN scriptlet failure in rpm package toy-post",
    ],
)
def test_the_package_of_a_failed_script_is_named(words):
    assert dnf_failures.names([words]) == {"toy-post"}


def test_a_failed_script_is_remembered_for_that_version_alone(tmp_path):
    path = tmp_path / "failed.json"
    dnf_failures.note([package("1.1-1")], path)
    assert dnf_failures.failed([package("1.1-1")], path) == {("toy-post", "noarch")}
    assert dnf_failures.failed([package("1.0-1")], path) == frozenset()
    dnf_failures.forget([("toy-post", "noarch")], path)
    assert dnf_failures.failed([package("1.1-1")], path) == frozenset()


def test_a_pid_file_counts_only_while_its_process_is_dnfs(tmp_path):
    proc = tmp_path / "proc"
    (proc / "77").mkdir(parents=True)
    pid = tmp_path / "rpmdb_lock.pid"
    pid.write_text("77", encoding="ascii")
    for command, held in (("dnf\n", True), ("nginx\n", False)):
        (proc / "77" / "comm").write_text(command, encoding="ascii")
        assert (dnf_locks.holder(tmp_path, (pid,), proc) is not None) is held
    pid.write_text(str(os.getpid() + 100000), encoding="ascii")
    assert dnf_locks.holder(tmp_path, (pid,), proc) is None
