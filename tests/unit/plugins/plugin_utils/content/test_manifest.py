# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest's one spelling: what it holds, and every other that is refused."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.content.manifest import LARGEST, MOST, Manifest, flaw
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import ContentError
from hypothesis import given
from hypothesis import strategies as st

A, B = "a" * 64, "b" * 64


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = Manifest({"roles/own/tasks/main.yml": A, "play.yml": B, "with a blank.yml": A, "straße.yml": B})
    assert Manifest.from_bytes(manifest.to_bytes(), "m") == manifest
    assert manifest.to_bytes().startswith(f"{B}  play.yml\n".encode())


def test_sha256sum_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a b.yml").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for digest, code in ((empty, 0), (A, 1)):
        data = Manifest({"a b.yml": digest}).to_bytes()
        done = subprocess.run(["sha256sum", "--check", "--strict"], cwd=tmp_path, input=data, check=False, timeout=30)
        assert done.returncode == code


REFUSED = {
    "nothing": ("", "does not end with a whole line"),
    "a line that does not end": (f"{A}  play.yml", "does not end with a whole line"),
    "an empty line": (f"{A}  a.yml\n\n{A}  b.yml\n", "expected a SHA-256"),
    "carriage returns": (f"{A}  play.yml\r\n", "not printed"),
    "a lone carriage return": (f"{A}  a.yml\r{A}  b.yml\n", "not printed"),
    "an absolute path": (f"{A}  /etc/passwd\n", "leads elsewhere"),
    "a path that climbs": (f"{A}  roles/../../secret\n", "leads elsewhere"),
    "a path that climbs at once": (f"{A}  ../secret\n", "leads elsewhere"),
    "a path with a dot": (f"{A}  ./play.yml\n", "leads elsewhere"),
    "a path with an empty part": (f"{A}  roles//main.yml\n", "leads elsewhere"),
    "a folder": (f"{A}  roles/\n", "leads elsewhere"),
    "a path twice": (f"{A}  a.yml\n{B}  a.yml\n", "is listed twice"),
    "another order": (f"{A}  b.yml\n{B}  a.yml\n", "expected sorted paths"),
    "capitals": (f"{'A' * 64}  a.yml\n", "lowercase"),
    "a short digest": (f"{'a' * 63}  a.yml\n", "expected a SHA-256"),
    "sha256sum's binary mode": (f"{A} *a.yml\n", "two spaces"),
    "one blank": (f"{A} a.yml\n", "two spaces"),
    "BSD's form": (f"SHA256 (a.yml) = {A}\n", "expected a SHA-256"),
    "an escaped name": (f"\\{A}  a\\\\b.yml\n", "expected a SHA-256"),
    "a backslash": (f"{A}  a\\b.yml\n", "not printed, or a backslash"),
    "a null": (f"{A}  a\0b.yml\n", "not printed"),
    "text that runs backwards": (f"{A}  a\u202elmy.yml\n", "not printed"),
    "a byte order mark": (f"\ufeff{A}  a.yml\n", "expected a SHA-256"),
    "a comment": (f"# signed\n{A}  a.yml\n", "expected a SHA-256"),
    "a very long path": (f"{A}  {'a' * 1025}\n", "more than 1024"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_any_other_spelling_is_refused(what: str) -> None:
    text, words = REFUSED[what]
    with pytest.raises(ContentError, match=re.escape(words)) as caught:
        Manifest.from_bytes(text.encode(), "sha256sum.txt")
    assert str(caught.value).startswith("sha256sum.txt")
    assert str(caught.value).endswith("holdfast content sign")
    assert len(str(caught.value)) < 500


def test_what_is_no_text_or_is_huge_is_refused() -> None:
    with pytest.raises(ContentError, match="no UTF-8 at offset 66"):
        Manifest.from_bytes(f"{A}  ".encode() + b"\xff.yml\n", "m")
    with pytest.raises(ContentError, match=f"more than {LARGEST} bytes"):
        Manifest.from_bytes(b"a" * (LARGEST + 1), "m")
    with pytest.raises(ContentError, match=f"{MOST + 1} files"):
        Manifest.from_bytes(b"\n" * (MOST + 1), "m")


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"{A}  {text}\n".encode("utf-8", "replace")))
def test_what_is_read_has_one_spelling(data: bytes) -> None:
    try:
        manifest = Manifest.from_bytes(data, "m")
    except ContentError:
        return
    assert manifest.to_bytes() == data
    assert not any(map(flaw, manifest.digests))
