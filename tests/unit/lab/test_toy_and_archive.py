# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The toy package's versions behave as their names promise, and the archive offers exactly what was published."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from lab import toy
from lab.archive import Archive
from lab.errors import LabError, UsageError
from lab.places import Places
from tests.integration.toys import Toy, locked

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")
needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not on this machine")


@pytest.fixture
def archive(tmp_path):
    made = Archive(Places("unit", tmp_path))
    made.prepare()
    return made


@needs_dpkg
@pytest.mark.parametrize(("version", "code"), [("1.0", 0), ("1.1", 1), ("1.2", 0)])
def test_only_the_broken_version_fails_its_selftest(tmp_path, version, code):
    package = toy.build(version, tmp_path)
    subprocess.run(["dpkg-deb", "-x", package.path, tmp_path / "tree"], check=True)
    program = tmp_path / "tree" / "usr" / "bin" / "claimsd"
    assert program.stat().st_mode & 0o777 == 0o755
    assert subprocess.run([sys.executable, program, "--selftest"], capture_output=True, check=False).returncode == code
    said = subprocess.run([sys.executable, program, "--version"], capture_output=True, text=True, check=False)
    assert said.stdout == f"{version}\n"


@needs_dpkg
def test_a_version_is_built_the_same_twice(tmp_path):
    (tmp_path / "again").mkdir()
    first, again = toy.build("1.0", tmp_path), toy.build("1.0", tmp_path / "again")
    assert first.sha256 == again.sha256
    assert first.sha256 != toy.build("1.1", tmp_path).sha256


@needs_dpkg
@needs_gpg
def test_versions_on_offer(archive):
    assert archive.offered() == ("1.0",)
    assert archive.publish("1.2") == ("1.0", "1.1", "1.2") == archive.offered()
    assert archive.publish("1.1") == ("1.0", "1.1") == archive.offered()
    assert archive.publish("1.2", only=True) == ("1.2",) == archive.offered()
    with pytest.raises(UsageError, match=r"'1\.3': claimsd has 1\.0, 1\.1, 1\.2"):
        archive.publish("1.3")
    assert archive.offered() == ("1.2",)


@needs_dpkg
@needs_gpg
def test_other_packages_stand_beside_claimsd_until_others_are_offered(archive, tmp_path):
    def index():
        (found,) = (archive.served / "dists" / "trixie-security").glob("main/binary-*/Packages")
        return found.read_text()

    one, two = (Toy(name, "3.0").build(tmp_path) for name in ("toy-one", "toy-two"))
    archive.offer([one])
    archive.publish("1.2")
    assert "Package: toy-one" in index()
    assert f"SHA256: {locked(one)['sha256']}" in index()
    assert (archive.served / "more" / one.name).read_bytes() == one.read_bytes()
    assert archive.offered() == ("1.0", "1.1", "1.2")
    archive.offer([two])
    assert "toy-one" not in index()
    assert "Filename: more/toy-two_3.0_all.deb" in index()


@needs_dpkg
@needs_gpg
def test_every_publication_is_newer_by_a_whole_second(archive):
    seen = []
    for version in ("1.1", "1.0", "1.2"):
        archive.publish(version)
        seen.append(int((archive.served / "dists" / "trixie-security" / "InRelease").stat().st_mtime))
    assert seen == sorted(set(seen))


@needs_dpkg
@needs_gpg
def test_preparing_again_changes_nothing(archive):
    archive.publish("1.1")
    release = (archive.served / "dists" / "bookworm-security" / "InRelease").read_bytes()
    archive.prepare()
    assert (archive.served / "dists" / "bookworm-security" / "InRelease").read_bytes() == release


@needs_dpkg
@needs_gpg
@pytest.mark.skipif(shutil.which("gpgv") is None, reason="gpgv is not on this machine")
def test_the_release_is_signed_by_the_key_that_hosts_get(archive, tmp_path):
    files = archive.host_files("trixie")
    assert b"Suites: trixie-security" in files["etc/apt/sources.list.d/holdfast-lab.sources"]
    armored = tmp_path / "key.asc"
    armored.write_bytes(files["usr/share/keyrings/holdfast-lab.asc"])
    ring = tmp_path / "key.gpg"
    subprocess.run(["gpg", "--homedir", tmp_path, "--batch", "-o", ring, "--dearmor", armored], check=True)
    release = archive.served / "dists" / "trixie-security" / "InRelease"
    verify = ["gpgv", "--keyring", ring, release]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0
    release.write_text(release.read_text().replace("Origin: Holdfast-Lab", "Origin: Holdfast-Bad"))
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 1


def test_nothing_is_published_before_there_is_an_archive(tmp_path):
    with pytest.raises(LabError, match="bring it up first"):
        Archive(Places("unit", tmp_path)).publish("1.1")
