# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder, held against its manifest: every difference is named, and nothing is followed that leads elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.content.compare import (
    SHOWN,
    compare,
    listed,
    manifest_of,
    moved,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.content.manifest import Manifest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.content.scope import Scope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import ContentError


@pytest.fixture(name="folder")
def some_content(tmp_path: Path) -> Path:
    """A folder with a playbook, a role, and what is passed over."""
    for name in ("play.yml", "roles/own/tasks/main.yml", "ledger/ledger.sqlite", ".git/config", "play.yml~"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def scope_of(folder: Path, *parts: str) -> Scope:
    return Scope(folder, parts, frozenset({".git", "ledger"}))


def differences(folder: Path, manifest: Manifest, *parts: str) -> list[tuple[str, str]]:
    return [(one.path, one.what) for one in compare(manifest, scope_of(folder, *parts)).differences]


def test_what_is_as_signed_has_no_difference(folder: Path) -> None:
    manifest = manifest_of(scope_of(folder))
    assert sorted(manifest.digests) == ["play.yml", "roles/own/tasks/main.yml"]
    found = compare(manifest, scope_of(folder))
    assert found.differences == []
    assert sorted(found.stamps) == [f"{folder}/play.yml", f"{folder}/roles/own/tasks/main.yml"]


def test_every_difference_is_named(folder: Path) -> None:
    manifest = manifest_of(scope_of(folder))
    (folder / "play.yml").write_text("play.yaml")
    (folder / "roles/own/tasks/main.yml").unlink()
    (folder / "library").mkdir()
    (folder / "library/ping.py").touch()
    assert differences(folder, manifest) == [
        ("library/ping.py", "added"), ("play.yml", "changed"), ("roles/own/tasks/main.yml", "removed"),
    ]  # fmt: skip
    told = str(compare(manifest, scope_of(folder), "site: ").differences[1])
    assert told.startswith("site: play.yml: sha256 ")
    assert f"expected sha256 {manifest.digests['play.yml']}; restore it" in told


def test_only_parts_of_a_folder_are_looked_at_where_there_are_parts(folder: Path) -> None:
    manifest = manifest_of(scope_of(folder, "roles", "missing", "play.yml"))
    (folder / "other.yml").touch()
    assert differences(folder, manifest, "roles", "missing", "play.yml") == []
    (folder / "missing").mkdir()
    (folder / "missing/now.py").touch()
    assert differences(folder, manifest, "roles", "missing", "play.yml") == [("missing/now.py", "added")]


def test_no_link_is_followed(folder: Path) -> None:
    manifest = manifest_of(scope_of(folder))
    data = (folder / "play.yml").read_bytes()
    (folder / "play.yml").unlink()
    (folder / ".git/play.yml").write_bytes(data)
    (folder / "play.yml").symlink_to(".git/play.yml")
    (folder / "more").symlink_to("roles")
    assert differences(folder, manifest) == [("more", "unfit"), ("play.yml", "unfit")]
    with pytest.raises(ContentError, match="a link"):
        manifest_of(scope_of(folder))


def test_nothing_that_could_hang_is_opened(folder: Path) -> None:
    manifest = manifest_of(scope_of(folder))
    os.mkfifo(folder / "pipe")
    assert differences(folder, manifest) == [("pipe", "unfit")]


def test_names_that_no_manifest_holds_are_refused(folder: Path) -> None:
    manifest = manifest_of(scope_of(folder))
    (folder / "a\nb.yml").touch()
    (folder / os.fsdecode(b"\xff.yml")).touch()
    assert [what for _path, what in differences(folder, manifest)] == ["unfit", "unfit"]
    assert all(path.isprintable() for path, _what in differences(folder, manifest))


def test_many_differences_are_counted(folder: Path) -> None:
    for number in range(SHOWN + 5):
        (folder / f"{number:03}.yml").touch()
    found = compare(manifest_of(scope_of(folder, "roles")), scope_of(folder)).differences
    assert len(found) == SHOWN + 6
    assert listed(found).endswith("\n  - and 6 more")
    assert listed(found).count("\n") == SHOWN


def test_a_change_is_seen_though_size_and_time_are_put_back(folder: Path) -> None:
    stamps = compare(manifest_of(scope_of(folder)), scope_of(folder)).stamps
    assert moved(stamps) == []
    path = folder / "play.yml"
    about = path.stat()
    path.write_text("play.yaX")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    (folder / "roles/own/tasks/main.yml").unlink()
    assert sorted(moved(stamps)) == [str(path), f"{folder}/roles/own/tasks/main.yml"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("play.yml", "play.yml"), ("roles/x/y.yml", "roles/x/y.yml"), ("ledger/x", None), (".git/hooks/x", None),
        ("play.yml~", None), ("library/__pycache__/x.pyc", None), ("../x", None),
    ],
)  # fmt: skip
def test_a_scope_names_what_it_looks_at(folder: Path, name: str, expected: str | None) -> None:
    assert scope_of(folder).names(folder / name if name != "../x" else folder.parent / "x") == expected
