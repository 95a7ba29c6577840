# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a key is named: what each reference means, and that a secret in one is refused and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.keyref import SCHEMES, KeyName, key_ref, of_file

ROOT = Path("/site")
TOKEN = "pkcs11:token=holdfast%20one;object=controller?module-path=/usr/lib/softhsm/libsofthsm2.so"
VAULT = "vault://vault.example.org:8200/deep/transit/controller?token-file=keys/token"
GCP = "gcpkms:projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/3"


@pytest.mark.parametrize("text", ["keys/root.pem", "/media/a b/root.pem", "./file:root.pem", "keys/with:colon", "~x"])
def test_path_is_a_path(text: str) -> None:
    ref = key_ref(text, ROOT)
    assert (ref.scheme, ref.path, str(ref)) == ("file", ROOT / text, str(ROOT / text))
    assert not [*KeyName().faults(text)]


def test_file_with_its_passphrase_elsewhere() -> None:
    ref = key_ref("file:keys/a%20b.pem?passphrase-file=/run/credentials/holdfast/root", ROOT)
    assert ref.path == ROOT / "keys/a b.pem"
    assert ref.files == {"passphrase-file": Path("/run/credentials/holdfast/root")}


def test_token_vault_and_clouds() -> None:
    ref = key_ref(f"{TOKEN}&pin-source=keys/pin", ROOT)
    assert ref.path is None
    assert ref.attributes == {"token": "holdfast one", "object": "controller"}
    assert ref.files == {"module-path": Path("/usr/lib/softhsm/libsofthsm2.so"), "pin-source": ROOT / "keys/pin"}
    ref = key_ref(f"{VAULT}&version=3&namespace=clinic", ROOT)
    assert (ref.body, ref.options) == (
        "//vault.example.org:8200/deep/transit/controller",
        {"version": "3", "namespace": "clinic"},
    )
    for text in ("awskms:alias/holdfast", GCP, "azurekms://clinic.vault.azure.net/keys/controller"):
        assert str(key_ref(text, ROOT)) == text


def test_every_example_is_sound() -> None:
    for scheme, known in SCHEMES.items():
        assert key_ref(known.example.replace("VAULT", "clinic"), ROOT).scheme == scheme


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gnupg:0x1234", 'a key of kind "gnupg"'),
        ("http://vault/transit/x", 'a key of kind "http"'),
        (f"{TOKEN}&pin-value=canary", "a secret in the parameter pin-value"),
        (f"{TOKEN}&pin=canary", "a secret in the parameter pin"),
        ("file:x.pem?passphrase=canary", "a secret in the parameter passphrase"),
        (f"{VAULT}&token=canary", "a secret in the parameter token"),
        ("vault://canary@vault.example.org/transit/x?token-file=t", "a name or a password in the address"),
        ("vault://vault.example.org/transit/x", "no token-file"),
        ("vault://vault.example.org/x?token-file=t", "a vault: URI of another form"),
        (f"{VAULT}&version=newest", "a version that is no number"),
        (f"{VAULT}&verify=no", 'the parameter "verify"'),
        (f"{VAULT}&version=1&version=2", "given twice"),
        ("pkcs11:token=a;object=b", "no module-path"),
        ("pkcs11:object=b?module-path=/l.so", "which token"),
        ("pkcs11:token=a?module-path=/l.so", "which key"),
        ("pkcs11:token=a;token=b;object=c?module-path=/l.so", "which token"),
        ("pkcs11:token=a;object=b?module-path=", "empty"),
        ("pkcs11:anything", "a pkcs11: URI of another form"),
        ("awskms:", "a awskms: URI of another form"),
        ("gcpkms:projects/p", "a gcpkms: URI of another form"),
        ("azurekms://vault.example.org/keys/x", "a azurekms: URI of another form"),
        ("", "no path"),
        ("keys/\x00", "no path"),
    ],
)
def test_reference_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="expected a key's file, or a URI") as caught:
        key_ref(text, ROOT)
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)
    faults = [*KeyName().faults(text)]
    assert len(faults) == 1
    assert "canary" not in f"{faults[0]}"


def test_any_file_can_be_named() -> None:
    assert of_file(Path("/a/pkcs11:token=b")).path == Path("/a/pkcs11:token=b")
