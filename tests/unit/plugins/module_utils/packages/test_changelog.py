# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CVE ids come from the entries newer than what is installed, and from no package that is out of bounds."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import changelog
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.changelog import changelog_of, cves_since

TEXT = """\
toy (1.2-1+deb12u2) bookworm-security; urgency=high

  * Fix CVE-2026-0003 and CVE-2026-0002 (see also XCVE-2026-9999).
  * CVE-2026-12345678 has too many digits to be one.

 -- Someone <someone@example.org>  Fri, 20 Nov 2026 00:00:00 +0000

toy (1.2-1+deb12u1) bookworm-security; urgency=high

  * Fix CVE-2026-0001.

toy (1.2-1) unstable; urgency=low

  * Fix CVE-2020-0001.
"""

needs_dpkg_deb = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="this machine has no dpkg-deb")


@pytest.fixture
def build(tmp_path):
    """Build a package file with these files (path to bytes), or links (path to target)."""

    def make(files, links=()):
        tree = tmp_path / "tree"
        (tree / "DEBIAN").mkdir(parents=True)
        control = "Package: toy\nVersion: 1\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: toy\n"
        (tree / "DEBIAN" / "control").write_text(control, encoding="utf-8")
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        for path, target in dict(links).items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).symlink_to(target)
        made = tmp_path / "toy.deb"
        command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(tree), str(made)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return made

    return make


def crafted(folder, members):
    """A package file whose files stand in an order that dpkg-deb itself would not give them: links first."""

    def archive(held):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            for info, content in held:
                tar.addfile(info, io.BytesIO(content))
        return out.getvalue()

    parts = [("debian-binary", b"2.0\n"), ("control.tar.gz", archive([])), ("data.tar.gz", archive(members))]
    made = folder / "crafted.deb"
    with made.open("wb") as out:
        out.write(b"!<arch>\n")
        for name, content in parts:
            out.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
            out.write(content + b"\n" * (len(content) % 2))
    return made


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("1.2-1+deb12u1", ["CVE-2026-0002", "CVE-2026-0003"]),
        ("1.2-1", ["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"]),
        ("1.0", ["CVE-2020-0001", "CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"]),
        ("1.2-1+deb12u2", []),
        ("2.0", []),
    ],
)
def test_only_entries_later_than_the_installed_version_count(before, expected):
    assert cves_since(TEXT, before) == expected


@needs_dpkg_deb
def test_the_debian_changelog_wins_over_the_upstream_one(build):
    deb = build(
        {
            "usr/share/doc/toy/changelog.gz": gzip.compress(TEXT.replace("0003", "0009").encode()),
            "usr/share/doc/toy/changelog.Debian.gz": gzip.compress(TEXT.encode()),
        }
    )
    assert changelog_of(deb) == TEXT


@needs_dpkg_deb
@pytest.mark.parametrize("name", ["changelog.gz", "changelog.Debian.gz"])
def test_a_native_package_has_its_changelog_under_the_short_name(build, name):
    assert changelog_of(build({f"usr/share/doc/toy/{name}": gzip.compress(TEXT.encode())})) == TEXT


@needs_dpkg_deb
def test_an_unpacked_changelog_is_read_as_it_is(build):
    assert changelog_of(build({"usr/share/doc/toy/changelog": TEXT.encode()})) == TEXT


@needs_dpkg_deb
@pytest.mark.parametrize(
    "files",
    [
        {"usr/share/doc/toy/copyright": b"none"},
        {"usr/share/doc/toy/changelog.gz": gzip.compress(b"Release notes\n")},
        {"usr/share/doc/toy/sub/changelog.Debian.gz": gzip.compress(TEXT.encode())},
        {"usr/share/doc/toy/changelog.Debian.gz": b"not gzip at all"},
        {"usr/share/doc/toy/changelog.Debian.gz": gzip.compress(TEXT.encode())[:40]},
    ],
)
def test_what_is_no_debian_changelog_is_not_read(build, files):
    assert changelog_of(build(files)) is None


@needs_dpkg_deb
def test_a_link_in_the_place_of_a_changelog_is_not_followed(build):
    assert changelog_of(build({}, {"usr/share/doc/toy/changelog.Debian.gz": "/etc/shadow"})) is None


@needs_dpkg_deb
def test_a_link_does_not_hide_the_changelog_behind_it(tmp_path):
    link = tarfile.TarInfo("./usr/share/doc/a/changelog.Debian.gz")
    link.type, link.linkname = tarfile.SYMTYPE, "../toy/changelog.Debian.gz"
    data = gzip.compress(TEXT.encode())
    real = tarfile.TarInfo("./usr/share/doc/toy/changelog.Debian.gz")
    real.size = len(data)
    assert changelog_of(crafted(tmp_path, [(link, b""), (real, data)])) == TEXT


@needs_dpkg_deb
def test_a_changelog_that_unpacks_to_more_than_any_changelog_is_left_unread(build):
    bomb = gzip.compress(b"\n" * (changelog.TEXT_BYTES + 1))
    assert changelog_of(build({"usr/share/doc/toy/changelog.Debian.gz": bomb})) is None


@needs_dpkg_deb
def test_a_package_that_unpacks_to_more_than_the_bound_is_left_unread(build):
    deb = build({"a": b"\0" * 200_000, "usr/share/doc/toy/changelog.Debian.gz": gzip.compress(TEXT.encode())})
    assert changelog_of(deb, unpacked=100_000) is None
    assert changelog_of(deb, unpacked=1_000_000) == TEXT


def test_a_file_that_is_no_package_has_no_changelog(tmp_path):
    broken = tmp_path / "broken.deb"
    broken.write_bytes(b"!<arch>\nnothing")
    if shutil.which("dpkg-deb") is None:
        pytest.skip("this machine has no dpkg-deb")
    assert changelog_of(broken) is None
