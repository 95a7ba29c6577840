# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast init` lays out a site that is sound, whose secrets only its owner reads, and never writes over anything."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT, utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import load_site

ROLES = {"root": "root", "requester": "requester", "controller": "implementer", "scanner": "verifier", "log": "log"}


def person(folder: Path, name: str) -> str:
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    return f"--approver={name}={key}.pub"


def test_a_new_site_is_sound_and_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "clinic")]) == 0
    said = capsys.readouterr().out
    assert [line[:4] for line in said.splitlines()] == ["Site", "  1.", "  2.", "  3."]
    site = load_site(tmp_path / "clinic", PRODUCT)
    assert (site.name, site.org, site.assets) == ("clinic", "org-clinic", ())
    assert main(["check", "--site", str(tmp_path / "clinic")]) == 0


def test_a_new_site_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "clinic"), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["site"], said["org"], said["root"]) == ("clinic", "org-clinic", str(tmp_path / "clinic"))
    assert all(Path(path).is_file() for path in [said["ledger"], *said["keys"].values()])


def test_five_keys_are_made_that_only_their_owner_reads(tmp_path: Path) -> None:
    main(["init", str(tmp_path / "clinic")])
    site = load_site(tmp_path / "clinic", PRODUCT)
    assert (tmp_path / "clinic/keys").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in site.key_paths.values()} == {0o600}
    assert len({path.read_bytes() for path in site.key_paths.values()}) == 5


def test_the_first_record_is_the_trust_document(tmp_path: Path) -> None:
    main(["init", str(tmp_path / "clinic"), person(tmp_path, "compliance")])
    ledger = Ledger(tmp_path / "clinic/ledger/ledger.sqlite")
    trust = trust_in_force(ledger)
    assert {one.id: one.roles for one in trust.principals} == {
        **{name: (role,) for name, role in ROLES.items()},
        "compliance": ("approver",),
    }
    assert ledger.size == 1
    report = audit(tmp_path / "clinic/ledger/ledger.sqlite", now=utc_now())
    assert report.ok, report.findings


def test_a_first_host_stands_in_the_register(tmp_path: Path) -> None:
    words = ["--host", "billing-1.example.org", "--owner", "revenue cycle", "--user", "admin", "--port", "2222"]
    assert main(["init", str(tmp_path / "clinic"), *words]) == 0
    (asset,) = load_site(tmp_path / "clinic", PRODUCT).assets
    assert (asset.id, asset.owner, asset.address) == ("billing-1", "revenue cycle", "billing-1.example.org")
    assert asset.vars == {"ansible_user": "admin", "ansible_port": 2222}
    assert (asset.data_class, asset.tier) == ("ephi", 1), "what nobody said is assumed to be the worst"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.7", "host-192-0-2-7"),
        ("2001:db8::7", "host-2001-db8-7"),
        ("DB-1.example.org", "db-1"),
        ("7up", "host-7up"),
        ("dead", "dead"),
    ],
)
def test_a_host_is_named_after_its_address(address: str, name: str, tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "clinic"), "--host", address, "--owner", "ops"]) == 0
    assert [asset.id for asset in load_site(tmp_path / "clinic", PRODUCT).assets] == [name]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "192.0.2.7"], "add --owner NAME"),
        (["--host", "a b", "--owner", "ops"], 'assets[0].address: the text "a b"'),
        (["--host", "192.0.2.7", "--owner", "x: y"], 'assets[0].owner: the text "x: y"'),
        (["--host", "192.0.2.7", "--owner", "ops", "--ring", "moon"], 'the unknown ring "moon"'),
    ],
)
def test_a_mistake_in_the_hosts_words_leaves_nothing_half_done(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "clinic"), *words]) == 2
    assert said in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_holds_anything_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["init", str(tmp_path), "--name", "clinic"]) == 2
    assert "holds notes.txt; expected a new or empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_place_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "/proc/clinic"]) == 2
    assert "/proc/clinic: No such file or directory; expected a folder this user can write" in capsys.readouterr().err


def test_a_new_git_repository_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert main(["init", str(tmp_path), "--name", "clinic"]) == 0


def test_two_names_for_one_key_are_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = person(tmp_path, "ana")
    assert main(["init", str(tmp_path / "clinic"), first, first.replace("--approver=ana", "--approver=ben")]) == 2
    assert "one key, one person, one name" in capsys.readouterr().err
    assert not (tmp_path / "clinic").exists()


def test_keys_only_fills_a_site_that_has_none_and_refuses_one_that_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "clinic"
    site.mkdir()
    (site / "site.yml").write_text("name: clinic\norg: org-clinic\n")
    (site / "holdfast.yml").write_text("plugin: holdfast.hipaa.register\nassets: []\n")
    (site / "keys").mkdir(mode=0o700)
    assert main(["init", str(site), "--keys-only", person(site / "keys", "ana")]) == 0
    assert main(["check", "--site", str(site)]) == 0
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert main(["init", str(site), "--keys-only"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not (PRODUCT / "inventories").is_dir(), reason="only a checkout has the demonstration site")
def test_the_demonstration_site_has_the_settings_of_a_new_site(tmp_path: Path) -> None:
    main(["init", str(tmp_path / "clinic")])
    new = (tmp_path / "clinic/ansible.cfg").read_text()
    demo = (PRODUCT / "inventories/demo/ansible.cfg").read_text()
    assert demo.replace("collections_path = ../../collections\n", "") == new
