# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt's source files are made to say, and what their probe reads of them."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils import apt_files
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import apt_sources

KEY = f"signed-by={apt_files.KEYRING}"


def debian(source):
    return "Debian" if source.uri.endswith(("/debian", "/debian-security")) else "Other"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("deb http://a.example.org/debian trixie main", f"deb [{KEY}] http://a.example.org/debian trixie main"),
        (
            "deb [arch=amd64]  http://a.example.org/debian x main",
            f"deb [arch=amd64 {KEY}] http://a.example.org/debian x main",
        ),
        (
            "deb [signed-by=/k] http://a.example.org/debian x main",
            "deb [signed-by=/k] http://a.example.org/debian x main",
        ),
        ("deb http://a.example.org/other x main", "deb http://a.example.org/other x main"),
        ("# deb http://a.example.org/debian x main", "# deb http://a.example.org/debian x main"),
    ],
)
def test_lines_of_debians_archive_name_its_key(line, wanted):
    assert apt_files.pinned_list(f"{line}\n", debian) == f"{wanted}\n"


def test_stanzas_of_debians_archive_name_its_key():
    ours = "Types: deb\nURIs: http://a.example.org/debian\nSuites: x\n"
    text = f"{ours}\nTypes: deb\nURIs: http://b.example.org/\nSuites: y\n"
    wanted = text.replace("Suites: x\n", f"Suites: x\nSigned-By: {apt_files.KEYRING}\n")
    assert apt_files.pinned_stanzas(text, debian) == wanted
    assert apt_files.pinned_stanzas(wanted, debian) == wanted


def test_verification_is_switched_back_on_but_not_in_comments():
    text = "deb [trusted=yes] http://x ./\n# trusted=yes\nAllow-Insecure: yes\n"
    assert apt_files.verified(text) == "deb [trusted=no] http://x ./\n# trusted=yes\nAllow-Insecure: no\n"


def test_sources_in_the_clear_without_a_key_are_named():
    lines = [
        "deb http://a.example.org/debian trixie main",
        "deb https://b.example.org/ trixie main",
        "deb [signed-by=/k] http://c.example.org/ trixie main",
        "deb file:/srv/packages ./",
    ]
    stanza = [
        "Types: deb",
        "URIs: http://d.example.org/",
        "Suites: x y",
        "",
        "Enabled: no",
        "URIs: http://e/",
        "Suites: x",
    ]
    found = [*apt_sources.sources_of_list("l", lines), *apt_sources.sources_of_stanzas("s", stanza)]
    assert apt_sources.unpinned(apt_sources.State([], found)) == [
        "l http://a.example.org/debian trixie",
        "s http://d.example.org/ x",
        "s http://d.example.org/ y",
    ]


def test_an_archive_is_whose_its_release_file_says(tmp_path, monkeypatch):
    monkeypatch.setattr(apt_sources, "STATE", str(tmp_path))
    source = apt_sources.Source("l", "http://a.example.org/debian/", "trixie", False)
    assert apt_sources.origin(source) == "http://a.example.org/debian/"
    (tmp_path / "a.example.org_debian_dists_trixie_InRelease").write_text("-----\n\nOrigin: Debian\n", encoding="utf-8")
    assert apt_sources.origin(source) == "Debian"
    state = apt_sources.State([], [source])
    assert apt_sources.answer("origins", state) == ("observed", ["Debian"], "")
    assert apt_sources.answer("list_age", state)[1] == 1
    assert apt_sources.answer("list_age", apt_sources.State([], []))[0] == "not_applicable"
