# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small archives of a test's own, in a folder: with dates, keys and index fields that no real archive should have."""

from __future__ import annotations

import email.utils
import hashlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DAY = 86400


@dataclass(frozen=True)
class SigningKey:
    """A throw-away key: its secret part, and its public part as apt takes it."""

    secret: bytes
    public: bytes


def make_key(*, made: float, days: int) -> SigningKey:
    """Make a key as of `made` (seconds since the epoch) that holds for so many days; 0 for ever."""
    with _gpg(made) as gpg:
        user = "Holdfast test archive (throw-away) <lab@example.org>"
        _run([*gpg, "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", f"{days}d" if days else "0"])
        return SigningKey(_run([*gpg, "--armor", "--export-secret-keys"]), _run([*gpg, "--armor", "--export"]))


def shortened(key: SigningKey, *, at: float, days: int) -> SigningKey:
    """The same key, as if its owner had decided at that moment that it ends so many days later."""
    with _gpg(at) as gpg:
        _run([*gpg, "--import"], text=key.secret)
        told = _run([*gpg, "--list-keys", "--with-colons"]).decode()
        (fingerprint,) = [line.split(":")[9] for line in told.splitlines() if line.startswith("fpr:")]
        _run([*gpg, "--quick-set-expire", fingerprint, f"{days}d"])
        return SigningKey(key.secret, _run([*gpg, "--armor", "--export"]))


def lay_out(
    folder: Path,
    debs: Sequence[Path],
    key: SigningKey | None,
    *,
    made: float,
    valid_days: float | None = None,
    fields: dict[str, str] | None = None,
) -> Path:
    """Write a flat archive of these package files, made and signed (unless key is None) at that moment.

    fields are more lines of the index, by the package file's name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stanzas = []
    for deb in debs:
        data = deb.read_bytes()
        (folder / deb.name).write_bytes(data)
        control = _run(["dpkg-deb", "--field", str(deb)]).decode().rstrip("\n")
        more = (fields or {}).get(deb.name, "")
        stanzas.append(
            f"{control}\n{more}Filename: ./{deb.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        )
    packages = "\n".join(stanzas).encode()
    (folder / "Packages").write_bytes(packages)
    release = ["Origin: Toys", "Label: Toys", "Suite: toys", "Codename: toys"]
    release.append(f"Date: {email.utils.formatdate(made, usegmt=True)}")
    if valid_days is not None:
        release.append(f"Valid-Until: {email.utils.formatdate(made + valid_days * DAY, usegmt=True)}")
    release += ["SHA256:", f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages", ""]
    text = "\n".join(release).encode()
    (folder / "Release").write_bytes(text)
    (folder / "InRelease").unlink(missing_ok=True)
    if key is not None:
        with _gpg(made) as gpg:
            _run([*gpg, "--import"], text=key.secret)
            (folder / "InRelease").write_bytes(_run([*gpg, "--clearsign"], text=text))
    return folder


@contextmanager
def _gpg(moment: float) -> Iterator[list[str]]:
    """A gpg with a home of its own (short: its sockets' paths have a limit) that takes `moment` for now."""
    with tempfile.TemporaryDirectory(prefix="hfgpg-", dir="/tmp") as home:
        try:
            yield [
                "gpg", "--homedir", home, "--batch", "--yes", "--pinentry-mode", "loopback",
                "--faked-system-time", str(int(moment)),
            ]  # fmt: skip
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def _run(argv: list[str], text: bytes | None = None) -> bytes:
    return subprocess.run(argv, input=text, capture_output=True, check=True).stdout
