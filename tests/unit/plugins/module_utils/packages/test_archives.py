# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources are read in both of their forms, with the keys each of them names."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.archives import archives, keys_of

CASES = Path(__file__).resolve().parents[3] / "cases" / "packages"

LINES = """\
# deb http://off.example.org/debian trixie main
deb [arch=amd64 signed-by=/etc/a.asc,/etc/b.gpg] http://deb.example.org/debian/ bookworm main # the main one
deb-src http://deb.example.org/debian bookworm main
deb [trusted=yes] file:/srv/flat ./
"""

STANZAS = """\
# The two of Debian
Types: deb deb-src
URIs: http://deb.example.org/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://off.example.org/debian
Suites: trixie
Enabled: no

Types: deb-src
URIs: http://source.example.org/debian
Suites: trixie
"""


@pytest.fixture
def etc(tmp_path):
    """An empty /etc/apt."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "trusted.gpg.d").mkdir()
    return tmp_path


def test_one_line_an_archive(etc):
    (etc / "sources.list").write_text(LINES, encoding="utf-8")
    debian, flat = archives(etc)
    assert (debian.uri, debian.suite, debian.keyrings) == (
        "http://deb.example.org/debian/",
        "bookworm",
        ("/etc/a.asc", "/etc/b.gpg"),
    )
    assert debian.base == "http://deb.example.org/debian/dists/bookworm/"
    assert (debian.trusted, flat.trusted) == (None, True)
    assert (flat.base, flat.name) == ("file:/srv/flat/./", "file:/srv/flat ./")


def test_stanzas_and_each_of_their_suites(etc):
    (etc / "sources.list.d" / "debian.sources").write_text(STANZAS, encoding="utf-8")
    (etc / "sources.list.d" / "debian.sources.off").write_text(STANZAS, encoding="utf-8")
    assert [one.name for one in archives(etc)] == [
        "http://deb.example.org/debian trixie",
        "http://deb.example.org/debian trixie-updates",
    ]


def test_a_key_inside_a_source_is_read(etc):
    key = "".join(f" {line or '.'}\n" for line in (CASES / "good.asc").read_text(encoding="utf-8").splitlines())
    stanza = f"Types: deb\nURIs: file:/srv/toys\nSuites: ./\nSigned-By:\n{key}"
    (etc / "sources.list.d" / "toys.sources").write_text(stanza, encoding="utf-8")
    (archive,) = archives(etc)
    assert len(keys_of(archive, etc)) == 1


def test_without_keyrings_of_its_own_an_archive_may_be_signed_by_what_apt_trusts_for_all(etc):
    (etc / "sources.list").write_text("deb http://deb.example.org/debian bookworm main\n", encoding="utf-8")
    (archive,) = archives(etc)
    assert keys_of(archive, etc) == ()
    (etc / "trusted.gpg.d" / "good.asc").write_bytes((CASES / "good.asc").read_bytes())
    assert len(keys_of(archive, etc)) == 1


def test_fingerprints_narrow_the_keys_down(etc):
    (etc / "trusted.gpg.d" / "all.asc").write_bytes(
        (CASES / "good.asc").read_bytes() + (CASES / "expired.asc").read_bytes()
    )
    line = "deb [signed-by={}] http://deb.example.org/debian bookworm main\n"
    (etc / "sources.list").write_text(line.format("0" * 40), encoding="utf-8")
    assert keys_of(archives(etc)[0], etc) == ()
    (etc / "sources.list").write_text("deb http://deb.example.org/debian bookworm main\n", encoding="utf-8")
    first = keys_of(archives(etc)[0], etc)[0]
    (etc / "sources.list").write_text(line.format(first.fingerprint), encoding="utf-8")
    assert keys_of(archives(etc)[0], etc) == (first,)


def test_a_keyring_that_is_not_there_has_no_keys(etc):
    (etc / "sources.list").write_text("deb [signed-by=/none.gpg] http://deb.example.org/debian a main\n", "utf-8")
    assert keys_of(archives(etc)[0], etc) == ()
