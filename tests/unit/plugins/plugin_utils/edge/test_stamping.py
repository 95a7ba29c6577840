# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""RFC 3161 tokens by an authority that is OpenSSL's: asked for over HTTP, verified by us and by `openssl ts`."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main

CONFIG = """
[tsa]
default_tsa = here
[here]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
certs = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[stamping]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[req]
distinguished_name = name
[name]
"""


class Authority:
    """A time stamping authority in a folder; `spoil` makes it answer to another question."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.spoil = folder, False
        folder.mkdir()
        (folder / "config").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        new = ("req", "-config", "config", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self.openssl(*new, "-x509", "-days", "2", "-subj", "/CN=Root", "-extensions", "root", "-keyout", "ca.key",
                     "-out", "ca.pem")  # fmt: skip
        self.openssl(*new, "-subj", "/CN=TSA", "-keyout", "tsa.key", "-out", "tsa.csr")
        self.openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-extfile",
                     "config", "-extensions", "stamping", "-set_serial", "7", "-out", "tsa.pem")  # fmt: skip

    def openssl(self, *words: str, said: bytes = b"", code: int = 0) -> bytes:
        """Run OpenSSL in the folder."""
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, input=said, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stderr.decode()
        return done.stdout

    def reply(self, query: bytes) -> bytes:
        """Return the answer to a question."""
        if self.spoil:
            query = self.openssl("ts", "-query", "-data", "config", "-sha256", "-cert")
        (self.folder / "query").write_bytes(query)
        return self.openssl("ts", "-reply", "-config", "config", "-queryfile", "query")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority with a root of its own."""
    return Authority(tmp_path_factory.mktemp("tsa") / "here")


@pytest.fixture
def url(authority: Authority) -> Iterator[str]:
    """Where the authority answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = authority.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A new site, whose ledger holds its trust document."""
    assert main(["init", str(tmp_path / "clinic")]) == 0
    return tmp_path / "clinic"


def test_head_is_stamped_and_both_verifiers_agree(
    authority: Authority, url: str, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ca, out = authority.folder / "ca.pem", tmp_path / "stamps"
    words = ["ledger", "timestamp", "--url", url, "--ca", str(ca), "--out", str(out), "--site", str(site)]
    assert main(words) == 0
    token, head = out / "1.tsr", out / "1.checkpoint"
    assert f"{head} existed at 20" in capsys.readouterr().out
    assert main(["ledger", "verify-timestamp", str(token), str(head), "--ca", str(ca)]) == 0
    verify = ("ts", "-verify", "-in", str(token), "-data", str(head), "-CAfile", "ca.pem")
    assert b"Verification: OK" in authority.openssl(*verify)

    original = head.read_bytes()
    head.write_bytes(original.replace(b"\n1\n", b"\n2\n"))
    authority.openssl(*verify, code=1)
    assert main(["ledger", "verify-timestamp", str(token), str(head), "--ca", str(ca)]) == 3
    head.write_bytes(original)
    data = token.read_bytes()
    told = data.index(sha256(original).digest())
    when = data.index(b"\x18\x0f20", told)  # a GeneralizedTime, the first after what was stamped
    # What is stamped and when; then the last bytes, which are the signature. Around them a message in CMS has a few
    # bytes that nobody signs.
    for place in (*range(told, told + 32), *range(when, when + 17), *range(len(data) - 12, len(data))):
        token.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert main(["ledger", "verify-timestamp", str(token), str(head), "--ca", str(ca)]) == 3, f"byte {place}"
        authority.openssl(*verify, code=1)
    for cut in (0, 1, 100, len(data) - 1):
        token.write_bytes(data[:cut])
        assert main(["ledger", "verify-timestamp", str(token), str(head), "--ca", str(ca)]) == 3, f"cut at {cut}"
    token.write_bytes(data)
    other = Authority(tmp_path / "other")
    assert main(["ledger", "verify-timestamp", str(token), str(head), "--ca", str(other.folder / "ca.pem")]) == 3


def test_answer_to_another_question_or_none_is_refused_and_nothing_kept(
    authority: Authority, url: str, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ca, out = authority.folder / "ca.pem", tmp_path / "stamps"
    words = ["ledger", "timestamp", "--ca", str(ca), "--out", str(out), "--site", str(site), "--url"]
    authority.spoil = True
    assert main([*words, url]) == 3
    authority.spoil = False
    assert main([*words, f"{url}other"]) == 3
    assert "nothing was stamped" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*words, "ftp://192.0.2.1/"])
    assert not out.exists()
