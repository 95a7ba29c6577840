# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller reads a ledger once: later runs, and this process's forks, take up what was kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge import rereading
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_ledger, open_recorder, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.rereading import keep, read_again, shelf_path
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.signing import site_signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.shelf import Kept
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger


@pytest.fixture
def kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A site whose ledger was read and kept, and a process that has forgotten it."""
    monkeypatch.setattr(rereading, "WORTH", 1)
    site = open_site(root)
    ledger = open_ledger(site)
    keep(read_again(ledger, root), ledger, root, site_signer(site, "log"))
    rereading._read.clear()
    return site


def shelved(site: Any) -> bool:
    rereading._read.clear()
    return all(isinstance(one, Kept) for one in read_again(open_ledger(site), site.root).records)


def test_the_next_process_takes_up_what_was_kept(kept: Any) -> None:
    ledger = open_ledger(kept)
    reading = read_again(ledger, kept.root)
    assert reading.size == reading.shelved == ledger.size
    assert shelved(kept)
    assert open_recorder(kept).trust == reading.trust


def test_only_its_owner_can_have_written_it(kept: Any) -> None:
    path = shelf_path(kept.root, open_ledger(kept))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir() if "shelf" in one.name] == [path.name], "nothing half written"
    path.chmod(0o620)
    assert not shelved(kept)
    path.chmod(0o600)
    assert shelved(kept)
    os.chown(path, 65534, -1) if os.getuid() == 0 else path.unlink()
    assert not shelved(kept)


def test_little_that_is_new_is_not_kept(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shelf_path(kept.root, open_ledger(kept))
    before = path.stat().st_mtime_ns
    ledger = open_ledger(kept)
    monkeypatch.setattr(rereading, "WORTH", ledger.size + 1)
    keep(read_again(ledger, kept.root), ledger, kept.root, site_signer(kept, "log"))
    assert path.stat().st_mtime_ns == before


def test_a_shelf_that_cannot_be_written_stops_nobody(kept: Any) -> None:
    path = shelf_path(kept.root, open_ledger(kept))
    path.unlink()
    path.mkdir()
    ledger = open_ledger(kept)
    keep(read_again(ledger, kept.root), ledger, kept.root, site_signer(kept, "log"))
    assert not shelved(kept)


def test_a_process_reads_once(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_again(open_ledger(kept), kept.root)
    monkeypatch.setattr(Ledger, "entries", lambda *_unused: pytest.fail("it was read before"))
    assert read_again(open_ledger(kept), kept.root) is first


def test_the_shelf_of_a_ledger_on_a_server_lies_in_the_site(tmp_path: Path) -> None:
    ledger = Ledger("postgresql://ledger@localhost/ledger")
    assert shelf_path(tmp_path, ledger) == tmp_path / "ledger" / "server.shelf"
