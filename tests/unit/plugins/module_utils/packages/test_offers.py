# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt offers is read with its pins and archives, and turned into exact files."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lists import Index
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.offers import (
    apt_name,
    index_of,
    parse_policy,
    parse_show,
)

MAIN = "http://deb.example.org/debian bookworm/main amd64 Packages"
SECURITY = "http://deb.example.org/debian-security bookworm-security/main amd64 Packages"

POLICY = f"""\
nginx:
  Installed: 1.22.1-9+deb12u9
  Candidate: 1.22.1-9+deb12u11
  Version table:
     1.22.1-9+deb12u11 500
        500 {SECURITY}
 *** 1.22.1-9+deb12u9 500
        500 {MAIN}
        100 /var/lib/dpkg/status
pinned:
  Installed: 1.0
  Candidate: 1.0
  Version table:
     1.1 -1
        500 {SECURITY}
 *** 1.0 100
        100 /var/lib/dpkg/status
zlib1g:i386:
  Installed: (none)
  Candidate: (none)
  Version table:
"""


def index(description, label="Debian", codename="bookworm", architecture="amd64"):
    """An index with only the members that matter here."""
    return Index(description, "", "", "", "", "Debian", label, "oldstable", codename, architecture, True)


def test_candidate_and_versions_are_read_with_their_archives():
    nginx = parse_policy(POLICY)["nginx"]
    assert nginx.candidate == "1.22.1-9+deb12u11"
    assert [(offer.version, offer.indexes) for offer in nginx.offers] == [
        ("1.22.1-9+deb12u11", (SECURITY,)),
        ("1.22.1-9+deb12u9", (MAIN,)),
    ]


def test_a_version_that_only_dpkg_knows_is_no_offer():
    assert parse_policy(POLICY)["pinned"].offer("1.0") is None


def test_a_version_a_pin_forbids_is_not_the_newest():
    choices = parse_policy(POLICY)
    assert choices["pinned"].newest("1.0") is None
    assert choices["nginx"].newest("1.22.1-9+deb12u9") == "1.22.1-9+deb12u11"


def test_only_versions_of_the_wanted_archives_count_when_some_are_named():
    nginx = parse_policy(POLICY)["nginx"]
    assert nginx.newest("1.0", {SECURITY}) == "1.22.1-9+deb12u11"
    assert nginx.newest("1.0", {MAIN}) == "1.22.1-9+deb12u9"
    assert nginx.newest("1.22.1-9+deb12u9", {MAIN}) is None


def test_a_foreign_architecture_has_its_own_entry_and_may_have_no_candidate():
    assert parse_policy(POLICY)["zlib1g:i386"].candidate is None


def test_a_security_archive_is_named_as_the_origin_when_one_of_several_is():
    both = parse_policy(f"a:\n  Candidate: 2\n     2 500\n        500 {MAIN}\n        500 {SECURITY}\n")["a"]
    known = (index(MAIN), index(SECURITY, codename="bookworm-security"))
    assert index_of(both, "2", "amd64", known) == known[1]
    assert index_of(both, "2", "amd64", known[:1]) == known[0]
    assert index_of(both, "2", "i386", known) is None
    assert index_of(both, "3", "amd64", known) is None


def test_suite_codename_or_label_make_an_archive_a_security_archive():
    assert index("", label="Debian-Security").security
    assert index("", codename="bookworm-security").security
    assert not index("", codename="bookworm-updates").security


def test_files_are_read_with_digest_size_path_and_source():
    show = """\
Package: postgresql
Source: postgresql-common (248+deb12u2)
Version: 15+248+deb12u2
Architecture: all
Filename: pool/updates/main/p/postgresql-common/postgresql_15+248+deb12u2_all.deb
Size: 10224
SHA256: 94303DEA28f19cecbfa1a6fe8ebcd6f6f771434727653f33a1ac7fb3e84b0e43
Description: object-relational SQL database
 SHA256: this line belongs to the description

Package: bash
Version: 5.2.15-2+b13
Architecture: amd64
Status: install ok installed
"""
    (located,) = parse_show(show).values()
    assert located.file == "postgresql_15+248+deb12u2_all.deb"
    assert located.sha256 == "94303dea28f19cecbfa1a6fe8ebcd6f6f771434727653f33a1ac7fb3e84b0e43"
    assert (located.source, located.source_version, located.size) == ("postgresql-common", "248+deb12u2", 10224)


def test_a_rebuild_has_the_source_version_without_its_number():
    show = "Package: bash\nVersion: 5.2.15-2+b13\nArchitecture: amd64\nFilename: b\nSize: 1\nSHA256: a\n"
    assert next(iter(parse_show(show).values())).source_version == "5.2.15-2"


def test_only_a_foreign_architecture_is_told_to_apt():
    assert [apt_name("a", arch, "amd64") for arch in ("amd64", "all", "i386")] == ["a", "a", "a:i386"]


def test_the_share_of_hosts_that_get_a_phased_version_is_read():
    # apt 2.6 and apt 3.0 write it so; apt 3 gives it the priority 1 where it is not this host's turn.
    text = f"toy:\n  Candidate: 1.0\n     1.1 1 (phased 10%)\n        500 {MAIN}\n *** 1.0 500\n        500 {MAIN}\n"
    assert [(offer.version, offer.phased) for offer in parse_policy(text)["toy"].offers] == [("1.1", 10), ("1.0", None)]
