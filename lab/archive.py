# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own signed APT archive, with the toy package, seen by hosts as a security archive.

Layout under build/lab/<fleet>/archive: `www/` is what is served (`pool/`, and `dists`, a link that is
swapped when versions are published, so a reader never sees half an update); `key.asc` is the public
signing key, `secret.asc` the secret one. Both are made for this fleet and thrown away with it.
"""

from __future__ import annotations

import email.utils
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import toy
from .errors import LabError, UsageError
from .hosts import RELEASES
from .places import Places
from .process import run

ORIGIN = "Holdfast-Lab"
SERVER_NAME = "lab-archive"
_URL = f"http://{SERVER_NAME}/"
_MORE = "more"
_KEYRING = "/usr/share/keyrings/holdfast-lab.asc"


class Archive:
    """The archive of one fleet."""

    def __init__(self, places: Places) -> None:
        self._folder = places.archive
        self._www = self._folder / "www"

    @property
    def served(self) -> Path:
        """The folder a web server shows."""
        return self._www

    def prepare(self) -> None:
        """Make the key, build the packages and publish 1.0, unless that was done before."""
        pool = self._www / "pool"
        if (self._www / "dists").exists():
            return
        pool.mkdir(parents=True, exist_ok=True)
        self._make_key()
        for version in toy.VERSIONS:
            toy.build(version, pool)
        self.publish(toy.VERSIONS[0])

    def publish(self, newest: str, *, only: bool = False) -> tuple[str, ...]:
        """Make `newest` the newest version on offer, and return the versions on offer.

        Earlier versions stay on offer, unless `only`: then they have left, as they do in Debian's
        security archive. Raises UsageError for a version that does not exist.
        """
        if newest not in toy.VERSIONS:
            raise UsageError(f"version {newest!r}: {toy.NAME} has {', '.join(toy.VERSIONS)}")
        upto = toy.VERSIONS.index(newest) + 1
        offered = toy.VERSIONS[upto - 1 : upto] if only else toy.VERSIONS[:upto]
        if not (self._www / "pool").is_dir():
            raise LabError("the fleet has no archive yet; bring it up first")
        self._swap(offered)
        return offered

    def offer(self, debs: Sequence[Path]) -> None:
        """Put these package files on offer beside claimsd, in the place of those that were offered so before."""
        if not (self._www / "pool").is_dir():
            raise LabError("the fleet has no archive yet; bring it up first")
        more = self._www / _MORE
        shutil.rmtree(more, ignore_errors=True)
        more.mkdir()
        for deb in debs:
            shutil.copyfile(deb, more / deb.name)
        self._swap(self.offered())

    def offered(self) -> tuple[str, ...]:
        """The versions of claimsd on offer now, oldest first; none before `prepare`."""
        stanzas = [
            stanza.splitlines()
            for index in (self._www / "dists").glob(f"{RELEASES[0]}-security/main/binary-*/Packages")
            for stanza in index.read_text().split("\n\n")
        ]
        return tuple(
            line.removeprefix("Version: ")
            for stanza in stanzas
            if f"Package: {toy.NAME}" in stanza
            for line in stanza
            if line.startswith("Version: ")
        )

    def host_files(self, release: str) -> dict[str, bytes]:
        """What a host of `release` needs to use the archive: path -> content."""
        source = (
            f"Types: deb\nURIs: {_URL}\nSuites: {release}-security\nComponents: main\nSigned-By: {_KEYRING}\n"
        )
        return {
            _KEYRING.lstrip("/"): (self._folder / "key.asc").read_bytes(),
            "etc/apt/sources.list.d/holdfast-lab.sources": source.encode(),
        }

    def _swap(self, versions: tuple[str, ...]) -> None:
        link = self._www / "dists"
        before = link.resolve() if link.is_symlink() else None
        # apt asks "newer than what I have?" in whole seconds, so each publication needs its own.
        last = int((before / "stamp").read_text()) if before else 0
        stamp = max(int(time.time()), last + 1)
        fresh = self._www / f".dists.{stamp}"
        shutil.rmtree(fresh, ignore_errors=True)
        packages = self._packages(versions)
        for release in RELEASES:
            self._write_suite(fresh / f"{release}-security", f"{release}-security", packages, stamp)
        (fresh / "stamp").write_text(str(stamp))
        for path in fresh.rglob("*"):
            os.utime(path, (stamp, stamp))
        scratch = self._www / ".dists.link"
        scratch.unlink(missing_ok=True)
        scratch.symlink_to(fresh.name)
        scratch.replace(link)
        if before and before != fresh:
            shutil.rmtree(before)

    def _packages(self, versions: tuple[str, ...]) -> bytes:
        files = [(toy.control(one), self._www / "pool" / f"{toy.NAME}_{one}_all.deb") for one in versions]
        for path in sorted((self._www / _MORE).glob("*.deb")):
            files.append((run(["dpkg-deb", "--field", str(path)]).stdout.rstrip("\n"), path))
        stanzas = []
        for control, path in files:
            data = path.read_bytes()
            stanzas.append(
                f"{control}\nFilename: {path.relative_to(self._www)}\nSize: {len(data)}\n"
                f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
            )
        return "\n".join(stanzas).encode()

    def _write_suite(self, folder: Path, suite: str, packages: bytes, stamp: int) -> None:
        architecture = run(["dpkg", "--print-architecture"]).stdout.strip()
        index = f"main/binary-{architecture}/Packages"
        target = folder / index
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(packages)
        release = "\n".join(
            (
                f"Origin: {ORIGIN}",
                f"Label: {ORIGIN}",
                f"Suite: {suite}",
                f"Codename: {suite}",
                f"Date: {email.utils.formatdate(stamp, usegmt=True)}",
                f"Architectures: {architecture}",
                "Components: main",
                "Description: toy packages of the Holdfast lab",
                "SHA256:",
                f" {hashlib.sha256(packages).hexdigest()} {len(packages)} {index}",
                "",
            )
        )
        (folder / "Release").write_text(release)
        with self._gpg() as gpg:
            run([*gpg, "--import", str(self._folder / "secret.asc")])
            run([*gpg, "--clearsign", "--output", str(folder / "InRelease"), str(folder / "Release")])

    def _make_key(self) -> None:
        if (self._folder / "key.asc").exists():
            return
        with self._gpg() as gpg:
            user = "Holdfast lab archive (throw-away) <lab@example.org>"
            run([*gpg, "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "1y"])
            secret = self._folder / "secret.asc"
            secret.touch(mode=0o600)
            secret.write_text(run([*gpg, "--armor", "--export-secret-keys"]).stdout)
            (self._folder / "key.asc").write_text(run([*gpg, "--armor", "--export"]).stdout)

    @contextmanager
    def _gpg(self) -> Iterator[list[str]]:
        """A gpg command with a home of its own: short, because its sockets' paths have a limit."""
        with tempfile.TemporaryDirectory(prefix="hfgpg-", dir="/tmp") as home:
            try:
                yield ["gpg", "--homedir", home, "--batch", "--yes", "--pinentry-mode", "loopback"]
            finally:
                run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


def publish(newest: str, *, fleet: str = "demo", only: bool = False) -> tuple[str, ...]:
    """Archive.publish for the fleet of this name, alone with it meanwhile."""
    places = Places(fleet)
    with places.locked():
        return Archive(places).publish(newest, only=only)
