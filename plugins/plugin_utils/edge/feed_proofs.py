# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking what a feed offers as proof: hashes and OpenPGP signatures beside its files, and what policy asks for.

Whether a signature is good is for gpgv to say. A proof that is there and wrong refuses the feed, asked for or not.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ...module_utils.packages.openpgp import dearmour
from ..advisories.bounds import FeedError, shown
from ..advisories.model import ABSENT, NOT_CHECKED, VERIFIED
from ..advisories.settings import FeedSettings
from .feed_fetching import Fetched

_SECONDS = 60
_KEYRING_BYTES = 4 * 1024 * 1024
_HASHES = {".sha256": ("sha256", 64), ".sha512": ("sha512", 128)}
_VALID = re.compile(r"\[GNUPG:\] VALIDSIG ([0-9A-F]{40,64}) .*?([0-9A-F]{40,64})")

_BAD = ("[GNUPG:] BADSIG", "[GNUPG:] ERRSIG", "[GNUPG:] EXP", "[GNUPG:] REV")


@dataclass(frozen=True)
class Proven:
    """What was proved of all files of a feed together."""

    hash: str
    signature: str
    signed_by: tuple[str, ...] = ()


def prove(fetched: Fetched, settings: FeedSettings, root: Path) -> Proven:
    """Check every proof. Raises FeedError for one that is wrong, and for one that policy requires and is not there."""
    keyring = _keyring(root / settings.keyring) if settings.keyring else None
    hashed = signed = 0
    signers: set[str] = set()
    for name, data in fetched.files:
        found = [suffix for suffix in _HASHES if name + suffix in fetched.proofs]
        for suffix in found:
            _check_hash(name, data, suffix, fetched.proofs[name + suffix])
        hashed += bool(found)
        for suffix, (kind, _digits) in _HASHES.items():
            if kind in settings.require and suffix not in found:
                raise FeedError(f"{settings.id}: {shown(name)}: no {shown(name + suffix)} beside it, and policy asks")
        signature = fetched.proofs.get(f"{name}.asc") or fetched.proofs.get(f"{name}.sig")
        if signature is not None and keyring is not None:
            signers.add(_check_signature(name, data, signature, keyring, settings))
            signed += 1
        elif "signature" in settings.require:
            raise FeedError(f"{settings.id}: {shown(name)}: no signature beside it, and policy asks for one")
    offered = any(name.endswith((".asc", ".sig")) for name in fetched.proofs)
    return Proven(
        VERIFIED if hashed == len(fetched.files) else NOT_CHECKED if hashed or not fetched.asked else ABSENT,
        VERIFIED if signed == len(fetched.files) else NOT_CHECKED if offered or not fetched.asked else ABSENT,
        tuple(sorted(signers)),
    )


def _check_hash(name: str, data: bytes, suffix: str, stated: bytes) -> None:
    """Compare with a line as sha256sum writes it: the digest, blanks, and a name that is not believed."""
    kind, digits = _HASHES[suffix]
    word = stated[:digits].decode("ascii", "replace").lower()
    if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", word) or stated[digits : digits + 1].strip():
        raise FeedError(f"{name}{suffix}: found {shown(word)}; expected {digits} hexadecimal digits first")
    found = hashlib.new(kind, data).hexdigest()
    if found != word:
        raise FeedError(f"{name}: its {kind} is {found}; expected {word}, as {name}{suffix} says; fetch both again")


def _check_signature(name: str, data: bytes, signature: bytes, keyring: bytes, settings: FeedSettings) -> str:
    """Return the fingerprint of the primary key whose signature holds. Raises FeedError."""
    gpgv = shutil.which("gpgv")
    if gpgv is None:
        raise FeedError(f"{name}: its signature cannot be checked: gpgv is missing; install it, or name no keyring")
    with ExitStack() as held:
        lent = [held.enter_context(_Lent(one)).descriptor for one in (dearmour(signature), data, keyring)]
        sig, message, keys = (f"/proc/self/fd/{descriptor}" for descriptor in lent)
        try:
            done = subprocess.run(
                [gpgv, "--status-fd", "1", "--keyring", keys, sig, message],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "LC_ALL": "C"}, pass_fds=lent, timeout=_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FeedError(f"{name}: its signature cannot be checked: gpgv: {error}") from error
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    good = any(line.startswith("[GNUPG:] GOODSIG ") for line in lines)
    valid = [found for line in lines if (found := _VALID.fullmatch(line))]
    if done.returncode or not good or len(valid) != 1:
        said = next((line[9:] for line in lines if line.startswith(_BAD)), "")
        raise FeedError(
            f"{name}: its signature does not hold ({shown(said or 'gpgv knows no good one')}); "
            f"expected one of a key in {settings.keyring}"
        )
    if settings.signed_by and valid[0][2] not in settings.signed_by:
        raise FeedError(
            f"{name}: is signed by {valid[0][2]}; expected one of signed_by: {', '.join(settings.signed_by)}"
        )
    return valid[0][2]


def _keyring(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_KEYRING_BYTES + 1)
    except OSError as error:
        raise FeedError(f"{path}: {error.strerror}; expected the keyring that policy/feeds.yml names") from error
    if len(data) > _KEYRING_BYTES:
        raise FeedError(f"{path}: more than {_KEYRING_BYTES} bytes; expected a keyring")
    return dearmour(data)


class _Lent:
    """Bytes lent to a program as a file that lies in memory alone."""

    def __init__(self, data: bytes) -> None:
        self.descriptor = os.memfd_create("feed")
        self._data = data

    def __enter__(self) -> _Lent:
        with open(self.descriptor, "wb", closefd=False) as file:
            file.write(self._data)
        return self

    def __exit__(self, *_unused: object) -> None:
        os.close(self.descriptor)
