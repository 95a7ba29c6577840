# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Release file's signature is judged by the host's own verifier and by the keys its source names, and no others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import signatures
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.archives import Archive

CASES = Path(__file__).resolve().parents[3] / "cases" / "packages"

needs_verifier = pytest.mark.skipif(
    shutil.which("gpgv") is None and shutil.which("sqv") is None, reason="needs gpgv or sqv, as every Debian has"
)


def signed_by(*names):
    """An archive whose source names these keyrings."""
    return Archive("file:/srv/toys", "./", "toys.list", tuple(str(CASES / name) for name in names), b"", (), None)


@needs_verifier
@pytest.mark.parametrize(
    ("release", "keyrings", "state", "keys"),
    [
        ("good.InRelease", ["good.asc"], "good", 1),
        ("good.InRelease", ["expired.asc", "good.asc"], "good", 1),
        ("good.InRelease", ["expired.asc"], "bad", 0),
        ("good.InRelease", ["none.asc"], "bad", 0),
        ("expired.InRelease", ["expired.asc"], "bad", 1),
    ],
)
def test_only_a_key_of_the_source_makes_a_signature_good(release, keyrings, state, keys):
    found = signatures.look(CASES / release, signed_by(*keyrings))
    assert (found.state, len(found.keys)) == (state, keys)


@needs_verifier
def test_one_byte_changed_is_a_bad_signature(tmp_path):
    text = (CASES / "good.InRelease").read_text(encoding="utf-8")
    assert "Label: Toys" in text
    (tmp_path / "InRelease").write_text(text.replace("Label: Toys", "Label: Toyz"), encoding="utf-8")
    assert signatures.look(tmp_path / "InRelease", signed_by("good.asc")).state == "bad"


def test_no_signature_is_no_bad_one(tmp_path):
    (tmp_path / "Release").write_text("Origin: Toys\n", encoding="utf-8")
    assert signatures.look(tmp_path / "Release", signed_by("good.asc")).state == "none"
    assert signatures.look(None, signed_by("good.asc")).state == "none"


def test_an_archive_whose_source_is_not_known_is_not_judged():
    assert signatures.look(CASES / "good.InRelease", None).state == "unknown"


def test_without_any_verifier_the_state_is_unknown(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert signatures.look(CASES / "good.InRelease", signed_by("good.asc")).state == "unknown"


def test_a_signature_lasts_as_long_as_the_last_of_its_keys():
    found = signatures.look(CASES / "expired.InRelease", signed_by("expired.asc"))
    assert found.lasting() == found.keys[0].expires
    assert signatures.look(CASES / "good.InRelease", signed_by("good.asc")).lasting() is None


@pytest.mark.skipif(shutil.which("gpgv") is None, reason="sqv, as apt 3 uses it, is content with one good signature")
def test_a_bad_signature_beside_a_good_one_is_bad_for_apt_2(tmp_path):
    message, good = signatures.parts((CASES / "good.InRelease").read_bytes())
    foreign = signatures.parts((CASES / "expired.InRelease").read_bytes())[1]
    (tmp_path / "Release").write_bytes(message)
    (tmp_path / "Release.gpg").write_bytes(good)
    keyrings = signed_by("good.asc", "expired.asc")
    assert signatures.look(tmp_path / "Release", keyrings).state == "good"
    (tmp_path / "Release.gpg").write_bytes(good + b"\n" + foreign)
    assert signatures.look(tmp_path / "Release", keyrings).state == "bad"
