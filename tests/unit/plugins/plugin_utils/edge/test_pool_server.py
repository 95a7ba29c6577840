# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pool's server answers GET and HEAD of a digest of the pool, and nothing that anybody else thinks of."""

from __future__ import annotations

import hashlib
import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.locked import Locked
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.bounded_server import EACH
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool import Pool
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool_server import PoolServer, serve_while
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError

CONTENT = b"package " * 50_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GOOD = f"/sha256/{SHA256[:2]}/{SHA256}"
SECONDS = 10


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    pool = Pool(tmp_path / "pool")
    (tmp_path / "arrived").write_bytes(CONTENT)
    pool.take(tmp_path / "arrived", Locked("toy_1.1_all.deb", len(CONTENT), SHA256))
    (tmp_path / "secret").write_text("nobody's business")
    (pool.folder / "sha256" / "secret").write_text("nobody's business")
    (pool.folder / "incoming" / "secret").write_text("nobody's business")
    return pool


@pytest.fixture
def server(pool: Pool) -> Iterator[PoolServer]:
    said: list[str] = []
    server = PoolServer(pool, "127.0.0.1", 0, said.append)
    server.said = said  # type: ignore[attr-defined]  # for the tests alone
    thread = threading.Thread(target=serve_while, args=(server, None))
    thread.start()
    yield server
    server.shutdown()
    thread.join(SECONDS)
    assert not thread.is_alive()


def ask(server: PoolServer, method: str, path: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=SECONDS)
    connection.putrequest(method, path, skip_host=True)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read(), dict(answer.getheaders())


def test_a_file_of_the_pool_is_handed_out_by_its_digest(server: PoolServer) -> None:
    status, body, headers = ask(server, "GET", GOOD)
    assert (status, body, headers["Content-Length"]) == (200, CONTENT, str(len(CONTENT)))
    status, body, headers = ask(server, "HEAD", GOOD)
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(CONTENT)))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sha256",
        "/sha256/",
        f"/sha256/{SHA256[:2]}",
        f"/sha256/{SHA256[:2]}/",
        "/sha256/secret",
        "/incoming/secret",
        "/../secret",
        "/sha256/../../secret",
        f"/sha256/{SHA256[:2]}/../../../secret",
        "/sha256/%2e%2e/%2e%2e/secret",
        "/sha256/..%2f..%2fsecret",
        f"{GOOD}/../../secret",
        f"{GOOD}?x",
        f"{GOOD}#x",
        f"{GOOD}%00",
        f"/./sha256/{SHA256[:2]}/{SHA256}",
        f"/SHA256/{SHA256[:2]}/{SHA256}",
        f"/sha256/{SHA256[:2]}/{SHA256.upper()}",
        f"/sha256/00/{SHA256}",
        f"/sha256/{SHA256[:2]}/{SHA256[:63]}",
        f"/sha256/00/{'0' * 64}",
        f"http://elsewhere.example.org{GOOD}",
        "/" + "a" * 60_000,
    ],
)
def test_nothing_else_is_there(server: PoolServer, path: str) -> None:
    for method in ("GET", "HEAD"):
        status, body, _headers = ask(server, method, path)
        assert status == 404, path[:80]
        assert b"nobody's business" not in body
        assert SHA256.encode() not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "CONNECT", "TRACE"])
def test_nothing_can_be_done_but_reading(server: PoolServer, pool: Pool, method: str) -> None:
    status, _body, _headers = ask(server, method, GOOD)
    assert status == 501
    assert [one.fault for one in pool.verify() if one.sha256 == SHA256] == [""]


@pytest.mark.parametrize(
    "line", [b"\r\n", b"GET\r\n\r\n", b"\x00\xff\x00\r\n\r\n", b"GET " + b"a" * 70_000 + b"\r\n\r\n"]
)
def test_what_is_no_request_gets_no_file_and_does_no_harm(server: PoolServer, line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=SECONDS) as raw:
        raw.sendall(line)
        raw.shutdown(socket.SHUT_WR)
        said = b""
        while part := raw.recv(65536):
            said += part
    assert CONTENT not in said
    assert ask(server, "GET", GOOD)[0] == 200


def test_a_link_in_the_pool_is_not_followed(server: PoolServer, pool: Pool, tmp_path: Path) -> None:
    stray = "0" * 64
    pool.path(stray).parent.mkdir()
    pool.path(stray).symlink_to(tmp_path / "secret")
    assert ask(server, "GET", f"/sha256/00/{stray}")[0] == 404


def test_one_address_cannot_keep_the_others_out(server: PoolServer) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.server_port), timeout=SECONDS) for _n in range(EACH)]
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=SECONDS) as late:
        assert late.recv(1) == b""  # closed without an answer
    for one in silent:
        one.close()
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            assert ask(server, "GET", GOOD)[0] == 200
            break
        except (http.client.HTTPException, OSError):
            assert time.monotonic() < deadline


def test_what_strangers_send_cannot_forge_lines_of_the_log(server: PoolServer) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=SECONDS) as raw:
        raw.sendall(b"GET /\x1b[2J\x07 HTTP/1.0\r\n\r\n")
        while raw.recv(65536):
            pass
    assert all(line.isprintable() for line in server.said)  # type: ignore[attr-defined]  # see above


def test_an_address_that_is_not_ours_is_refused(pool: Pool) -> None:
    with pytest.raises(HoldfastError, match=r"192\.0\.2\.1 port 0: .*; expected an address of this machine"):
        PoolServer(pool, "192.0.2.1", 0)


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "looks again and again"])
def test_the_server_ends_with_the_process_it_serves_for(
    pool: Pool, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not waits:
        monkeypatch.delattr("os.pidfd_open")
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    server = PoolServer(pool, "127.0.0.1", 0)
    thread = threading.Thread(target=serve_while, args=(server, process.pid), daemon=True)
    thread.start()
    assert ask(server, "GET", GOOD)[0] == 200
    process.communicate(b"\n")
    thread.join(SECONDS)
    assert not thread.is_alive()


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "looks again and again"])
def test_a_server_for_a_process_that_is_gone_does_not_stay(
    pool: Pool, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not waits:
        monkeypatch.delattr("os.pidfd_open")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    server = PoolServer(pool, "127.0.0.1", 0)
    thread = threading.Thread(target=serve_while, args=(server, process.pid), daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive()
