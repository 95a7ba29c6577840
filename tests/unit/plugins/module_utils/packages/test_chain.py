# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No archive gives anything whose lists, as they lie here, prove nothing by the keys its source names now."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import archives, chain
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.archives import Archive
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lists import Index

CASES = Path(__file__).resolve().parents[3] / "cases" / "packages"
NOW = 1795300000.0
"""A moment in November 2026, when good.asc holds and expired.asc does not."""

pytestmark = pytest.mark.skipif(
    shutil.which("gpgv") is None and shutil.which("sqv") is None, reason="needs gpgv or sqv, as every Debian has"
)
Require = Callable[..., None]


@pytest.fixture
def require(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Require:
    """Ask about one archive: its Release file's text, its source's keyring, and what the source says of trust."""

    def ask(release: str, keyring: str = "good.asc", *, name: str = "InRelease", trusted: bool | None = None) -> None:
        (tmp_path / f"toys_._{name}").write_text(release, encoding="utf-8")
        (tmp_path / "toys_._Packages").touch()
        archive = Archive("http://a.example.org/toys", "./", "toys.list", (str(CASES / keyring),), b"", (), trusted)
        monkeypatch.setattr(archives, "archives", lambda: (archive,))
        index = Index(
            "d", archive.base, archive.uri, str(tmp_path / "toys_._Packages"), "Packages", "Toys", "Toys", "toys",
            "toys", "amd64", True,
        )  # fmt: skip
        chain.require(NOW, (index,))

    return ask


def case(name: str) -> str:
    return (CASES / name).read_text(encoding="utf-8")


def test_an_archive_signed_by_a_key_of_its_source_is_taken(require: Require) -> None:
    require(case("good.InRelease"))


@pytest.mark.parametrize(
    ("release", "keyring", "more", "said"),
    [
        (
            "good.InRelease",
            "good.asc",
            {"trusted": True},
            "trusted=yes in toys.list, so that apt asks for no signature",
        ),
        ("good.InRelease", "expired.asc", {}, "no signature by a key of its source"),
        ("expired.InRelease", "expired.asc", {}, "expired on 2025-"),
    ],
)
def test_an_archive_that_proves_nothing_is_named(
    require: Require, release: str, keyring: str, more: dict[str, bool], said: str
) -> None:
    with pytest.raises(PackageError) as caught:
        require(case(release), keyring, **more)
    (refusal,) = caught.value.refused
    assert refusal.package.startswith("http://a.example.org/toys")
    assert said in refusal.found


def test_one_byte_of_the_release_file_is_enough(require: Require) -> None:
    with pytest.raises(PackageError, match="no signature by a key of its source"):
        require(case("good.InRelease").replace("Label: Toys", "Label: Toyz"))


def test_an_unsigned_release_file_is_refused(require: Require) -> None:
    with pytest.raises(PackageError, match="found no signature"):
        require("Origin: Toys\nSuite: toys\n", name="Release")


def test_lists_whose_time_has_passed_are_refused(require: Require) -> None:
    passed = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(NOW - 1))
    with pytest.raises(PackageError, match="lists that were valid until"):
        require(f"Origin: Toys\nValid-Until: {passed}\n", name="Release")
