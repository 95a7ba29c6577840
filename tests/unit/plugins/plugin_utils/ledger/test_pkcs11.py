# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys on a token: SoftHSM, filled by pkcs11-tool as an administrator does, judged by OpenSSL."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.signatures import VerifyingKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import pae
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.keys import PublicKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.unlock import (
    open_signer,
    protection_of,
    public_key_of,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.keyref import KeyRef, key_ref

from tests.signing import openssl, openssl_takes

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
MESSAGE = pae(b'{"any":"payload"}')
PIN = "canary-1234"
KEYS = {"ecdsa-p256": "EC:prime256v1", "ecdsa-p384": "EC:secp384r1", "ed25519": "EC:edwards25519"}

pytestmark = pytest.mark.skipif(not MODULE.exists(), reason=f"needs {MODULE}; .ci/setup installs softhsm2 and opensc")


def tool(*words: str) -> None:
    """Run pkcs11-tool on the token, logged in."""
    command = ["pkcs11-tool", "--module", str(MODULE), "--token-label", "holdfast", "--login", "--pin", PIN, *words]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A token with a key of each kind, its label its kind; and the file of its PIN."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    (folder / "pin").write_text(PIN)
    (folder / "pin").chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        # SoftHSM's own setting: where its tokens are. The engine reads no environment.
        patch.setenv("SOFTHSM2_CONF", str(settings))
        init = [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            "holdfast",
            "--pin",
            PIN,
            "--so-pin",
            "so-pin-1234",
        ]
        subprocess.run(init, check=True, capture_output=True, timeout=60)
        for number, (label, kind) in enumerate({**KEYS, "twin": "EC:prime256v1"}.items(), 1):
            tool("--keypairgen", "--key-type", kind, "--label", label, "--id", f"{number:02x}")
        tool("--keypairgen", "--key-type", "EC:secp521r1", "--label", "p521", "--id", "0a")
        tool("--keypairgen", "--key-type", "rsa:2048", "--label", "rsa", "--id", "0b")
        tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "twin", "--id", "0c")
        yield folder / "pin"


def on_token(pin: Path | None, name: str) -> KeyRef:
    """Return the reference of a key of the token."""
    source = f"&pin-source={pin}" if pin else ""
    return key_ref(f"pkcs11:token=holdfast;{name}?module-path={MODULE}{source}", Path("/"))


@pytest.mark.parametrize("kind", list(KEYS))
def test_token_signs_what_openssl_verifies(token: Path, tmp_path: Path, kind: str) -> None:
    signer = open_signer(on_token(token, f"object={kind}"))
    key = signer.public_key
    assert key.kind == kind
    if kind == "ecdsa-p256":  # the one kind that pkcs11-tool 0.23 can read
        tool("--read-object", "--type", "pubkey", "--label", kind, "--output-file", str(tmp_path / "der"))
        assert (
            openssl("pkey", "-pubin", "-inform", "DER", "-in", tmp_path / "der", "-pubout").stdout.decode() == key.pem
        )
    for attempt in range(6):
        message = MESSAGE + b"%d" % attempt
        signature = signer.sign(message)
        key.verify(signature, message)
        assert VerifyingKey(kind, key.raw).problem(signature, message) is None
        assert openssl_takes(key, signature, message, tmp_path)
    assert not openssl_takes(key, signature, MESSAGE, tmp_path)


def test_key_by_its_id_as_well(token: Path) -> None:
    by_label = public_key_of(on_token(None, "object=ecdsa-p256"))
    assert (
        public_key_of(on_token(None, "id=%01")) == by_label == public_key_of(on_token(None, "object=ecdsa-p256;id=%01"))
    )
    assert protection_of(on_token(None, "id=%01")) == "pkcs11"
    with pytest.raises(TrustError, match="has 2 such keys; name one by its id as well"):
        public_key_of(on_token(None, "object=twin"))
    first, second = (open_signer(on_token(token, f"object=twin;id=%{number}")) for number in ("04", "0c"))
    assert first.public_key != second.public_key
    first.public_key.verify(first.sign(MESSAGE), MESSAGE)


def test_pin_is_asked_for_once(token: Path) -> None:
    asked: list[str] = []

    def person(what: str) -> str:
        asked.append(what)
        return PIN

    signer = open_signer(on_token(None, "object=ecdsa-p256"), person)
    assert asked == []
    signer.sign(MESSAGE)
    signer.sign(MESSAGE)
    assert len(asked) == 1
    assert "PIN of pkcs11:token=holdfast" in asked[0]
    with pytest.raises(TrustError, match="nobody can be asked here"):
        open_signer(on_token(None, "object=ecdsa-p256")).sign(MESSAGE)


def test_wrong_pin_is_named_and_not_shown(token: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "pin"
    wrong.write_text("canary-wrong")
    wrong.chmod(0o600)
    with pytest.raises(TrustError, match="the token says PinIncorrect") as caught:
        open_signer(on_token(wrong, "object=ecdsa-p256")).sign(MESSAGE)
    assert "canary" not in str(caught.value)
    wrong.chmod(0o644)
    with pytest.raises(TrustError, match="mode 0644 lets others read the PIN"):
        open_signer(on_token(wrong, "object=ecdsa-p256")).sign(MESSAGE)


@pytest.mark.parametrize("name", ["object=p521", "object=rsa"])
def test_other_kinds_are_refused(token: Path, name: str) -> None:
    with pytest.raises(TrustError, match="a key of another kind; expected Ed25519, or ECDSA on P-256 or P-384"):
        public_key_of(on_token(token, name))


def test_what_is_not_there(token: Path, tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="has no public key of that name"):
        open_signer(on_token(token, "object=absent"))
    with pytest.raises(TrustError, match="the token says NoSuchToken"):
        open_signer(key_ref(f"pkcs11:token=absent;object=x?module-path={MODULE}", Path("/")))
    with pytest.raises(TrustError, match="no PKCS#11 library could be loaded"):
        open_signer(key_ref(f"pkcs11:token=absent;object=x?module-path={tmp_path}/absent.so", Path("/")))


def test_token_whose_private_half_is_another_keys(token: Path, tmp_path: Path) -> None:
    """A token can be filled so that a label names two keys' halves: what it signs is verified before it is used."""
    for number, name in enumerate(("one", "two"), 1):
        openssl(
            "genpkey",
            "-algorithm",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-outform",
            "DER",
            "-out",
            tmp_path / name,
        )
        openssl(
            "pkey",
            "-inform",
            "DER",
            "-in",
            tmp_path / name,
            "-pubout",
            "-outform",
            "DER",
            "-out",
            tmp_path / f"{name}.pub",
        )
        assert number
    tool("--write-object", str(tmp_path / "one"), "--type", "privkey", "--label", "mixed", "--id", "20")
    tool("--write-object", str(tmp_path / "two.pub"), "--type", "pubkey", "--label", "mixed", "--id", "20")
    with pytest.raises(TrustError, match="the token's private key is not that of its public key"):
        open_signer(on_token(token, "object=mixed")).sign(MESSAGE)


def test_child_of_a_process_that_signed_can_sign(token: Path, tmp_path: Path) -> None:
    """Ansible's workers are forks, and a token's library must be started again in each."""
    signer = open_signer(on_token(token, "object=ecdsa-p256"))
    signer.sign(MESSAGE)
    child = os.fork()
    if not child:
        try:
            (tmp_path / "made").write_bytes(signer.sign(MESSAGE))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    signer.public_key.verify((tmp_path / "made").read_bytes(), MESSAGE)
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)
    assert isinstance(signer.public_key, PublicKey)


def test_site_whose_keys_are_on_a_token(token: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Root, controller and log on the token: the site is founded, a version published, and all of it audited."""
    site = tmp_path / "clinic"
    assert main(["init", str(site), "--without-keys"]) == 0
    names = {"root": "ecdsa-p384", "implementer": "ecdsa-p256", "log": "ed25519"}
    with (site / "site.yml").open("a") as file:
        file.write("keys:\n")
        for role, label in names.items():
            file.write(f"  {role}: {on_token(token, f'object={label}')}\n")
    assert main(["init", str(site), "--keys-only"]) == 0
    assert sorted(path.name for path in (site / "keys").iterdir()) == ["requester.pem", "verifier.pem"]
    capsys.readouterr()
    assert main(["key", "list", "--site", str(site), "--format", "json"]) == 0
    listed = {one["role"]: (one["kept"], one["type"]) for one in json.loads(capsys.readouterr().out)}
    assert listed == {
        **{role: ("pkcs11", label) for role, label in names.items()},
        "requester": ("plain", "ed25519"), "verifier": ("plain", "ed25519"),
    }  # fmt: skip
    text = (site / "trust.yml").read_text()
    (site / "trust.yml").write_text(
        text.replace("version: 1", "version: 2", 1).replace("[requester]", "[requester, approver]")
    )
    assert main(["trust", "publish", "--site", str(site)]) == 0
    assert main(["audit", "--site", str(site)]) == 0
    settings = (site / "site.yml").read_text()
    (site / "site.yml").write_text(settings.replace("object=ed25519", "object=ecdsa-p256"))
    assert main(["key", "list", "--site", str(site)]) == 1
    assert "controller is implementer, not log" in capsys.readouterr().err
