# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only the exact planned file gets into the stage or out of it."""

from __future__ import annotations

import hashlib
import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lines import Deb
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.stagedir import Stage

CONTENT = b"a package file, as far as the stage can tell"
DEB = Deb("toy", "all", "1.1", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "toy_1.1_all.deb")


@pytest.fixture
def stage(tmp_path):
    """An empty stage of this user's own."""
    parent = tmp_path / "stage"
    parent.mkdir(mode=0o700)
    path = parent / "plan"
    path.mkdir(mode=0o700)
    return Stage(path)


@pytest.fixture
def arrived(tmp_path):
    """A file as it might have come from an archive."""
    path = tmp_path / "arrived"
    path.write_bytes(CONTENT)
    return path


def staged(stage, content=CONTENT, mode=0o600):
    """Put a file into the stage by another way."""
    stage.file(DEB).write_bytes(content)
    stage.file(DEB).chmod(mode)


def test_the_planned_file_is_taken_and_then_found_right(stage, arrived):
    assert stage.take(arrived, DEB) is None
    assert stage.look([DEB]) == ((), ())
    assert stage.file(DEB).stat().st_mode & 0o777 == 0o600


def test_a_missing_file_is_missing_and_not_wrong(stage):
    assert stage.look([DEB]) == ((DEB,), ())


def test_a_stage_that_does_not_exist_lacks_everything(tmp_path):
    assert Stage(tmp_path / "none" / "none").look([DEB]) == ((DEB,), ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONTENT[:-1] + b"?", f"expected {DEB.sha256}"),
        (CONTENT[:-1], f"{len(CONTENT) - 1} bytes"),
        (CONTENT + b"!", f"more than {len(CONTENT)} bytes"),
        (b"", "0 bytes"),
    ],
)
def test_another_content_is_named_and_never_kept(stage, arrived, content, said):
    arrived.write_bytes(content)
    refusal = stage.take(arrived, DEB)
    assert said in str(refusal)
    assert "toy (all)" in str(refusal)
    assert list(stage.path.iterdir()) == []


def test_one_flipped_byte_in_a_staged_file_is_named(stage):
    staged(stage, CONTENT[:5] + b"X" + CONTENT[6:])
    missing, (refusal,) = stage.look([DEB])
    assert missing == ()
    assert refusal.package == "toy (all)"
    assert refusal.expected == DEB.sha256
    assert hashlib.sha256(CONTENT[:5] + b"X" + CONTENT[6:]).hexdigest() in refusal.found


def test_a_link_is_not_followed_whatever_it_points_at(stage, arrived):
    stage.file(DEB).symlink_to(arrived)
    with pytest.raises(OSError, match="symbolic link"):
        stage.look([DEB])
    link = arrived.with_name("link")
    link.symlink_to(arrived)
    with pytest.raises(OSError, match="symbolic link"):
        stage.take(link, DEB)


def test_a_pipe_is_no_file(stage, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "no file" in str(stage.take(pipe, DEB))


def test_a_staged_file_others_may_write_is_refused(stage):
    staged(stage, mode=0o620)
    _missing, (refusal,) = stage.look([DEB])
    assert "open to others" in refusal.found


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_stage_others_may_enter_is_refused(stage, mode):
    stage.path.chmod(mode)
    with pytest.raises(PackageError, match=f"mode {mode:04o}"):
        stage.look([DEB])


def test_a_stage_in_a_folder_others_may_write_is_refused(stage):
    stage.path.parent.chmod(0o777)
    with pytest.raises(PackageError, match="mode 0777"):
        stage.look([DEB])


def test_a_link_in_the_place_of_the_stage_is_refused(stage, tmp_path):
    link = stage.path.parent / "other"
    link.symlink_to(stage.path)
    with pytest.raises(PackageError, match="no folder"):
        Stage(link).look([DEB])


def test_an_interrupted_copy_is_begun_again(stage, arrived):
    (stage.path / f".{DEB.file}.part").write_bytes(b"half")
    assert stage.take(arrived, DEB) is None
    assert [path.name for path in stage.path.iterdir()] == [DEB.file]


def test_a_relative_stage_is_refused():
    with pytest.raises(PackageError, match="absolute"):
        Stage.of_plan("a" * 64, "stage")
