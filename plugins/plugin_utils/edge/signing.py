# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a site's keys; where a secret is needed that no file holds, the person at the terminal is asked."""

from __future__ import annotations

import getpass
import os

from ..errors import TrustError
from ..ledger.signers import Signer
from ..ledger.unlock import open_signer
from ..site.site import Site


def site_signer(site: Site, role: str) -> Signer:
    """Return who signs with the site's key of that name; raises TrustError where it cannot be used."""
    return open_signer(site.keys[role], ask)


def ask(what: str) -> str:
    """Return the secret that the person at the terminal types, unseen; raises TrustError where there is no terminal."""
    try:
        # Opened first: getpass itself would read from stdin, and show what is typed, where there is none.
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        typed = getpass.getpass(f"{what}: ")
    except (OSError, EOFError) as error:
        raise TrustError(
            f"{what}: no terminal to ask for it at; expected a file of mode 0600 that holds it; name it in the key's "
            "reference, such as file:PATH?passphrase-file=FILE (docs/reference/keys.md)"
        ) from error
    if not typed:
        raise TrustError(f"{what}: nothing was typed; try again")
    return typed
