# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Byte code in __pycache__: what Python would run in the place of a source is what the source compiles to."""

from __future__ import annotations

import os
import py_compile
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.content import bytecode

SOURCE = """
LIMIT = 1.0
def shout(text, *, loud=True):
    try:
        return text.upper() if loud else {"a", "b"} & set(text)
    except AttributeError:
        return None
"""
TAG = sys.implementation.cache_tag


def compiled(folder: Path, mode: py_compile.PycInvalidationMode = py_compile.PycInvalidationMode.TIMESTAMP) -> Path:
    """Compile the source as Python does."""
    (folder / "shout.py").write_text(SOURCE)
    made = py_compile.compile(str(folder / "shout.py"), invalidation_mode=mode, doraise=True)
    return Path(str(made))


def wrong(folder: Path, path: Path) -> str | None:
    return bytecode.wrong(folder, str(path.relative_to(folder)))


@pytest.mark.parametrize("mode", list(py_compile.PycInvalidationMode))
def test_what_python_made_of_the_source_may_stay(tmp_path: Path, mode: py_compile.PycInvalidationMode) -> None:
    assert wrong(tmp_path, compiled(tmp_path, mode)) is None


def another_name(data: bytes) -> bytes:
    return data.replace(b"upper", b"lower")


def another_number(data: bytes) -> bytes:
    return data.replace(b"\x00\x00\x00\x00\x00\x00\xf0?", b"\x00\x00\x00\x00\x00\x00\x00@")


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def nothing(data: bytes) -> bytes:
    return data[: bytecode.HEADER]


@pytest.mark.parametrize("mode", list(py_compile.PycInvalidationMode))
@pytest.mark.parametrize("alter", [another_name, another_number, cut, nothing])
def test_anything_else_is_found(
    tmp_path: Path, mode: py_compile.PycInvalidationMode, alter: Callable[[bytes], bytes]
) -> None:
    path = compiled(tmp_path, mode)
    data = path.read_bytes()
    assert alter(data) != data
    path.write_bytes(alter(data))
    assert wrong(tmp_path, path) in ("is not what shout.py compiles to", "is damaged")


def test_what_python_would_not_read_may_stay(tmp_path: Path) -> None:
    path = compiled(tmp_path)
    path.write_bytes(another_name(path.read_bytes()))
    old = path.rename(path.with_name("shout.cpython-30.pyc"))
    assert wrong(tmp_path, old) is None
    old.rename(path)
    about = (tmp_path / "shout.py").stat()
    os.utime(tmp_path / "shout.py", (about.st_atime, about.st_mtime - 100))
    assert wrong(tmp_path, path) is None  # of an older source: Python compiles anew
    (tmp_path / "shout.py").unlink()
    assert wrong(tmp_path, path) is None


def test_a_name_of_several_parts_leads_to_its_source(tmp_path: Path) -> None:
    folder = tmp_path / "__pycache__"
    assert bytecode.source_of(folder / f"shout.{TAG}.opt-1.pyc") == tmp_path / "shout.py"
    assert bytecode.source_of(folder / f"shout.more.{TAG}.pyc") == tmp_path / "shout.more.py"
    assert bytecode.source_of(folder / f"shout.{TAG}.txt") is None
