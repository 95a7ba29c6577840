# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast key`: one key, the same id and line whichever file it is read from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main


def test_new_key_is_private_and_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys" / "root.pem"
    assert main(["key", "new", str(path), "--plain"]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    said = capsys.readouterr().out
    assert "PRIVATE" not in said
    first = path.read_bytes()
    assert main(["key", "new", str(path), "--plain"]) == 2
    assert "a key is never overwritten" in capsys.readouterr().err
    assert path.read_bytes() == first


def test_public_half_is_the_same_from_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    assert main(["key", "new", str(path), "--plain", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)
    subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", tmp_path / "key.pub.pem"], check=True)
    for name in (path, tmp_path / "key.pub.pem"):
        assert main(["key", "show", str(name), "--format", "json"]) == 0
        assert {**json.loads(capsys.readouterr().out), "path": None} == {**made, "path": None}
    assert main(["key", "show", str(path), "--public-only"]) == 0
    assert capsys.readouterr().out == made["public"] + "\n"


def test_ssh_key_is_shown_as_trust_wants_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    line = " ".join((tmp_path / "id.pub").read_text().split()[:2])
    for name in ("id", "id.pub"):
        assert main(["key", "show", str(tmp_path / name)]) == 0
        assert f'- {{type: ssh-ed25519, public: "{line}"}}' in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "none of these", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "file").write_text(text)
    assert main(["key", "show", str(tmp_path / "file")]) == 3
    assert str(tmp_path / "file") in capsys.readouterr().err
    assert main(["key", "show", str(tmp_path / "absent")]) == 3
    assert main(["key", "new", str(tmp_path / "file" / "key.pem"), "--plain"]) == 2


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384"])
def test_other_kinds_are_what_openssl_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    path = tmp_path / "key.pem"
    assert main(["key", "new", str(path), "--type", kind, "--plain", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["keytype"] == kind
    shown = subprocess.run(
        ["openssl", "pkey", "-in", path, "-noout", "-text"], capture_output=True, check=True, text=True
    )
    assert {"ecdsa-p256": "P-256", "ecdsa-p384": "P-384"}[kind] in shown.stdout
    with pytest.raises(SystemExit, match="2"):
        main(["key", "new", str(path), "--type", "rsa", "--plain"])


def secret(path: Path, text: str) -> str:
    """Write a passphrase where only its owner reads it, and return the path."""
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def test_passphrase_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    words = secret(tmp_path / "words", "canary words\n")
    assert main(["key", "new", str(path), "--passphrase-file", words, "--format", "json"]) == 0
    told = capsys.readouterr()
    assert "WARNING" not in told.err
    made = json.loads(told.out)
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()
    assert b"BEGIN PRIVATE KEY" not in path.read_bytes()
    assert main(["key", "show", str(path), "--format", "json"]) == 0  # without the passphrase
    assert json.loads(capsys.readouterr().out) == made
    openssl = ["openssl", "pkey", "-in", path, "-passin", f"file:{words}", "-noout"]
    subprocess.run(openssl, check=True, capture_output=True)
    assert (
        main(["key", "new", str(tmp_path / "b"), "--passphrase-file", secret(tmp_path / "short", "elevenchars")]) == 2
    )
    assert "expected 12 or more" in capsys.readouterr().err
    (tmp_path / "words").chmod(0o644)
    assert main(["key", "new", str(tmp_path / "b"), "--passphrase-file", words]) == 3
    said = capsys.readouterr().err
    assert "mode 0644 lets others read the passphrase" in said
    assert "canary" not in said
    assert not (tmp_path / "b").exists()


def test_plain_key_is_warned_of_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", str(tmp_path / "key.pem"), "--plain"]) == 0
    told = capsys.readouterr()
    assert "WARNING: NOT ENCRYPTED" in told.err
    assert "WARNING" not in told.out
    assert main(["init", str(tmp_path / "clinic")]) == 0
    assert "WARNING: NOT ENCRYPTED" in capsys.readouterr().err


def test_dry_run_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", str(tmp_path / "deep/key.pem"), "--dry-run"]) == 0
    assert "would be made: ed25519, mode 0600, encrypted with the passphrase" in capsys.readouterr().err
    assert not (tmp_path / "deep").exists()
    (tmp_path / "there").write_text("x")
    assert main(["key", "new", str(tmp_path / "there"), "--dry-run"]) == 2


def test_what_others_keep_is_made_with_their_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text, tool in (
        ("pkcs11:token=a;object=b?module-path=/lib.so", "pkcs11-tool --login --keypairgen"),
        ("vault://localhost/transit/b?token-file=t", "vault write -f transit/keys/"),
        ("awskms:alias/b", "the cloud's own tool"),
    ):
        assert main(["key", "new", text, "--plain"]) == 2
        assert tool in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["key", "show", "pkcs11:token=a;object=b?module-path=/lib.so&pin-value=canary"])
    said = capsys.readouterr().err
    assert "a secret in the parameter pin-value" in said
    assert "canary" not in said


def test_keys_of_a_site_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "clinic"
    assert main(["init", str(site)]) == 0
    (site / "keys/root.pem").unlink()
    capsys.readouterr()
    assert main(["key", "list", "--site", str(site), "--format", "json"]) == 0
    listed = {one["role"]: one for one in json.loads(capsys.readouterr().out)}
    assert {role: one["kept"] for role, one in listed.items()} == {
        "requester": "plain", "implementer": "plain", "verifier": "plain", "log": "plain", "root": "not here",
    }  # fmt: skip
    assert {role: one["principal"] for role, one in listed.items() if role != "root"} == {
        "requester": "requester", "implementer": "controller", "verifier": "scanner", "log": "log",
    }  # fmt: skip
    assert main(["key", "list", "--site", str(site)]) == 0
    assert "SIGNS AS" in capsys.readouterr().out


def test_list_says_which_keys_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "clinic"
    assert main(["init", str(site)]) == 0
    (site / "keys/log.pem").chmod(0o640)
    (site / "keys/verifier.pem").unlink()
    assert main(["key", "new", str(site / "keys/verifier.pem"), "--plain"]) == 0
    (site / "keys/requester.pem").write_bytes((site / "keys/controller.pem").read_bytes())
    capsys.readouterr()
    assert main(["key", "list", "--site", str(site)]) == 1
    said = capsys.readouterr().err
    assert "log.pem: mode 0640 lets others read the private key; run: chmod 600" in said
    assert "verifier: nobody in trust.yml holds key" in said
    assert "requester: controller is implementer, not requester" in said


def test_list_judges_a_file_it_need_not_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "clinic"
    assert main(["init", str(site)]) == 0
    (site / "keys/root.pem").unlink()
    words = secret(tmp_path / "words", "canary words of mine")
    assert main(["key", "new", str(site / "keys/root.pem"), "--passphrase-file", words]) == 0
    (site / "keys/root.pem").chmod(0o640)
    capsys.readouterr()
    assert main(["key", "list", "--site", str(site)]) == 1
    assert "root.pem: mode 0640 lets others read the private key" in capsys.readouterr().err
