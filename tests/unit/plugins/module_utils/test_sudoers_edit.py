# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of sudo's files are rewritten and how; sudo's own reader says what each line gives."""

from __future__ import annotations

import shutil

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils import sudoers_edit
from ansible_collections.holdfast.hipaa.plugins.module_utils.sudoers_edit import EditError, Wanted

NOTHING = Wanted(None, None, ())
STRICT = Wanted(("deploy",), ("root", "%sudo"), ("use_pty", "authenticate"))

needs_sudo = pytest.mark.skipif(not shutil.which("cvtsudoers"), reason="no cvtsudoers here; install sudo")


@pytest.fixture
def laid_out(tmp_path):
    """A main file that includes a folder, and a function that writes files into it and returns what would change."""
    folder = tmp_path / "sudoers.d"
    folder.mkdir()
    main = tmp_path / "sudoers"
    main.write_text(
        f"# rules\nDefaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir {folder}\n"
    )

    def planned(wanted, **files):
        for name, text in files.items():
            (folder / name.replace("_", "-")).write_text(text)
        found = sudoers_edit.plan(wanted, str(main))
        return {path.rpartition("/")[2]: text for path, text in found.items()}

    return planned


@needs_sudo
@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("carl ALL=(ALL) ALL\n", ""),
        ("carl, root ALL=(ALL) ALL\n", "root ALL=(ALL) ALL\n"),
        ("root , carl,%sudo ALL=(ALL) ALL\n", "root, %sudo ALL=(ALL) ALL\n"),
        ("carl ALL=(postgres) ALL\n", "carl ALL=(postgres) ALL\n"),
        ("carl ALL=(root) NOPASSWD: /usr/bin/id\n", "carl ALL=(root) /usr/bin/id\n"),
        ("deploy ALL=(root) NOPASSWD: /usr/bin/id\n", "deploy ALL=(root) NOPASSWD: /usr/bin/id\n"),
        ("%sudo ALL=(ALL) NOPASSWD: ALL\n", "%sudo ALL=(ALL) ALL\n"),
        (
            "carl ALL=(root) NOPASSWD: /usr/bin/id, \\\n  /usr/bin/true\n",
            "carl ALL=(root) /usr/bin/id, \\\n  /usr/bin/true\n",
        ),
        ("Defaults:carl !use_pty\n", ""),
        ("Defaults:carl !use_pty, insults\n", "Defaults:carl insults\n"),
        ("Defaults !use_pty\n", "Defaults !use_pty\n"),
        ("# carl ALL=(ALL) ALL\n", "# carl ALL=(ALL) ALL\n"),
    ],
)
def test_a_line_loses_what_it_gives_too_much_and_nothing_else(laid_out, line, left):
    text = f"# above\n{line}# below\n"
    assert laid_out(STRICT, site=text).get("site", text) == f"# above\n{left}# below\n"


@needs_sudo
def test_an_alias_with_a_stranger_goes_as_a_whole_wherever_it_is_defined(laid_out):
    found = laid_out(STRICT, a="User_Alias OPS = root, carl\n", b="OPS, root ALL=(ALL) ALL\n")
    assert found == {"b": "root ALL=(ALL) ALL\n"}


@needs_sudo
def test_a_setting_after_ours_is_taken_out_and_one_before_it_stays(laid_out):
    found = laid_out(STRICT, a="Defaults !use_pty\n", zz_holdfast="Defaults use_pty\n", zzz="Defaults !use_pty\n")
    assert found == {"zzz": ""}


@needs_sudo
def test_time_boxed_grants_are_left_to_their_timer(laid_out):
    assert laid_out(STRICT, holdfast_elevated_1="carl ALL=(ALL:ALL) ALL\n") == {}


@needs_sudo
def test_null_leaves_everything_alone(laid_out):
    assert laid_out(NOTHING, site="carl ALL=(ALL) NOPASSWD: ALL\nDefaults:carl !use_pty\n") == {}


@needs_sudo
def test_a_line_that_sudo_cannot_read_is_an_error_that_names_it(laid_out):
    with pytest.raises(EditError, match="carl ALL"):
        laid_out(STRICT, site="carl ALL ALL ALL =\n")


def test_files_are_read_as_sudo_does(tmp_path):
    (tmp_path / "d").mkdir()
    for name in ("b", "a", "c.conf", "d~"):
        (tmp_path / "d" / name).touch()
    (tmp_path / "main").write_text(f"#includedir {tmp_path}/d\n@include {tmp_path}/more\n")
    found = [path.replace(str(tmp_path), "") for path in sudoers_edit.files(str(tmp_path / "main"))]
    assert found == ["/main", "/d/a", "/d/b", "/more"]
