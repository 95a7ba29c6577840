# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module package_stage with files that came by another way: what it accepts and what it refuses."""

from __future__ import annotations

import hashlib
import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.holdfast.hipaa.plugins.modules import package_stage

DIGEST = "c" * 64


def deb(version):
    """A file of the plan: its content, and what the plan says of it."""
    content = f"toy {version}".encode()
    said = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "file": f"toy_{version}_all.deb"}
    return content, said


NEW, OLD = deb("1.1"), deb("1.0")
LINE = {"name": "toy", "arch": "all", "from": "1.0", "to": "1.1", **NEW[1], "rollback": {"version": "1.0", **OLD[1]}}


@pytest.fixture
def folder(tmp_path):
    """A stage that holds both files already."""
    path = tmp_path / "stage" / DIGEST
    path.parent.mkdir(mode=0o700)
    path.mkdir(mode=0o700)
    for content, said in (NEW, OLD):
        (path / said["file"]).write_bytes(content)
    return path


@pytest.fixture
def run(capsys, folder):
    """Run the module with a plan of one line; return its result."""

    def call(**arguments):
        arguments = {"packages": [LINE], "plan_digest": DIGEST, "stage_dir": str(folder), **arguments}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            package_stage.main()
        return json.loads(capsys.readouterr().out)

    return call


def test_files_that_are_there_and_right_are_left_alone(run, folder):
    said = run()
    assert (said["changed"], said["fetched"], said["stage_dir"]) == (False, [], str(folder))
    assert [one["file"] for one in said["staged"]] == ["toy_1.1_all.deb", "toy_1.0_all.deb"]
    assert said["bytes"] == len(NEW[0]) + len(OLD[0])


def test_a_missing_way_back_is_named_in_check_mode_and_nothing_is_made(run, folder):
    (folder / OLD[1]["file"]).unlink()
    said = run(_ansible_check_mode=True)
    assert (said["changed"], said["fetched"]) == (True, ["toy_1.0_all.deb"])
    assert [path.name for path in folder.iterdir()] == ["toy_1.1_all.deb"]


@pytest.mark.parametrize("which", [NEW, OLD])
def test_a_flipped_byte_is_refused_by_line_forward_and_back(run, folder, which):
    content, planned = which
    (folder / planned["file"]).write_bytes(b"T" + content[1:])
    said = run()
    assert said["failed"]
    (refusal,) = said["refused"]
    assert (refusal["package"], refusal["expected"]) == ("toy (all)", planned["sha256"])
    assert hashlib.sha256(b"T" + content[1:]).hexdigest() in refusal["found"]


def test_a_plan_is_named_by_a_digest_and_nothing_else(run):
    assert "64 lower-case hex digits" in run(plan_digest="../../etc")["msg"]


def test_a_line_out_of_order_is_refused_before_the_stage_is_looked_at(run, folder):
    folder.chmod(0o777)
    assert run(packages=[{**LINE, "file": "../x.deb"}])["refused"][0]["package"] == "toy (all)"


def test_the_lines_of_package_state_are_accepted_as_they_are(run):
    more = {"path": "pool/x", "origin": "Debian", "suite": "stable", "codename": "bookworm", "security": True}
    assert "failed" not in run(packages=[{**LINE, **more, "source": "toy", "source_version": "1.1", "cves": []}])
