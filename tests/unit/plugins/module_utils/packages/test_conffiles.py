# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every question dpkg would ask is found beforehand, in a real package file, and answered or refused by path."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import promised
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.conffiles import (
    Conffile,
    of_ucf,
    questions,
    read_decisions,
    read_field,
)
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lines import Deb, Line
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.moves import Move
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.stagedir import Stage

from tests.integration.toys import Toy

RECORD = """\
Package: toy
Status: install ok installed
Conffiles:
 /etc/toy.conf 0cc175b9c0f1b6a831c399e269772661
 /etc/with blank 92eb5ffee6ae2fec3ad71c777531578f obsolete
 /etc/torn newconffile
Description: toy
"""


def md5(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def ask(tmp_path):
    """Ask about one file, whose content the package brought, the host has, and the new version offers."""

    def call(brought, now, offered, decisions=None):
        path = tmp_path / "toy.conf"
        path.unlink(missing_ok=True)
        if now is not None:
            path.write_text(now)
        (tmp_path / "stage").mkdir(mode=0o700, exist_ok=True)
        built = Toy("toy", "1.1", conffiles={str(path): offered}).build(tmp_path / "stage")
        deb = Deb("toy", "all", "1.1", "0" * 64, 1, built.name)
        moves = (Move(Line("toy", "all", "1.0", deb, None), deb, "1.0"),)
        known = {} if brought is None else {("toy", "all"): (Conffile(str(path), md5(brought), False),)}
        coming = promised.read(moves, Stage(tmp_path / "stage"))
        named = None if decisions is None else {str(path): decisions} if decisions else {}
        return questions(moves, known, coming, named)

    return call


def test_dpkgs_record_is_read_with_blanks_flags_and_unfinished_files():
    assert read_field(RECORD) == (
        Conffile("/etc/toy.conf", "0cc175b9c0f1b6a831c399e269772661", False),
        Conffile("/etc/with blank", "92eb5ffee6ae2fec3ad71c777531578f", True),
        Conffile("/etc/torn", None, False),
    )


def test_ucfs_files_are_those_registered_for_the_packages(tmp_path):
    registry = tmp_path / "registry"
    registry.write_text("postgresql-common \t /etc/postgresql-common/createcluster.conf\nother \t /etc/other\n")
    assert of_ucf({"postgresql-common"}, registry) == ("/etc/postgresql-common/createcluster.conf",)
    assert of_ucf({"postgresql-common"}, tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("brought", "now", "offered"),
    [
        ("first\n", "first\n", "second\n"),  # only the package changed it
        ("first\n", "ours\n", "first\n"),  # only the host changed it
        ("first\n", "second\n", "second\n"),  # both, and to the same
        ("first\n", None, "first\n"),  # deleted, and the package has nothing new
        (None, None, "second\n"),  # new with this version
    ],
)
def test_dpkg_has_no_question_unless_both_sides_changed_a_file(ask, brought, now, offered):
    assert ask(brought, now, offered, decisions="") == ((), ())


@pytest.mark.parametrize("decision", ["keep", "replace"])
@pytest.mark.parametrize(("brought", "now"), [("first\n", "ours\n"), ("first\n", None), (None, "ours\n")])
def test_a_question_has_the_answer_that_was_decided(ask, brought, now, decision):
    (question,), refused = ask(brought, now, "second\n", decision)
    assert refused == ()
    assert question.decision == decision
    assert question.offered == hashlib.sha256(b"second\n").hexdigest()
    assert question.found == (None if now is None else hashlib.sha256(now.encode()).hexdigest())
    assert (question.content.data, question.content.mode) == (b"second\n", 0o644)


def test_without_any_decisions_every_file_is_kept(ask):
    (question,), refused = ask("first\n", "ours\n", "second\n")
    assert (question.decision, refused) == ("keep", ())


def test_a_question_nobody_decided_and_one_that_stops_are_refused_by_path(ask, tmp_path):
    for decision, said in (("", "no change the plan does not name"), ("stop", "policy says stop")):
        found, (refusal,) = ask("first\n", "ours\n", "second\n", decision)
        assert (found, refusal.package) == ((), f"toy (all) {tmp_path}/toy.conf")
        assert said in str(refusal)


def test_a_file_no_package_had_when_the_plan_was_made_is_kept_and_said(ask):
    (question,), refused = ask(None, "ours\n", "second\n", "")
    assert (question.decision, refused) == ("keep", ())


def test_decisions_out_of_order_are_refused():
    assert read_decisions(None) is None
    good = {"path": "/etc/a", "decision": "keep"}
    assert read_decisions([good]) == {"/etc/a": "keep"}
    with pytest.raises(PackageError, match="etc/a: found no absolute path"):
        read_decisions([{**good, "path": "etc/a"}])
    with pytest.raises(PackageError, match="/etc/a: found keep and stop"):
        read_decisions([good, {**good, "decision": "stop"}])
