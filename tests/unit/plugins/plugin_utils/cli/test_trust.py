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


KEY = "A" * 43 + "="


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init", "--principal", f"ann=boss={KEY}"], "roles are requester, approver"),
        (["init", "--principal", "ann=root"], "write NAME=ROLE"),
        (["init", "--principal", f"ann=root,root={KEY}"], "write NAME=ROLE"),
        (["init", "--principal", f"Ann=root={KEY}"], "'Ann' is no name"),
        (["init", "--principal", "ann=root=nowhere.pub"], "'nowhere.pub' is no file and no public key"),
        (["init", "--principal", f"ann=root={KEY}", "--root-threshold", "-1"], "is no whole number"),
        (["init", "--principal", f"ann=root={KEY}"], "trust.yml: exists already; a site has one first version"),
        (["rotate"], "nothing was asked for"),
        (["rotate", "--key", f"nobody={KEY}"], "nobody of that name is in trust.yml"),
        (["rotate", "--principal", f"controller=approver={KEY}"], "controller: is implementer in trust.yml"),
        (["rotate", "--root-threshold", "1"], "trust.yml says this already"),
        (["revoke", "nobody", "--reason", "lost"], "no principal and no key of that name"),
        (["revoke", "controller"], "why? add --reason"),
        (["revoke", "controller", "--reason", "stolen"], "add --distrust-from INDEX"),
        (["sign", "nowhere"], "nowhere: No such file or directory; expected what `holdfast trust propose` wrote"),
        (["publish", "nowhere"], "expected what `holdfast trust sign` wrote"),
    ],
)
def test_words_that_make_no_sense_change_nothing(
    site: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    before = (site / "trust.yml").read_bytes()
    if words[0] == "publish":
        edit(site, "version: 1", "version: 2")
        before = (site / "trust.yml").read_bytes()
    where = [] if words[0] == "sign" else ["--site", str(site)]
    try:
        code = main(["trust", *words, *where])
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    assert said in capsys.readouterr().err
    assert (site / "trust.yml").read_bytes() == before
    assert size(site) == 1


@pytest.mark.parametrize(("who", "role"), [("root", "root"), ("log", "log")])
def test_last_key_of_root_and_log_is_not_revoked(
    site: Path, capsys: pytest.CaptureFixture[str], who: str, role: str
) -> None:
    assert main(["trust", "revoke", who, "--reason", "lost", "--site", str(site)]) == 3
    assert f"nobody is {role}; without one no version can be published" in capsys.readouterr().err


def test_what_follows_is_said_before_it_is_written(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (site / "trust.yml").read_bytes()
    words = ["trust", "revoke", "requester", "--reason", "left", "--dry-run", "--site", str(site)]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "requester's key" in said
    assert "is revoked from entry 1 (left)" in said
    assert "nobody is requester any more" in said
    assert "caution: root_threshold: 1 of 1 root principals must sign" in said
    assert (site / "trust.yml").read_bytes() == before


def test_change_of_one_person_shop_is_published_with_its_own_root_key(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demonstration's way: one root key on the machine, no proposal."""
    heading = (site / "trust.yml").read_text().splitlines()[1]
    assert main(["key", "new", "--plain", str(tmp_path / "ana.pem"), "--public-only"]) == 0
    public = capsys.readouterr().out.strip()
    assert main(["trust", "rotate", "--principal", f"ana=approver={public}", "--site", str(site)]) == 0
    assert "next: holdfast trust publish" in capsys.readouterr().err
    assert main(["trust", "publish", "--site", str(site)]) == 0
    assert (site / "trust.yml").read_text().splitlines()[1] == heading
    assert main(["audit", "--site", str(site)]) == 0
    assert size(site) == 2
