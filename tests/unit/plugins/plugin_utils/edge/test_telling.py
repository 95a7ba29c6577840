# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages reach a real mail server and a real webhook, each once; what betrays a secret or is lost is said."""

from __future__ import annotations

import email
import email.policy
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.sending import read_channels
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.telling import TellingError, memory, tell, ways
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.messages import Message
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.problems import SiteFilesError

from tests.change_cases import when
from tests.watching import Sink, listening

NOW = when("2026-11-24 15:00")
MESSAGE = Message("1d8e", "chg_1", "before", "payers", "First Payer", "Planned: tonight", "Claims wait.\n",
                  "<p>Claims wait.</p>", NOW)  # fmt: skip


@dataclass
class Box:
    """What a mail server took, and what it refuses."""

    port: int = 0
    refuse: str = ""
    taken: list[Any] = field(default_factory=list)
    users: list[bytes] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - the server's own name for it
        if address == self.refuse:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the server's own name for it
        self.taken.append(envelope)
        return "250 OK"

    def mail(self, number: int = 0) -> EmailMessage:
        found = email.message_from_bytes(self.taken[number].content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


@pytest.fixture(scope="module", name="certificate")
def a_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", path, "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


class _Server(Controller):
    def __init__(self, box: Box, context: ssl.SSLContext | None) -> None:
        self._box, self._context = box, context
        super().__init__(box, hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        def check(_server: Any, _session: Any, _envelope: Any, _way: str, data: Any) -> AuthResult:
            assert isinstance(data, LoginPassword)
            self._box.users.append(data.login)
            return AuthResult(success=data.password == b"right", handled=False)

        secured = {"tls_context": self._context, "require_starttls": True} if self._context else {}
        return SMTP(self.handler, authenticator=check, **secured)

    def _trigger_server(self) -> None:
        """Learn the port that the system chose."""
        self.port = self._box.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def serving(box: Box, certificate: Path | None) -> _Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
    if context and certificate:
        context.load_cert_chain(certificate)
    server = _Server(box, context)
    server.start()
    return server


@pytest.fixture(name="box")
def a_mail_server(certificate: Path) -> Iterator[Box]:
    box = Box()
    server = serving(box, certificate)
    yield box
    server.stop()


@pytest.fixture(name="plain")
def a_mail_server_without_tls() -> Iterator[Box]:
    box = Box()
    server = serving(box, None)
    yield box
    server.stop()


@pytest.fixture(name="sink")
def a_webhook() -> Iterator[Sink]:
    with listening() as found:
        yield found


def site(root: Path, smtp: dict[str, Any], **changes: Any) -> Path:
    said = {
        "mail": {"from": "changes@example.org", "to": ["ops@example.org"], "smtp": {"host": "localhost", **smtp}},
        "changes": {"payers": {"First Payer": ["a@example.org", "b@example.org"]}, **changes},
    }
    (root / "notices.yml").write_text(yaml.safe_dump(said))
    return root


def send(root: Path, message: Message = MESSAGE) -> tuple[list[str], list[str]]:
    with memory(root, write=True) as known:
        return tell(read_channels(root), message, known, NOW)


def test_a_message_goes_by_mail_and_webhook_once(tmp_path: Path, box: Box, certificate: Path, sink: Sink) -> None:
    (tmp_path / "token").write_text("canary-token\n")
    (tmp_path / "token").chmod(0o600)
    hook = {"url": sink.url, "token_file": "token"}
    root = site(tmp_path, {"port": box.port, "ca_file": str(certificate)}, webhook=hook)
    assert send(root) == (["mail", "webhook"], [])
    assert send(root) == ([], []), "told twice"
    assert len(box.taken) == len(sink.taken) == 1
    mail = box.mail()
    assert box.taken[0].rcpt_tos == ["a@example.org", "b@example.org"]
    assert (mail["Subject"], mail["Message-ID"]) == ("Planned: tonight", "<1d8e@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert [one.get_content().splitlines() for one in (text, page)] == [["Claims wait."], ["<p>Claims wait.</p>"]]
    assert sink.headers[0]["Idempotency-Key"] == "1d8e"
    assert sink.headers[0]["Authorization"] == "Bearer canary-token"
    assert sink.taken[0] == MESSAGE.to_dict()
    assert (root / "notices" / "sent.jsonl").stat().st_mode & 0o077 == 0
    with memory(root, write=False) as known:
        assert known.announced("chg_1") == {("payers", "First Payer"): NOW}


def test_what_one_way_lost_goes_that_way_again_and_no_other(
    tmp_path: Path, box: Box, certificate: Path, sink: Sink
) -> None:
    sink.status = 500
    root = site(tmp_path, {"port": box.port, "ca_file": str(certificate)}, webhook={"url": sink.url})
    went, lost = send(root)
    assert went == ["mail"]
    assert lost == ["notices.yml: webhook: 127.0.0.1 answered 500; the notice was not taken"]
    sink.status = 204
    assert send(root) == (["webhook"], [])
    assert len(box.taken) == 1


def test_a_password_goes_by_tls_alone_and_only_where_the_certificate_is_trusted(
    tmp_path: Path, box: Box, certificate: Path
) -> None:
    (tmp_path / "password").write_text("right\n")
    (tmp_path / "password").chmod(0o600)
    account = {"port": box.port, "user": "holdfast", "password_file": "password"}
    went, lost = send(site(tmp_path, account))
    assert went == []
    assert "certificate verify failed" in lost[0]
    assert box.users == [], "the password went to a server that nobody vouches for"
    assert send(site(tmp_path, {**account, "ca_file": str(certificate)})) == (["mail"], [])
    assert box.users == [b"holdfast"]


def test_a_wrong_password_is_said_without_it(tmp_path: Path, box: Box, certificate: Path) -> None:
    (tmp_path / "password").write_text("canary-password\n")
    (tmp_path / "password").chmod(0o600)
    smtp = {"port": box.port, "user": "holdfast", "password_file": "password", "ca_file": str(certificate)}
    _went, lost = send(site(tmp_path, smtp))
    assert lost == [f"notices.yml: mail.smtp: localhost:{box.port}: answered 535; the notice was not taken"]
    (tmp_path / "password").chmod(0o644)
    assert "others can read it; run chmod 600 on it" in send(site(tmp_path, smtp))[1][0]


def test_a_server_that_offers_no_tls_gets_nothing(tmp_path: Path, plain: Box) -> None:
    went, lost = send(site(tmp_path, {"port": plain.port}))
    assert (went, plain.taken) == ([], [])
    assert "STARTTLS" in lost[0]
    assert send(site(tmp_path, {"port": plain.port, "tls": "none"})) == (["mail"], [])


def test_an_address_that_is_refused_is_named(tmp_path: Path, plain: Box) -> None:
    plain.refuse = "b@example.org"
    went, lost = send(site(tmp_path, {"port": plain.port, "tls": "none"}))
    assert went == []
    assert "did not take b@example.org; the others have it" in lost[0]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"mail": {"from": "a@b.c", "to": ["a@b.c"], "smtp": {"host": "mail.example.org", "tls": "none"}}},
         "mail.smtp.tls"),
        ({"mail": {"from": "a@b.c", "to": ["a@b.c"], "smtp": {"host": "h", "user": "u"}}},
         "one of user and password_file"),
        ({"mail": {"from": "a@b.c", "to": ["a@b.c"], "program": "x", "smtp": {"host": "h"}}}, "both program and smtp"),
        ({"changes": {"users": ["a@b.c"]}}, "add mail"),
        ({"changes": {"clinics": ["a@b.c"]}}, "clinics by name"),
        ({"changes": {"patients": ["a@b.c"]}}, "an unknown key"),
        ({"changes": {"users": ["a@b.c\nBcc: x@y.z"]}}, "a mail address"),
    ],
)  # fmt: skip
def test_what_notices_yml_may_not_say(tmp_path: Path, said: dict[str, Any], fault: str) -> None:
    (tmp_path / "notices.yml").write_text(yaml.safe_dump(said))
    with pytest.raises(SiteFilesError) as caught:
        read_channels(tmp_path)
    assert fault in str(caught.value)


def test_a_party_has_its_own_addresses_and_others_none(tmp_path: Path) -> None:
    channels = read_channels(site(tmp_path, {}, users=["all@example.org"]))
    assert ways(channels, MESSAGE) == {"mail": ["a@example.org", "b@example.org"]}
    assert ways(channels, Message("2", "chg_1", "before", "payers", "Second Payer", "", "", "", None)) == {}
    everybody = Message("3", "chg_1", "before", "users", "", "", "", "", None)
    assert ways(channels, everybody) == {"mail": ["all@example.org"]}


def test_a_memory_that_cannot_be_read_tells_nobody_anything(tmp_path: Path, plain: Box) -> None:
    root = site(tmp_path, {"port": plain.port, "tls": "none"})
    (root / "notices").mkdir()
    (root / "notices" / "sent.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(TellingError, match=r"sent\.jsonl:1: no line of ours"):
        send(root)
    assert plain.taken == []
