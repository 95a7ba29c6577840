# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast trust`: who may sign what, published by the root and by nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A new site, whose trust document is version 1."""
    assert main(["init", str(tmp_path / "clinic")]) == 0
    capsys.readouterr()
    return tmp_path / "clinic"


def edit(site: Path, old: str, new: str) -> None:
    """Change trust.yml."""
    path = site / "trust.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def size(site: Path) -> int:
    """The number of records."""
    return Ledger(site / "ledger/ledger.sqlite").size


def test_first_version_makes_the_ledger(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = site / "ledger/ledger.sqlite"
    ledger.unlink()
    assert main(["trust", "publish", "--dry-run", "--site", str(site)]) == 0
    assert "would be published after making" in capsys.readouterr().err
    assert not ledger.exists()
    assert main(["trust", "publish", "--site", str(site)]) == 0
    assert size(site) == 1
    assert main(["audit", "--site", str(site)]) == 0


def test_publishing_twice_records_once(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "publish", "--site", str(site)]) == 0
    assert "version 1 is in force already; nothing to publish" in capsys.readouterr().err
    assert size(site) == 1


def test_next_version(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(site, "[requester]", "[requester, approver]")
    assert main(["trust", "publish", "--site", str(site)]) == 3
    assert "write `version: 2`" in capsys.readouterr().err
    edit(site, "version: 1", "version: 2")
    assert main(["trust", "publish", "--dry-run", "--site", str(site)]) == 0
    assert size(site) == 1
    assert main(["trust", "publish", "--site", str(site)]) == 0
    capsys.readouterr()
    assert main(["trust", "show", "--site", str(site), "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["trust"]["version"] == 2
    assert main(["trust", "show", "--site", str(site)]) == 0
    assert "requester, approver" in capsys.readouterr().out
    assert main(["audit", "--site", str(site)]) == 0


def test_only_the_root_before_publishes(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(site, "version: 1", "version: 2")
    edit(site, "[requester]", "[requester, approver]")
    (site / "keys/root.pem").unlink()
    assert main(["key", "new", str(site / "keys/root.pem"), "--plain"]) == 0
    assert main(["trust", "publish", "--site", str(site)]) == 3
    assert "nobody in version 1 holds key" in capsys.readouterr().err
    assert size(site) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("[log]", "[verifier]", "nobody with the role log"), ("root_threshold: 1", "root_threshold: 3", "root_threshold")],
)
def test_bad_file_is_refused_before_anything(
    site: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    (site / "ledger/ledger.sqlite").unlink()
    edit(site, old, new)
    assert main(["trust", "publish", "--site", str(site)]) == 2
    assert said in capsys.readouterr().err
    assert not (site / "ledger/ledger.sqlite").exists()


def test_key_that_others_read_publishes_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "ledger/ledger.sqlite").unlink()
    (site / "keys/root.pem").chmod(0o644)
    assert main(["trust", "publish", "--site", str(site)]) == 3
    assert "run: chmod 600" in capsys.readouterr().err
    assert not (site / "ledger/ledger.sqlite").exists()


def test_site_without_a_ledger_says_what_to_do(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "ledger/ledger.sqlite").unlink()
    assert main(["trust", "show", "--site", str(site)]) == 3
    assert "make it with `holdfast trust publish`" in capsys.readouterr().err
