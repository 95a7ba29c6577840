# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices go out by a real program and to a real server; what would betray a secret, or lose a notice, is said."""

from __future__ import annotations

import email
import email.policy
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.sending import read_channels
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.lineage import Lineage
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.notices import Finding, Notice, notice
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.baseline import Control
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.problems import SiteFilesError

from tests.watching import Sink, listening, mailer

PRODUCT = Path(__file__).resolve().parents[5]
AT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
CONTROL = Control("ssh-01", "Root cannot log in over SSH", "It protects claims.", "high", ("164.312(d)",), {})
LINE = Lineage("billing-1", "ssh-01", "fail", first_seen=AT, last_seen=AT, times_seen=2, failures=1)
FINDING = Finding(CONTROL, "revenue-cycle", LINE)
TOLD = Notice("demo", AT, "run_abc", (FINDING,), ())
SAID = (
    "holdfast demo: drift: 1 failure on 1 host: billing-1 ssh-01 high (owner revenue-cycle), wrong since "
    "2026-11-21 22:00:00 UTC, seen 2 times, last 2026-11-21 22:00:00 UTC: Root cannot log in over SSH"
)


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A webhook's receiver."""
    with listening() as found:
        yield found


def lost(root: Path, said: dict[str, Any], told: Notice = TOLD) -> list[str]:
    """Write notices.yml, send, and return what did not arrive."""
    (root / "notices.yml").write_text(yaml.safe_dump(said))
    return read_channels(root).send(told)


def test_the_line_names_owner_severity_first_sight_and_repeats() -> None:
    assert TOLD.line == SAID
    more = Notice("demo", AT, "run_abc", (FINDING, FINDING), ())
    assert more.line.endswith("Root cannot log in over SSH (and 1 more)")
    failed = Notice("demo", AT, None, (), ("no answer from billing-2",))
    assert (failed.kind, failed.line) == ("not_evaluated", "holdfast demo: could not check: no answer from billing-2")
    assert notice("demo", AT, "run_abc", (), ()) is None


def test_mail_goes_through_the_program(tmp_path: Path) -> None:
    program = mailer(tmp_path)
    mail = {"to": ["it@example.org", "security@example.org"], "from": "holdfast@example.org", "program": str(program)}
    assert lost(tmp_path, {"mail": mail}) == []
    message = email.message_from_bytes((tmp_path / "outbox").read_bytes(), policy=email.policy.default)
    assert message["To"] == "it@example.org, security@example.org"
    assert str(message["Subject"]) == SAID
    assert SAID in message.get_content()
    assert (tmp_path / "arguments").read_text().split() == ["-i", "-t"]


def test_no_line_break_reaches_a_header(tmp_path: Path) -> None:
    program = mailer(tmp_path)
    problem = "no answer\nBcc: everyone@example.org"
    mail = {"to": ["it@example.org"], "from": "holdfast@example.org", "program": str(program)}
    assert lost(tmp_path, {"mail": mail}, Notice("demo", AT, None, (), (problem,))) == []
    message = email.message_from_bytes((tmp_path / "outbox").read_bytes(), policy=email.policy.default)
    assert message["Bcc"] is None
    assert "Bcc: everyone" in str(message["Subject"])


def test_a_mail_program_that_fails_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho queue is full >&2; exit 75\n")
    broken.chmod(0o755)
    mail = {"to": ["it@example.org"], "from": "holdfast@example.org"}
    (said,) = lost(tmp_path, {"mail": {**mail, "program": "broken"}})
    assert said.endswith("left with 75: queue is full")
    (said,) = lost(tmp_path, {"mail": {**mail, "program": "none"}})
    assert "No such file" in said


def test_a_webhook_gets_json_and_the_token_of_its_file(tmp_path: Path, sink: Sink) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    token.chmod(0o600)
    assert lost(tmp_path, {"webhook": {"url": sink.url, "token_file": "token"}}) == []
    (taken,), (headers,) = sink.taken, sink.headers
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["Content-Type"] == "application/json"
    assert (taken["schema"], taken["kind"], taken["text"]) == ("holdfast/notice/v1", "drift", SAID)
    (finding,) = taken["findings"]
    assert finding["owner"] == "revenue-cycle"
    assert finding["severity"] == "high"
    assert finding["first_seen"] == "2026-11-21T22:00:00.000Z"
    assert finding["repeats"] == 2


def test_an_address_that_is_a_secret_stays_in_its_file(tmp_path: Path, sink: Sink) -> None:
    hidden = tmp_path / "hook"
    hidden.write_text(f"{sink.url}?key=s3cret\n")
    hidden.chmod(0o600)
    assert lost(tmp_path, {"webhook": {"url_file": "hook"}}) == []
    assert len(sink.taken) == 1
    sink.status = 500
    (said,) = lost(tmp_path, {"webhook": {"url_file": "hook"}})
    assert said == "notices.yml: webhook: 127.0.0.1 answered 500; the notice was not taken"
    hidden.write_text("ftp://127.0.0.1/s3cret")
    (said,) = lost(tmp_path, {"webhook": {"url_file": "hook"}})
    assert "holds no http or https address" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_can_read_or_write_is_refused(tmp_path: Path, sink: Sink, mode: int) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    token.chmod(mode)
    (said,) = lost(tmp_path, {"webhook": {"url": sink.url, "token_file": "token"}})
    assert "others can read it; run chmod 600" in said
    assert sink.taken == []


@pytest.mark.parametrize("content", [b"", b"two words", b"two\nlines", b"\xff\xfe"])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, sink: Sink, content: bytes) -> None:
    token = tmp_path / "token"
    token.write_bytes(content)
    token.chmod(0o600)
    (said,) = lost(tmp_path, {"webhook": {"url": sink.url, "token_file": "token"}})
    assert "webhook.token_file" in said
    assert sink.taken == []


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_redirect_is_not_followed_with_the_token(tmp_path: Path, sink: Sink, status: int) -> None:
    with listening() as stranger:
        sink.status, sink.location = status, stranger.url
        (said,) = lost(tmp_path, {"webhook": {"url": sink.url}})
        assert f"answered {status}" in said
        assert stranger.taken == []


def test_one_way_that_fails_does_not_keep_the_other_back(tmp_path: Path, sink: Sink) -> None:
    mail = {"to": ["it@example.org"], "from": "holdfast@example.org", "program": "none"}
    assert len(lost(tmp_path, {"mail": mail, "webhook": {"url": sink.url}})) == 1
    assert len(sink.taken) == 1


def test_without_a_file_nothing_is_sent(tmp_path: Path) -> None:
    assert read_channels(tmp_path).send(TOLD) == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"mail": {"to": ["it@example.org"]}}, "no from"),
        ({"mail": {"to": [], "from": "holdfast@example.org"}}, "mail.to"),
        ({"mail": {"to": ["it@example.org\nBcc: x@example.org"], "from": "holdfast@example.org"}}, "a mail address"),
        ({"webhook": {"url": "https://user:s3cret@example.org/"}}, "name it with url_file or token_file"),
        ({"webhook": {"url": "file:///etc/passwd"}}, "an http or https address"),
        ({"webhook": {"url": "https://example.org/", "url_file": "hook"}}, "exactly one of url, url_file"),
        ({"webhook": {"url": "https://example.org/", "token": "s3cret"}}, "an unknown key"),
        ({"chat": {}}, "an unknown key"),
    ],
)
def test_a_file_that_is_not_acceptable_is_refused(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    with pytest.raises(SiteFilesError, match=message) as caught:
        lost(tmp_path, said)
    assert "s3cret" not in str(caught.value)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that no authority signed, and its key, in one file."""
    path = tmp_path / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    path.write_text(path.read_text() + (tmp_path / "cert.pem").read_text())
    return path


def test_a_server_that_nobody_vouches_for_gets_nothing(tmp_path: Path, certificate: Path) -> None:
    with listening(certificate) as server:
        (said,) = lost(tmp_path, {"webhook": {"url": server.url}})
        assert "certificate verify failed" in said
        assert server.taken == []
        # The same server, vouched for: so it was the certificate that kept the notice back.
        program = (
            "import sys; from tests.unit.plugins.plugin_utils.edge.test_sending import TOLD, read_channels, Path; "
        )
        program += "sys.exit(len(read_channels(Path(sys.argv[1])).send(TOLD)))"
        environment = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "cert.pem")}
        environment["PYTHONPATH"] = f"{PRODUCT}:{PRODUCT / 'collections'}"
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environment, timeout=60, check=False)
        assert (done.returncode, len(server.taken)) == (0, 1)
