# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files come back byte by byte with their rights, and what others changed since is left alone."""

from __future__ import annotations

import hashlib
import os
import stat

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.befores import Befores
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.conffiles import Question
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.debreader import Content
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.stagedir import Stage


@pytest.fixture
def befores(tmp_path):
    """An empty set of copies, in a stage."""
    (tmp_path / "stage").mkdir(mode=0o700)
    stage = Stage(tmp_path / "stage" / ("a" * 64))
    stage.make()
    return Befores(stage)


@pytest.fixture
def conf(tmp_path):
    """A configuration file as it was before."""
    path = tmp_path / "etc" / "toy.conf"
    path.parent.mkdir()
    path.write_text("before\n")
    path.chmod(0o640)
    return path


def test_bytes_and_rights_come_back_and_the_way_back_is_then_closed(befores, conf):
    befores.take([str(conf)])
    conf.write_text("after\n")
    conf.chmod(0o644)
    befores.settle()
    assert befores.open
    assert befores.put_back() == (str(conf),)
    assert (conf.read_text(), stat.S_IMODE(conf.stat().st_mode)) == ("before\n", 0o640)
    assert befores.put_back() == ()
    befores.close()
    assert not befores.open


def test_what_was_not_there_goes_and_what_went_comes_back(befores, conf):
    new, link = conf.with_name("new.conf"), conf.with_name("link.conf")
    link.symlink_to("toy.conf")
    befores.take([str(conf), str(new), str(link)])
    conf.unlink()
    link.unlink()
    new.write_text("brought in\n")
    conf.with_name("toy.conf.dpkg-dist").write_text("left by dpkg\n")
    befores.settle()
    befores.put_back()
    assert sorted(path.name for path in conf.parent.iterdir()) == ["link.conf", "toy.conf"]
    assert (conf.read_text(), os.readlink(link)) == ("before\n", "toy.conf")


def test_what_somebody_changed_since_is_a_conflict_and_stays(befores, conf):
    other = conf.with_name("other.conf")
    other.write_text("before\n")
    befores.take([str(conf), str(other)])
    conf.write_text("after\n")
    other.write_text("after\n")
    befores.settle()
    conf.write_text("edited by hand\n")
    assert befores.conflicts() == (str(conf),)
    assert befores.put_back() == (str(other),)
    assert conf.read_text() == "edited by hand\n"


def test_what_the_way_back_itself_rewrites_is_no_conflict(befores, conf):
    befores.take([str(conf)])
    conf.write_text("after\n")
    befores.settle()
    befores.put_back()
    conf.write_text("written by a script of the earlier version\n")
    assert befores.conflicts() == ()
    assert befores.put_back() == (str(conf),)
    assert conf.read_text() == "before\n"


def test_a_change_that_was_killed_is_taken_back_to_its_beginning_and_nothing_overwritten_is_lost(befores, conf):
    befores.take([str(conf)])
    conf.write_text("half way\n")
    befores.take([str(conf)])  # the next run, which cannot know what the killed one did
    conf.write_text("somebody was here\n")
    assert befores.put_back() == (str(conf),)
    assert conf.read_text() == "before\n"
    assert (befores.folder / hashlib.sha256(b"somebody was here\n").hexdigest()).exists()


def test_a_second_run_keeps_the_copies_of_what_is_still_as_the_first_left_it(befores, conf):
    other = conf.with_name("other.conf")
    other.write_text("before\n")
    befores.take([str(conf), str(other)])
    conf.write_text("after\n")
    befores.settle()
    other.write_text("edited between the runs\n")
    befores.take([str(conf), str(other)])
    befores.settle()
    befores.put_back()
    assert (conf.read_text(), other.read_text()) == ("before\n", "edited between the runs\n")


def test_the_new_versions_file_gets_the_rights_of_the_hosts_and_the_difference_is_roots_alone(befores, conf):
    befores.take([str(conf)])
    question = Question(str(conf), "toy (all)", "replace", "0" * 64, "1" * 64, Content(b"offered\n", 0o644))
    kept = befores.keep_diff(question)
    befores.replace(question)
    assert (conf.read_text(), stat.S_IMODE(conf.stat().st_mode)) == ("offered\n", 0o640)
    with open(kept) as diff:
        assert diff.read().splitlines()[-2:] == ["-before", "+offered"]
    for path in befores.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(befores.folder.stat().st_mode) == 0o700


def test_nothing_is_put_back_where_nothing_was_copied(befores):
    assert (befores.open, befores.put_back(), befores.conflicts()) == (False, (), ())
