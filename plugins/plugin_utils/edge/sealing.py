# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sealed evidence of a site: `evidence/<sha256>.sealed`, and the key of each, for its owner's eyes only.

The keys lie in a folder of their own, so that they can be kept elsewhere than the ciphertext and its copies.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import LedgerError
from ..ledger.sealed import LARGEST, seal, unseal
from ..site.site import Site


def folder_of(site: Site) -> Path:
    """Return the folder of a site's sealed evidence."""
    return site.root / "evidence"


@dataclass(frozen=True)
class Sealing:
    """The folder of sealed evidence."""

    folder: Path

    def sealed_path(self, sha256: str) -> Path:
        """Return where a sealed file lies."""
        return self.folder / f"{sha256}.sealed"

    def key_path(self, sha256: str) -> Path:
        """Return where the key of a sealed file lies."""
        return self.folder / "keys" / f"{sha256}.key"

    def take_in(self, path: Path) -> tuple[str, int]:
        """Seal a file under a new key, and return digest and size of what is stored; the file itself is left alone.

        Raises LedgerError where it cannot be read, is too large, or nothing can be written; then nothing is left.
        """
        return self.put(_read(path, LARGEST))

    def put(self, plain: bytes) -> tuple[str, int]:
        """Seal some bytes as `take_in` seals a file's."""
        sealed, key = seal(plain)
        sha256 = hashlib.sha256(sealed).hexdigest()
        try:
            self.key_path(sha256).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self.key_path(sha256), key.hex().encode("ascii") + b"\n")
            _write(self.sealed_path(sha256), sealed)
        except OSError as error:
            self.destroy(sha256)
            raise LedgerError(
                f"{self.folder}: {error.strerror}; expected a folder this user can write; nothing was sealed"
            ) from error
        return sha256, len(sealed)

    def open(self, sha256: str) -> bytes:
        """Return the plain file. Raises LedgerError where file or key is gone, or it is not what was sealed."""
        path, keyfile = self.sealed_path(sha256), self.key_path(sha256)
        sealed = _read(path, 2 * LARGEST)
        if hashlib.sha256(sealed).hexdigest() != sha256:
            raise LedgerError(f"{path}: has other bytes than were sealed; put it back from a copy")
        try:
            key = bytes.fromhex(_read(keyfile, 100).decode("ascii").strip())
        except ValueError as error:
            raise LedgerError(f"{keyfile}: is no key; expected 64 hexadecimal digits; put it back") from error
        return unseal(sealed, key)

    def destroy(self, sha256: str) -> bool:
        """Remove key and sealed file, the key first; return whether either was there. Raises LedgerError."""
        there = False
        for path in (self.key_path(sha256), self.sealed_path(sha256)):
            try:
                if path == self.key_path(sha256) and path.exists():
                    _overwrite(path)
                path.unlink()
                there = True
            except FileNotFoundError:
                continue
            except OSError as error:
                raise LedgerError(
                    f"{path}: {error.strerror}; it is not erased; correct its owner, and erase again"
                ) from error
        return there


def write_plain(path: Path, data: bytes) -> None:
    """Write an opened file for its owner's eyes only, never over another. Raises LedgerError."""
    try:
        _write(path, data)
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}; name a new file in a folder this user can write") from error


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}; expected a file this user can read") from error
    if len(data) > most:
        raise LedgerError(f"{path}: is larger than {most} bytes; divide it, or pack it")
    return data


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


def _overwrite(path: Path) -> None:
    """Write zeros over a key: where the disk writes in place, nothing of it is left."""
    with path.open("r+b") as file:
        file.write(b"0" * path.stat().st_size)
        file.flush()
        os.fsync(file.fileno())
