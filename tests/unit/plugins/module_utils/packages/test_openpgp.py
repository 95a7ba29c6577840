# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyrings and signatures are read as GnuPG reads them: who signed, and until when a key holds."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import openpgp

CASES = Path(__file__).resolve().parents[3] / "cases" / "packages"
KEYRINGS = sorted(path.name for path in CASES.glob("*.asc"))


def case(name):
    """A recorded file."""
    return (CASES / name).read_bytes()


def gpg_says(data, home):
    """Fingerprint and end of each key, by GnuPG itself."""
    told = subprocess.run(
        ["gpg", "--homedir", str(home), "--batch", "--show-keys", "--with-colons"],
        input=data, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    ends, found = [], []
    for line in told.splitlines():
        parts = line.split(":")
        if parts[0] in ("pub", "sub"):
            ends.append(int(parts[6]) if parts[6] else None)
        elif parts[0] == "fpr":
            found.append((parts[9], ends[len(found)]))
    return found


@pytest.mark.skipif(shutil.which("gpg") is None, reason="compares with gpg, which is not here")
@pytest.mark.parametrize("name", KEYRINGS)
def test_keys_and_their_ends_are_those_that_gnupg_finds(name, tmp_path):
    tmp_path.chmod(0o700)
    found = [(key.fingerprint, key.expires) for key in openpgp.read_keys(case(name))]
    assert found == gpg_says(case(name), tmp_path)
    assert found


def test_a_real_archive_key_and_its_signing_subkey():
    primary, subkey = openpgp.read_keys(case("debian-12-automatic.asc"))
    assert (primary.fingerprint, primary.expires) == ("B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8", 1926589461)
    assert (subkey.fingerprint, subkey.primary) == ("4CB50190207B4758A3F73A796ED0E7B82643E131", primary.fingerprint)
    assert not subkey.expired(1926589460)
    assert subkey.expired(1926589461)


def test_a_keyring_without_armour_is_read_as_one_with_it():
    data = case("debian-12-automatic.asc")
    assert openpgp.read_keys(openpgp.dearmour(data)) == openpgp.read_keys(data)


def test_several_blocks_of_armour_are_one_keyring():
    both = openpgp.read_keys(case("good.asc") + case("expired.asc"))
    assert both == openpgp.read_keys(case("good.asc")) + openpgp.read_keys(case("expired.asc"))


def test_the_signer_of_a_clear_signed_text_is_named():
    (key,) = openpgp.read_keys(case("expired.asc"))
    (name,) = openpgp.signers(case("expired.InRelease"))
    assert key.is_called(name)
    assert not openpgp.read_keys(case("good.asc"))[0].is_called(name)


def test_a_text_without_signature_has_no_signers():
    assert not openpgp.is_signed(b"Origin: Debian\n")
    assert openpgp.signers(b"Origin: Debian\n") == ()


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_what_is_cut_off_in_the_middle_gives_no_key_and_no_error(cut):
    assert openpgp.read_keys(openpgp.dearmour(case("good.asc"))[:cut]) in ((), openpgp.read_keys(case("good.asc")))


def test_noise_is_no_keyring():
    assert openpgp.read_keys(bytes(range(256)) * 4) == ()
    assert (
        openpgp.read_keys(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!!\n-----END PGP PUBLIC KEY BLOCK-----\n") == ()
    )
    assert openpgp.read_keys(b"") == ()


def test_a_subkey_ends_with_its_primary_key():
    primary, subkey = openpgp.read_keys(case("debian-12-automatic.asc"))
    ended = replace(primary, expires=1_000_000, revoked=True)
    assert openpgp._bounded(subkey, ended) == replace(subkey, expires=1_000_000, revoked=True)
    assert openpgp._bounded(subkey, replace(primary, expires=None)) == subkey
