# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are read within bounds, and every text means one thing or is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site import reading
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.problems import SiteFilesError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.reading import read_document, read_yaml


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "file.yml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-17", -17),
        ("1.5", 1.5),
        ('"1.5"', "1.5"),
        ("'no'", "no"),
        ("1.0.0", "1.0.0"),
        ("192.0.2.1", "192.0.2.1"),
        ("2027-01-31", "2027-01-31"),
        ("164.312(a)(2)(i)", "164.312(a)(2)(i)"),
        ("node", "node"),
        ("nonsense", "nonsense"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("[a, 1, {b: c}]", ["a", 1, {"b": "c"}]),
    ],
)
def test_a_plain_text_means_what_a_person_reads(text: str, value: Any, tmp_path: Path) -> None:
    read = read_yaml(written(tmp_path, f"key: {text}"))["key"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text",
    ["no", "Yes", "ON", "off", "0644", "0o17", "0x1f", "1_000", "22:30", "1:30:00", "1e3", "1.", ".5", ".inf", ".NaN"],
)
def test_a_word_with_two_meanings_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SiteFilesError, match=f'file.yml:1: key: the bare word .*write "{text}" for the text'):
        read_yaml(written(tmp_path, f"key: {text}"))


def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 10)
    with pytest.raises(SiteFilesError, match="11 bytes; expected at most 10"):
        read_yaml(written(tmp_path, "a: 1234567\n"))


def test_a_file_nested_too_deep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteFilesError, match="more than 32 levels"):
        read_yaml(written(tmp_path, "[" * 5000))


def test_bytes_that_are_no_utf8_are_refused_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(SiteFilesError, match="a byte that is no UTF-8 at offset 5"):
        read_yaml(written(tmp_path, b"key: \xff\n"))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(SiteFilesError, match="not a regular file"):
        read_yaml(tmp_path / "pipe.yml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteFilesError, match="not a regular file"):
        read_yaml(tmp_path)


def test_all_problems_of_a_text_are_named_in_one_go(tmp_path: Path) -> None:
    _, problems = read_document(written(tmp_path, "a: &x 1\na: no\n5: *x\n"), "f.yml")
    assert [problem.line for problem in problems] == [1, 2, 2, 3, 3]


def test_a_line_is_found_for_a_path_that_exists_only_in_part(tmp_path: Path) -> None:
    document, _ = read_document(written(tmp_path, "a:\n  - b: 1\n  - c:\n      d: 2\n"), "f.yml")
    assert document.line(("a", 1, "c", "d")) == 4
    assert document.line(("a", 1, "c", "missing")) == 3
    assert document.line(("nowhere",)) == 1
