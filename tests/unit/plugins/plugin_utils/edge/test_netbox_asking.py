# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a NetBox over HTTP: its pages to the end, its token to nobody else, and no answer of any size."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.netbox_asking import (
    NoNetBoxError,
    results_of,
    token_of,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import UsageError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.netbox import PAGE

from tests.site_cases import CASES

ROWS = {
    f"/api/{path}/": json.loads((CASES / "netbox" / f"{path.rpartition('/')[2]}.json").read_text())["results"]
    for path in ("dcim/devices", "virtualization/virtual-machines", "ipam/ip-addresses")
}


class NetBox(ThreadingHTTPServer):
    """A server that pages as NetBox does, two results a page; `twist` says what is wrong with its answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.twist = ""
        self.asked: list[tuple[str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: NetBox

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        twist = self.server.twist
        if twist == "forbidden":
            return self._say(403, b'{"detail": "Invalid token"}')
        if twist == "elsewhere":
            return self._say(302, b"", {"Location": "http://127.0.0.1:1/"})
        if twist == "huge":
            return self._say(200, b" " * (PAGE + 1))
        if twist == "page":
            return self._say(200, b"<html>log in</html>")
        asked = parse_qs(parts.query)
        start = int(asked.get("offset", ["0"])[0])
        rows = ROWS[parts.path]
        there = "https://evil.example.org" if twist == "stranger" else self.server.url
        more = f"{there}{parts.path}?limit=2&offset={0 if twist == 'round' else start + 2}"
        following = more if start + 2 < len(rows) or twist in ("round", "empty") else None
        found = [] if twist == "empty" else rows[start : start + 2]
        page = {"count": len(rows), "next": following, "previous": None, "results": found}
        return self._say(200, json.dumps(page).encode())

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def netbox() -> Iterator[NetBox]:
    server = NetBox()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(netbox: NetBox, token: str = "s3cret") -> list[dict[str, Any]]:  # noqa: S107 - of a server of this test's own
    return [one for _where, one in results_of(netbox.url + "/", token, lambda _line: None)]


def test_all_pages_of_all_three_kinds_are_asked_for_with_the_token(netbox: NetBox) -> None:
    assert ask(netbox) == [one for rows in ROWS.values() for one in rows]
    assert len(netbox.asked) == sum(-(-len(rows) // 2) for rows in ROWS.values())
    assert netbox.asked[0] == ("/api/dcim/devices/?limit=500", "Token s3cret")
    assert {token for _path, token in netbox.asked} == {"Token s3cret"}


def test_a_token_of_version_2_is_borne(netbox: NetBox) -> None:
    ask(netbox, "nbt_key.secret")
    assert {token for _path, token in netbox.asked} == {"Bearer nbt_key.secret"}


@pytest.mark.parametrize(
    ("twist", "message"),
    [
        ("forbidden", "answered 403 Forbidden; expected 200; check the token and its rights"),
        ("elsewhere", "answered 302 Found; expected 200; check the address"),
        ("huge", "more than 16777216 bytes in one answer"),
        ("round", "its pages do not end"),
        ("empty", "its pages do not end"),
        ("stranger", "its next page is at https://evil.example.org"),
    ],
)
def test_what_does_not_answer_as_netbox_is_an_error_that_says_so(twist: str, message: str, netbox: NetBox) -> None:
    netbox.twist = twist
    with pytest.raises(NoNetBoxError) as caught:
        ask(netbox)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_page_that_is_no_json_is_refused(netbox: NetBox) -> None:
    netbox.twist = "page"
    with pytest.raises(UsageError, match="found no JSON to rely on"):
        ask(netbox)


def test_a_netbox_that_is_not_there_is_said_so(netbox: NetBox) -> None:
    with pytest.raises(NoNetBoxError, match="expected NetBox; check the address, and that it runs"):
        [*results_of("http://127.0.0.1:1", "s3cret", lambda _line: None)]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://netbox.example.org", "would show the token to others; expected https://"),
        ("ftp://netbox.example.org", "is no address of a NetBox"),
        ("file:///etc/passwd", "is no address of a NetBox"),
        ("https://me:secret@netbox.example.org", "is no address of a NetBox"),
        ("https://netbox.example.org/?x=1", "is no address of a NetBox"),
        ("netbox.example.org", "is no address of a NetBox"),
    ],
)
def test_addresses_that_may_not_be_asked_are_refused(url: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        [*results_of(url, "s3cret", lambda _line: None)]
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_token_is_read_from_a_file_only_its_owner_reads_or_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="others can read it; expected mode 0600; run: chmod 600"):
        token_of(file)
    file.chmod(0o600)
    assert token_of(file) == "s3cret"
    monkeypatch.delenv("NETBOX_TOKEN", raising=False)
    with pytest.raises(UsageError, match=r"\$NETBOX_TOKEN: holds no token"):
        token_of(None)
    monkeypatch.setenv("NETBOX_TOKEN", "of-the-environment")
    assert token_of(None) == "of-the-environment"
    file.write_text("two\nlines\n")
    with pytest.raises(UsageError, match="holds no token"):
        token_of(file)
    with pytest.raises(UsageError, match="cannot be read as a token"):
        token_of(tmp_path / "nothing")
