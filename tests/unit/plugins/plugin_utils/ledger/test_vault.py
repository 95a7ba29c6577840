# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in Vault's transit engine: hvac over TLS against a server that answers as Vault's HTTP API is documented to.

No Vault comes from the registries that this project uses, so these tests do not show that a real one answers so.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import pae
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.kinds import PLAIN
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.unlock import open_signer, protection_of
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.keyref import KeyRef, key_ref

from tests.signing import openssl, openssl_key, openssl_takes

MESSAGE = pae(b'{"any":"payload"}')
TOKEN = "hvs.canary"


class Vault(ThreadingHTTPServer):
    """Transit's two calls, read a key and sign; OpenSSL signs. `spoil` changes an answer before it is sent."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.folder = folder
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.spoil: dict[str, Any] = {}
        for kind in PLAIN:
            for version in (1, 2):
                openssl_key(folder / f"{kind}-{version}.pem", kind)
        words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        openssl(*words, *names, "-keyout", folder / "tls.key", "-out", folder / "tls.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "tls.pem", folder / "tls.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def public(self, kind: str, version: int) -> str:
        """Return a public key as Vault gives it: base64 of Ed25519, PEM of the others."""
        path = self.folder / f"{kind}-{version}.pem"
        if kind != "ed25519":
            return openssl("pkey", "-in", path, "-pubout").stdout.decode()
        return base64.b64encode(openssl("pkey", "-in", path, "-pubout", "-outform", "DER").stdout[-32:]).decode()

    def sign(self, kind: str, asked: dict[str, Any]) -> str:
        """Return a signature as Vault gives it."""
        path, message = self.folder / f"{kind}-{asked['key_version']}.pem", self.folder / "message"
        message.write_bytes(base64.b64decode(asked["input"]))
        if kind == "ed25519":
            assert "hash_algorithm" not in asked
            made = openssl("pkeyutl", "-sign", "-inkey", path, "-rawin", "-in", message).stdout
        else:
            assert asked["marshaling_algorithm"] == "asn1"
            digest = {"sha2-256": "-sha256", "sha2-384": "-sha384"}[asked["hash_algorithm"]]
            made = openssl("dgst", digest, "-sign", path, message).stdout
        return f"vault:v{asked['key_version']}:{base64.b64encode(made).decode()}"


class Answers(BaseHTTPRequestHandler):
    """GET /v1/MOUNT/keys/NAME and POST /v1/MOUNT/sign/NAME, for whoever shows the token."""

    server: Vault

    def do_GET(self) -> None:
        self.answer({})

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, asked: dict[str, Any]) -> None:
        """Answer one request."""
        _v1, *mount, verb, kind = self.path.strip("/").split("/")[:5]
        if verb not in ("keys", "sign"):  # hvac puts the hash into the path as well
            *mount, verb, kind = self.path.strip("/").split("/")[1:-1]
        self.server.asked.append((self.path, self.headers.get("X-Vault-Namespace", ""), asked))
        status, said = 200, {"data": {**self.data(verb, kind, asked), **self.server.spoil}}
        if self.headers.get("X-Vault-Token") != TOKEN:
            status, said = 403, {"errors": ["permission denied"]}
        elif mount != ["transit"]:
            status, said = 404, {"errors": ["no handler for route"]}
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def data(self, verb: str, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what the answer holds."""
        if verb == "sign":
            return {"signature": self.server.sign(kind, asked)}
        if kind not in PLAIN:
            return {"type": "rsa-2048", "keys": {"1": {"public_key": "x"}}}
        return {"type": kind, "keys": {str(n): {"public_key": self.server.public(kind, n)} for n in (1, 2)}}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """Say nothing."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """A server on the loopback, with a token in a file."""
    server = Vault(tmp_path_factory.mktemp("vault"))
    (server.folder / "token").write_text(TOKEN + "\n")
    (server.folder / "token").chmod(0o600)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def vault(served: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """The server, nothing spoilt; and an environment that would lead elsewhere, if it were read."""
    for name in ("VAULT_ADDR", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "https://127.0.0.1:1")
    monkeypatch.setenv("VAULT_TOKEN", "hvs.wrong")
    served.spoil = {}
    served.asked = []
    return served


def in_vault(vault: Vault, name: str, *more: str, mount: str = "transit") -> KeyRef:
    """Return the reference of a key."""
    host = f"localhost:{vault.server_address[1]}"
    parameters = "&".join(["token-file=token", "ca-file=tls.pem", *more])
    return key_ref(f"vault://{host}/{mount}/{name}?{parameters}", vault.folder)


@pytest.mark.parametrize("kind", PLAIN)
def test_vault_signs_what_openssl_verifies(vault: Vault, tmp_path: Path, kind: str) -> None:
    signer = open_signer(in_vault(vault, kind))
    assert signer.public_key.kind == kind
    assert signer.public_key.pem == openssl("pkey", "-in", vault.folder / f"{kind}-2.pem", "-pubout").stdout.decode()
    for attempt in range(6):
        message = MESSAGE + b"%d" % attempt
        signature = signer.sign(message)
        signer.public_key.verify(signature, message)
        assert openssl_takes(signer.public_key, signature, message, tmp_path)


def test_version_and_namespace(vault: Vault) -> None:
    signer = open_signer(in_vault(vault, "ed25519", "version=1", "namespace=clinic"))
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)
    assert {namespace for _path, namespace, _asked in vault.asked} == {"clinic"}
    assert vault.asked[-1][2]["key_version"] == 1
    with pytest.raises(TrustError, match="has no version 3; the newest is 2"):
        open_signer(in_vault(vault, "ed25519", "version=3"))
    assert protection_of(in_vault(vault, "ed25519")) == "vault"


def test_refusal_says_why_and_shows_no_token(vault: Vault, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("hvs.canary-wrong")
    wrong.chmod(0o600)
    ref = key_ref(in_vault(vault, "ed25519").text.replace("token-file=token", f"token-file={wrong}"), vault.folder)
    with pytest.raises(TrustError, match="Vault refused: permission denied") as caught:
        open_signer(ref)
    assert "canary" not in str(caught.value)
    wrong.chmod(0o640)
    with pytest.raises(TrustError, match="mode 0640 lets others read the token"):
        open_signer(ref)
    with pytest.raises(TrustError, match="Vault refused: no handler for route"):
        open_signer(in_vault(vault, "ed25519", mount="other"))
    with pytest.raises(TrustError, match="a key of type 'rsa-2048'"):
        open_signer(in_vault(vault, "rsa"))


def test_server_that_nobody_vouches_for_gets_no_token(vault: Vault) -> None:
    ref = key_ref(in_vault(vault, "ed25519").text.replace("&ca-file=tls.pem", ""), vault.folder)
    with pytest.raises(TrustError, match=r"no answer from Vault \(SSLError\)"):
        open_signer(ref)
    assert vault.asked == []
    with pytest.raises(TrustError, match="no answer from Vault"):
        open_signer(key_ref("vault://localhost:1/transit/x?token-file=token", vault.folder))


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"signature": "vault:v1:AAAA"}, "no signature of version 2"),
        ({"signature": "vault:v2:!!!!"}, "no signature of version 2"),
        ({"signature": ""}, "no signature of version 2"),
        ({"signature": f"vault:v2:{base64.b64encode(bytes(64)).decode()}"}, "not made by key"),
    ],
)
def test_answer_that_is_no_signature_is_refused(vault: Vault, spoilt: dict[str, str], said: str) -> None:
    signer = open_signer(in_vault(vault, "ed25519"))
    vault.spoil = spoilt
    with pytest.raises(TrustError, match=said):
        signer.sign(MESSAGE)


def test_public_key_of_another_kind_than_vault_says(vault: Vault) -> None:
    vault.spoil = {"type": "ecdsa-p384"}
    with pytest.raises(TrustError, match="Vault says ecdsa-p384, its key is ecdsa-p256"):
        open_signer(in_vault(vault, "ecdsa-p256"))
    vault.spoil = {"keys": {"1": {"public_key": "none"}}}
    with pytest.raises(TrustError, match="holds no public key of type ed25519"):
        open_signer(in_vault(vault, "ed25519"))
