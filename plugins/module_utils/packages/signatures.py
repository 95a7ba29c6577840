# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an archive's Release file is signed by a key its source names, asked anew of the host's own verifier.

Debian 12 brings gpgv, Debian 13 sqv. Keys are handed over in memory, so that nothing is written to the host.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .archives import Archive, keyring_data, keys_of
from .commands import environment
from .openpgp import Key, dearmour, is_signed, signers

_SECONDS = 30
_RELEASE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Signed:
    """What is known of one Release file's signatures: good, bad, none, or unknown where the host has no verifier.

    keys holds those of its signers that the source's keyrings have; several may sign, and one good signature is enough.
    """

    state: str
    keys: tuple[Key, ...] = ()

    def lasting(self) -> float | None:
        """Return until when at least one of the keys holds, in seconds since the epoch; None for ever, or no key."""
        if not self.keys or any(key.expires is None and not key.revoked for key in self.keys):
            return None
        return max((key.expires or 0 for key in self.keys if not key.revoked), default=0)


def look(release: Path | None, archive: Archive | None) -> Signed:
    """Return the state of a Release file that lies in our lists; archive says which keys count."""
    if release is None:
        return Signed("none")
    with release.open("rb") as content:
        text = content.read(_RELEASE_BYTES)
    if is_signed(text):
        message, signature = parts(text)
    else:
        detached = release.with_name(release.name + ".gpg")
        if not detached.is_file():
            return Signed("none")
        message, signature = text, detached.read_bytes()
    if archive is None:
        return Signed("unknown")
    wanted = signers(signature)
    keys = tuple(key for key in keys_of(archive) if any(key.is_called(name) for name in wanted))
    if not keys:
        return Signed("bad")
    return Signed(_verify(message, dearmour(signature), keyring_data(archive)), keys)


def parts(text: bytes) -> tuple[bytes, bytes]:
    """Return the text inside a clear-signed message as it was signed, and its signature (RFC 9580, section 7)."""
    head, _mark, rest = text.partition(b"-----BEGIN PGP SIGNED MESSAGE-----")
    body, mark, signature = rest.partition(b"\n-----BEGIN PGP SIGNATURE-----")
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    start = next((at + 1 for at, line in enumerate(lines) if at and not line.strip()), len(lines))
    signed = [line[2:] if line.startswith(b"- ") else line for line in lines[start:]]
    if head.strip():
        return b"", b""  # what stands before would be read, and is not signed
    return b"\n".join(line.rstrip(b" \t\r") for line in signed), mark.lstrip() + signature


def _verify(message: bytes, signature: bytes, rings: tuple[bytes, ...]) -> str:
    """Return good or bad, or unknown where there is neither verifier nor an answer in time."""
    gpgv, sqv = shutil.which("gpgv"), shutil.which("sqv")
    if gpgv is None and sqv is None:
        return "unknown"
    with contextlib.ExitStack() as held:
        lent = [held.enter_context(_in_memory(data)) for data in (signature, message, *map(dearmour, rings))]
        names = [f"/proc/self/fd/{descriptor}" for descriptor in lent]
        keyrings = [part for name in names[2:] for part in ("--keyring", name)]
        argv = [str(sqv), *keyrings, *names[:2]] if gpgv is None else [gpgv, "--status-fd", "1", *keyrings, *names[:2]]
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=environment(), pass_fds=lent, timeout=_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return "unknown"
    if gpgv is None:
        return "good" if done.returncode == 0 else "bad"
    # Its exit code is 2 as soon as one of several signers is unknown; apt is content with one that is good.
    words = done.stdout.decode("utf-8", "replace").splitlines()
    bad = any(line.startswith("[GNUPG:] BADSIG") for line in words)
    return "good" if any(line.startswith("[GNUPG:] GOODSIG") for line in words) and not bad else "bad"


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[int]:
    """Lend a file that lies in memory alone, as its descriptor."""
    descriptor = os.memfd_create("verify")
    try:
        os.write(descriptor, data)
        yield descriptor
    finally:
        os.close(descriptor)
