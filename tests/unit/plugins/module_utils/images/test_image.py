# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image sees of files, what differs between two, and how the firewall's text is taken apart."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.images import image, live, territory
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.errors import ImageError

SECTIONS = {"files": {}, "sysctl": {}, "units": {}, "tables": {}, "mounts": {}, "packages": {}}
RULES = """table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
	}
}
table ip nat {
	set allowed {
		type ipv4_addr
		elements = { 192.0.2.1, 192.0.2.2 }
	}
}
"""


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /etc."""
    monkeypatch.setattr(territory, "ROOT", str(tmp_path))
    return tmp_path


def test_every_kind_of_entry_is_seen(etc):
    (etc / "file").write_text("content\n")
    (etc / "file").chmod(0o640)
    (etc / "folder").mkdir(mode=0o750)
    (etc / "link").symlink_to("/nowhere")
    os.mkfifo(etc / "pipe")
    (etc / "holdfast-guard-grd_x.timer").write_text("a guard's own unit")
    mine = [os.getuid(), os.getgid()]
    kept = {}
    found = territory.scan([], [], lambda digest, data: kept.update({digest: data}))
    digest = hashlib.sha256(b"content\n").hexdigest()
    assert kept == {digest: b"content\n"}
    assert found.pop(str(etc))[0] == "d"
    assert found == {
        str(etc / "file"): ["f", 0o640, *mine, digest],
        str(etc / "folder"): ["d", 0o750, *mine, ""],
        str(etc / "link"): ["l", 0, *mine, "/nowhere"],
        str(etc / "pipe"): ["o", (etc / "pipe").stat().st_mode & 0o7777, *mine, ""],
    }


def test_of_some_paths_only_the_mode_is_in_the_image(etc, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "tool").write_text("1")
    (outside / "link").symlink_to("tool")
    before = territory.scan([], [f"{outside}/*"])
    (outside / "tool").write_text("2")
    assert territory.scan([], [f"{outside}/*"]) == before
    (outside / "tool").chmod(0o600)
    assert territory.scan([], [f"{outside}/*"]) != before
    assert str(outside / "link") not in before


def test_a_territory_that_is_none_is_refused(etc, monkeypatch):
    monkeypatch.setattr(territory, "MOST", 5)
    for number in range(6):
        (etc / str(number)).touch()
    with pytest.raises(ImageError, match="declare fewer paths"):
        territory.scan([], [])


def test_a_difference_names_both_sides_and_nothing_else():
    before = {**SECTIONS, "files": {"/etc/a": ["f", 1], "/etc/b": ["f", 2]}, "units": {"x.service": "on"}}
    after = {**SECTIONS, "files": {"/etc/b": ["f", 3], "/etc/c": ["f", 4]}, "packages": {"p:all": "1"}}
    changed = image.difference(before, after)
    assert changed["files"] == {
        "/etc/a": {"before": ["f", 1], "after": None},
        "/etc/b": {"before": ["f", 2], "after": ["f", 3]},
        "/etc/c": {"before": None, "after": ["f", 4]},
    }
    assert image.names(changed) == ["/etc/a", "/etc/b", "/etc/c", "units x.service", "packages p:all"]
    assert image.names(image.difference(after, after)) == []


def test_tables_of_the_firewall_are_told_apart():
    tables = live.split_tables(RULES)
    assert list(tables) == ["inet filter", "ip nat"]
    assert "".join(tables.values()) == RULES


def test_only_settings_that_stand_still_are_read():
    names = live.sysctl()
    assert "net/ipv4/ip_forward" in names
    assert not [name for name in names if "random" in name or name.endswith(("flush", "stable_secret", "fastopen_key"))]
