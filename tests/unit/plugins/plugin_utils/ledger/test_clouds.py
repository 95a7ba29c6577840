# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in AWS KMS: boto3 against a server that answers GetPublicKey and Sign as AWS documents them; OpenSSL signs.

No cloud is reached from here, so these tests do not show that AWS answers so; Google's and Azure's signers are
securesystemslib's and were not run.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import pae
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.unlock import open_signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.keyref import key_ref

from tests.signing import openssl, openssl_key, openssl_takes

MESSAGE = pae(b'{"any":"payload"}')
KINDS = {"ecdsa-p256": "ECDSA_SHA_256", "ecdsa-p384": "ECDSA_SHA_384"}


class Kms(ThreadingHTTPServer):
    """Two calls of the KMS API; `key` is the one that signs, when it is another than was shown."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.folder = folder
        self.key = ""
        for kind in (*KINDS, "other"):
            openssl_key(folder / kind, kind if kind in KINDS else "ecdsa-p256")


class Answers(BaseHTTPRequestHandler):
    """JSON 1.1 over HTTP, as AWS has it: the call is in X-Amz-Target."""

    server: Kms

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, call = asked["KeyId"].removeprefix("alias/"), self.headers["X-Amz-Target"].removeprefix("TrentService.")
        status, said = 200, getattr(self, call)(kind, asked) if kind in KINDS else {}
        if not said:
            status, said = 400, {"__type": "NotFoundException", "message": f"Alias {kind} is not found."}
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def GetPublicKey(self, kind: str, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # AWS's name
        """Show a key."""
        der = openssl("pkey", "-in", self.server.folder / kind, "-pubout", "-outform", "DER").stdout
        return {"KeyId": kind, "PublicKey": base64.b64encode(der).decode(), "SigningAlgorithms": [KINDS[kind]]}

    def Sign(self, kind: str, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # AWS's name
        """Sign a digest."""
        assert (asked["MessageType"], asked["SigningAlgorithm"]) == ("DIGEST", KINDS[kind])
        (self.server.folder / "digest").write_bytes(base64.b64decode(asked["Message"]))
        key = self.server.folder / (self.server.key or kind)
        made = openssl("pkeyutl", "-sign", "-inkey", key, "-in", self.server.folder / "digest").stdout
        return {"KeyId": kind, "Signature": base64.b64encode(made).decode(), "SigningAlgorithm": KINDS[kind]}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """Say nothing."""


@pytest.fixture
def kms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    """A server on the loopback, and the environment that leads boto3 there."""
    server = Kms(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{server.server_address[1]}")
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "canary", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.mark.usefixtures("kms")
@pytest.mark.parametrize("kind", list(KINDS))
def test_cloud_signs_what_openssl_verifies(tmp_path: Path, kind: str) -> None:
    signer = open_signer(key_ref(f"awskms:alias/{kind}", tmp_path))
    assert signer.public_key.kind == kind
    assert signer.public_key.pem == openssl("pkey", "-in", tmp_path / kind, "-pubout").stdout.decode()
    for attempt in range(6):
        message = MESSAGE + b"%d" % attempt
        signature = signer.sign(message)
        signer.public_key.verify(signature, message)
        assert openssl_takes(signer.public_key, signature, message, tmp_path)


def test_signature_of_another_key_is_refused(kms: Kms) -> None:
    signer = open_signer(key_ref("awskms:alias/ecdsa-p256", kms.folder))
    kms.key = "other"
    with pytest.raises(TrustError, match="awskms:alias/ecdsa-p256: signature: not made by key"):
        signer.sign(MESSAGE)


@pytest.mark.usefixtures("kms")
def test_refusal_says_why(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match=r"NotFoundException.*Alias absent is not found") as caught:
        open_signer(key_ref("awskms:alias/absent", tmp_path))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "gcpkms:projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
        "azurekms://clinic.vault.azure.net/keys/controller",
    ],
)
def test_missing_library_is_named_with_what_installs_it(tmp_path: Path, text: str) -> None:
    ref = key_ref(text, tmp_path)
    with pytest.raises(TrustError, match=r"pip install 'holdfast\[(gcp|azure)\]'"):
        open_signer(ref)
