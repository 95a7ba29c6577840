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
    assert main(["key", "new", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    said = capsys.readouterr().out
    assert "PRIVATE" not in said
    first = path.read_bytes()
    assert main(["key", "new", str(path)]) == 2
    assert "a key is never overwritten" in capsys.readouterr().err
    assert path.read_bytes() == first


def test_public_half_is_the_same_from_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    assert main(["key", "new", str(path), "--format", "json"]) == 0
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
    assert main(["key", "new", str(tmp_path / "file" / "key.pem")]) == 2
