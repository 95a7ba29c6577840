# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup counts when its repository is the present one, its record is of a success, and the snapshot is there."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import backup
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host with a repository of its own, a backup of two days ago and a proof of today."""
    monkeypatch.setattr(backup, "CONFIG", str(tmp_path / "backup.json.config"))
    monkeypatch.setattr(backup, "STATE", str(tmp_path))
    repository = tmp_path / "repository"
    (repository / "snapshots").mkdir(parents=True)
    (repository / "snapshots" / "abc").touch()
    now = int(time.time())
    write = {
        "backup.json.config": {"repository": str(repository), "paths": ["/etc"], "keep": ["daily=1"]},
        "backup.json": {"at": now - 2 * 86400, "repository": str(repository), "snapshot": "abc", "files": 7},
        "restore.json": {"at": now, "repository": str(repository), "snapshot": "gone", "files": 7},
    }
    for name, content in write.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def asked(argument):
    return backup.answer(argument, backup.collect(None))


def test_what_is_set_up_and_when_it_last_succeeded(host):
    assert asked("repository") == ("observed", str(host / "repository"), "")
    assert asked("place")[1] == "this host"
    assert asked("paths")[1] == ["/etc"]
    assert asked("keep")[1] == ["daily=1"]
    assert asked("snapshot_day")[1] == 3
    assert asked("proof_day") == ("observed", 1, "7 files compared")


def test_a_snapshot_that_is_gone_is_no_backup(host):
    (host / "repository" / "snapshots" / "abc").unlink()
    assert asked("snapshot_day") == ("observed", None, "the repository no longer holds the snapshot of the record")


def test_records_of_another_repository_do_not_count(host):
    config = {"repository": "sftp:backup.example.org:/x", "paths": [], "keep": []}
    (host / "backup.json.config").write_text(json.dumps(config), encoding="utf-8")
    assert asked("place")[1] == "elsewhere"
    assert asked("snapshot_day")[1] is None
    assert asked("proof_day")[1] is None


def test_a_host_that_saves_nothing_says_so(host):
    (host / "backup.json.config").unlink()
    for argument in backup.ASKS:
        assert asked(argument) == ("observed", None, "no backup is set up")


def test_a_damaged_record_is_an_error_and_an_unknown_question_too(host):
    (host / "backup.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no object"):
        backup.collect(None)
    with pytest.raises(BadArgumentError):
        backup.check("colour")
