# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verifier as a program of its own, and archives that are hostile or damaged."""

from __future__ import annotations

import ast
import hashlib
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.bundling import VERIFIER, packed
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.verifier import verify
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.kinds import KINDS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.statements import SIGNED_BY

from tests.bundles import (
    Files,
    Told,
    flipped,
)


def test_verifier_knows_the_product_and_needs_nothing_of_it() -> None:
    assert {step: set(roles) for step, roles in SIGNED_BY.items()}.items() <= verify.ROLES.items()
    assert set(verify.KINDS) == set(KINDS)
    source = VERIFIER.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules.add(str(node.module).split(".")[0])
    assert modules <= {*sys.stdlib_module_names, "cryptography"}


def run(path: Path, *words: str) -> tuple[int, str]:
    """Run the verifier as its reader does, isolated from the product."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(path), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_verifier_runs_alone(told: Told, whole: Files, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(packed(whole))
    code, said = run(path)
    assert code == 0
    assert "not checked: who the root is" in said
    assert "not checked: whether others saw this log" in said
    genesis = verify.Bundle(whole, None, []).versions[0].sha256
    code, said = run(path, "--genesis", genesis, "--witness", told.witness)
    assert (code, "who the root is" in said, "others saw" in said) == (0, False, False)
    assert said.splitlines()[-1].endswith(hashlib.sha256(whole["SHA256SUMS"]).hexdigest())
    assert run(path, "--genesis", "0" * 64)[0] == 1
    assert whole["verify.py"] == VERIFIER.read_bytes()


def test_every_file_is_in_the_sums(whole: Files, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    for name, data in whole.items():
        for changed in ({name: flipped(data, len(data) // 2)}, {f"{name}.txt".replace("/", "_"): data}):
            path.write_bytes(packed({**whole, **changed}))
            with pytest.raises(ValueError, match=r"SHA256SUMS does not say|no place in a bundle|codec"):
                verify.read(str(path))
        path.write_bytes(packed({other: whole[other] for other in whole if other != name}))
        with pytest.raises((ValueError, KeyError)):
            verify.read(str(path))
    path.write_bytes(packed(whole))
    assert verify.read(str(path)) == whole


def hostile(path: Path, build: Callable[[zipfile.ZipFile], object]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        build(archive)
    return path


def linked() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("records/1.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "/etc/evil.txt", "records/../../evil.txt", "records/..", "evil/", "records//1.json", "a\\b.txt",
     "C:evil.txt", ".hidden", "records/.hidden", "\u00e4.txt", "records/1.json\n", ""],
)  # fmt: skip
def test_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = hostile(tmp_path / "bundle.zip", lambda archive: archive.writestr(zipfile.ZipInfo(name or "x"), b"x"))
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    assert [one.name for one in tmp_path.iterdir()] == ["bundle.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")  # the second of a name is what is tested
def test_archive_that_is_hostile_is_refused(tmp_path: Path, whole: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bundle.zip"
    hostile(path, lambda archive: [archive.writestr("checkpoint", data) for data in (b"a", b"b")])
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    hostile(path, lambda archive: archive.writestr(linked(), b"/etc/passwd"))
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    hostile(path, lambda archive: archive.writestr("checkpoint", b"x", zipfile.ZIP_LZMA))
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    data = bytearray(packed({"checkpoint": b"x" * 50}))
    data[data.index(b"PK\x01\x02") + 8] |= 1  # encrypted, says the directory
    path.write_bytes(data)
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    # A file of a gigabyte of zeros is a megabyte here: refused by what it says it is, and cut at that if it lies.
    path.write_bytes(packed({"checkpoint": bytes(1 << 20)}))
    monkeypatch.setattr(verify, "MOST_BYTES", 1 << 19)
    with pytest.raises(ValueError, match="too large"):
        verify.read(str(path))
    monkeypatch.undo()
    monkeypatch.setattr(verify, "MOST_FILES", 5)
    path.write_bytes(packed(whole))
    with pytest.raises(ValueError, match="too large"):
        verify.read(str(path))


def test_archive_that_is_damaged_is_refused_or_says_the_same(tmp_path: Path, whole: Files) -> None:
    data, path = packed(whole), tmp_path / "bundle.zip"
    for size in range(0, len(data), len(data) // 40):
        path.write_bytes(data[:size])
        assert run_in(path) is None
    for place in range(0, len(data), len(data) // 150):
        path.write_bytes(flipped(data, place))
        assert run_in(path) in (None, whole)


def run_in(path: Path) -> Files | None:
    try:
        return verify.read(str(path))
    except Exception:  # noqa: BLE001 - as main does: any error is a refusal
        return None
