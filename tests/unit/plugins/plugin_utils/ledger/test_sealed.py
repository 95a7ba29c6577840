# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed files: only the right key opens them, every byte counts, and the format is what its page says."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.sealed import LARGEST, seal, unseal
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PLAIN = b"a ticket, with a name in it"


def test_each_file_has_a_key_of_its_own_and_equal_files_do_not_look_equal() -> None:
    first, second = seal(PLAIN), seal(PLAIN)
    assert unseal(*first) == unseal(*second) == PLAIN
    assert first[0] != second[0]
    assert first[1] != second[1]
    with pytest.raises(LedgerError, match="the key does not open it"):
        unseal(first[0], second[1])


def test_every_altered_byte_and_every_cut_is_refused() -> None:
    sealed, key = seal(PLAIN)
    for at in range(len(sealed)):
        with pytest.raises(LedgerError):
            unseal(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], key)
        with pytest.raises(LedgerError):
            unseal(sealed[:at], key)


def test_a_few_lines_of_another_program_open_it() -> None:
    sealed, key = seal(PLAIN)
    first, rest = sealed[:21], sealed[21:]
    assert first == b"holdfast-evidence-v1\n"
    assert AESGCM(key).decrypt(rest[:12], rest[12:], first) == PLAIN


def test_what_is_empty_or_too_large_is_refused() -> None:
    for plain in (b"", bytes(LARGEST + 1)):
        with pytest.raises(LedgerError, match="expected 1 to"):
            seal(plain)
