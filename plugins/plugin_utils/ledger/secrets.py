# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a passphrase, a PIN or a token's text comes from: a file that only its owner reads, or whoever is asked.

Never an argument and never the environment: every process of the account can read those.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from ..errors import TrustError

Ask = Callable[[str], str]
"""Asks a person for the secret that the text describes, and returns it; raises TrustError where there is nobody."""

LARGEST = 4096


def nobody(what: str) -> str:
    """Refuse to ask: for where no person sits."""
    raise TrustError(f"{what}: nobody can be asked here; name a file that holds it in the key's reference")


def read_secret(path: Path, what: str) -> str:
    """Return the first line of a file, such as a systemd credential, or of /dev/fd/N.

    Raises TrustError when it is empty, cannot be read, or can be read by group or others.
    """
    try:
        with path.open("rb") as file:
            # The open file is asked, not the name: what is checked is what is read.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise TrustError(f"{path}: mode {mode:04o} lets others read the {what}; run: chmod 600 {path}")
            line = file.read(LARGEST).split(b"\n", 1)[0].removesuffix(b"\r")
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror}; expected a file that holds the {what}, mode 0600") from error
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TrustError(f"{path}: is not UTF-8 text; expected the {what} in its first line") from error
    if not text:
        raise TrustError(f"{path}: its first line is empty; expected the {what} there")
    return text
