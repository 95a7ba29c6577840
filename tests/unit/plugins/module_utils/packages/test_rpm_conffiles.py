# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of configuration files, on real files: the decision holds, whatever RPM made of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import rpm_conffiles
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.rpm_conffiles import Asked

HOST, NEW = "the host's\n", "the package's\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / digest(HOST)).write_text(HOST, encoding="utf-8")
    return tmp_path / "x.conf"


def settle(path: Path, decision: str) -> tuple[str, ...]:
    one = Asked(str(path), "x", decision, digest(HOST), digest(NEW))
    return rpm_conffiles.settle((one,), {str(path): path.parent / "copies" / digest(HOST)})


def left(path: Path) -> dict[str, str]:
    return {one.name: one.read_text(encoding="utf-8") for one in path.parent.glob("x.conf*")}


def noreplace(path: Path) -> None:
    """Leave what RPM leaves of %config(noreplace)."""
    path.write_text(HOST, encoding="utf-8")
    Path(f"{path}.rpmnew").write_text(NEW, encoding="utf-8")


def config(path: Path) -> None:
    """Leave what RPM leaves of %config."""
    path.write_text(NEW, encoding="utf-8")
    path.chmod(0o640)
    Path(f"{path}.rpmsave").write_text(HOST, encoding="utf-8")


@pytest.mark.parametrize("rpm", [noreplace, config])
def test_keep_keeps_the_hosts_file_and_lays_the_packages_beside_it(path, rpm):
    rpm(path)
    assert settle(path, "keep") == (str(path),)
    assert left(path) == {"x.conf": HOST, "x.conf.rpmnew": NEW}
    assert settle(path, "keep") == (str(path),), "again, after a run that was killed"
    assert left(path) == {"x.conf": HOST, "x.conf.rpmnew": NEW}


def test_a_file_that_is_put_back_has_the_packages_rights(path):
    config(path)
    settle(path, "keep")
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("rpm", [noreplace, config])
def test_replace_replaces_it_and_saves_the_hosts(path, rpm):
    rpm(path)
    assert settle(path, "replace") == ()
    assert left(path) == {"x.conf": NEW, "x.conf.rpmsave": HOST}


def test_what_was_asked_is_remembered_for_the_next_run(tmp_path):
    asked = (Asked("/etc/x", "x", "keep", digest(HOST), digest(NEW)),)
    assert rpm_conffiles.remembered(tmp_path) == ()
    rpm_conffiles.remember(asked, tmp_path)
    assert rpm_conffiles.remembered(tmp_path) == asked
