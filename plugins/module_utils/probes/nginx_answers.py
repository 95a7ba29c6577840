# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx_answers: what the running web server does when it is asked: TLS handshakes and requests to its own listeners.

Every server of the configuration is asked under its own name at the addresses it listens at, from the host itself.
"""

from __future__ import annotations

import re
import socket
import ssl
import warnings
from typing import Any, NamedTuple

from . import _nginx_tree as tree
from ._common import Answer, BadArgumentError, not_applicable, not_measured, observed, program
from .nginx import read

TIMEOUT = 2.0
MOST_SERVERS = 24  # a host with more servers than this is asked about the first ones
ASKS = ("certificate_days", "ciphers", "plain_http", "protocols", "tls", "unknown_names", "version")
HEADER = re.compile(r"[A-Za-z][A-Za-z-]*")
PROTOCOLS = ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
STRANGER = "stranger.example.org"
VERSION = re.compile(r"nginx/[0-9]", re.I)
READ_MOST = 16384


class Door(NamedTuple):
    """One server at one address."""

    host: str
    port: int
    tls: bool
    name: str

    def __str__(self) -> str:
        return f"{self.name or 'the default server'} at port {self.port}"


class Reply(NamedTuple):
    """What came back: the status (0 when the connection was closed without an answer), headers, the body's start."""

    status: int
    headers: dict[str, str]
    body: str


SILENT: set[Door] = set()
"""Doors that let a connection time out; dozens of questions, each with its own patience, would take minutes."""


class State:
    """The doors of one host, and what was asked of each at most once."""

    def __init__(self, doors: list[Door]) -> None:
        self.doors = doors
        self._replies: dict[tuple[Door, str, str], Reply] = {}

    def get(self, door: Door, path: str = "/", name: str = "") -> Reply:
        """The answer to GET. Raises OSError when nothing listens."""
        key = (door, path, name)
        if key not in self._replies:
            self._replies[key] = request(door, path, name or door.name)
        return self._replies[key]

    def closed(self) -> list[Door]:
        """The doors that nobody opens."""
        shut = []
        for door in self.doors:
            try:
                with connect(door):
                    pass
            except OSError:
                shut.append(door)
        return shut

    def of(self, tls: bool) -> list[Door]:
        """The doors with TLS, or without."""
        return [door for door in self.doors if door.tls == tls]


def check(argument: Any) -> None:
    """The argument is one of ASKS, or {header: name}."""
    if argument in ASKS:
        return
    name = argument.get("header") if isinstance(argument, dict) and list(argument) == ["header"] else None
    if not isinstance(name, str) or not HEADER.fullmatch(name):
        raise BadArgumentError(f"{argument!r} is not known; expected one of {', '.join(ASKS)}, or {{header: a name}}")


def collect(asked: Any) -> State | None:
    """Where the servers of this host listen; None when there is no nginx."""
    config = read()
    if config is None:
        return None
    SILENT.clear()
    doors: list[Door] = []
    for server in config.servers:
        if any(s.args[:1] == ["on"] for s in server.effective("ssl_reject_handshake")):
            continue
        ports = set()
        for at in tree.listeners(server):
            name = (tree.names(server) or [""])[0]
            if (at.port, at.tls) not in ports and (name or at.default or not tree.names(server)):
                ports.add((at.port, at.tls))
                doors.append(Door(at.host, at.port, at.tls, name))
    return State(sorted(set(doors))[:MOST_SERVERS])


def connect(door: Door) -> socket.socket:
    """A connection to a door. Raises OSError when nothing listens, and at once where silence was the answer before."""
    if door in SILENT:
        raise socket.timeout(f"{door} does not answer")
    try:
        return socket.create_connection((door.host, door.port), timeout=TIMEOUT)
    except socket.timeout:
        SILENT.add(door)
        raise


def context(lowest: str = "TLSv1_2", highest: str = "TLSv1_3", ciphers: str = "ALL:eNULL") -> ssl.SSLContext:
    """A client that believes every certificate and takes whatever a server offers: it sends nothing worth keeping."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_ciphers(ciphers + ":@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the old protocols are asked for on purpose
        client.minimum_version = getattr(ssl.TLSVersion, lowest)
        client.maximum_version = getattr(ssl.TLSVersion, highest)
    return client


def handshake(door: Door, client: ssl.SSLContext) -> tuple[str, bytes] | None:
    """The cipher agreed on and the certificate shown; None when the server refuses. Raises OSError without listener."""
    with connect(door) as plain:
        try:
            with client.wrap_socket(plain, server_hostname=door.name or None) as secured:
                agreed = secured.cipher()
                return (agreed[0] if agreed else ""), secured.getpeercert(binary_form=True) or b""
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return None


def protocols(door: Door) -> list[str]:
    """The versions of TLS that the server agrees to."""
    spoken = [p for p in PROTOCOLS if handshake(door, context(p, p)) is not None]
    return [name.replace("_", ".") for name in spoken]


def ciphers(door: Door) -> list[str]:
    """The suites that the server agrees to below TLS 1.3, found by striking out each one it chose."""
    found: list[str] = []
    while True:
        try:
            client = context("TLSv1_2", "TLSv1_2", ":".join(["ALL:eNULL", *("!" + name for name in found)]))
        except ssl.SSLError:  # no suite is left to offer
            return found
        agreed = handshake(door, client)
        if agreed is None or agreed[0] in found:
            return found
        found.append(agreed[0])


def request(door: Door, path: str, name: str) -> Reply:
    """One GET. Raises OSError when nothing listens; a refused handshake or a closed connection is status 0."""
    host = name or "localhost"
    asked = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: holdfast\r\nConnection: close\r\n\r\n".encode("ascii")
    with connect(door) as plain:
        try:
            if door.tls:
                with context().wrap_socket(plain, server_hostname=host) as secured:
                    return understood(exchange(secured, asked))
            return understood(exchange(plain, asked))
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return Reply(0, {}, "")


def exchange(channel: socket.socket, asked: bytes) -> bytes:
    """What the server says until it closes, or until enough was read."""
    channel.sendall(asked)
    said = b""
    while len(said) < READ_MOST:
        more = channel.recv(4096)
        if not more:
            break
        said += more
    return said


def understood(said: bytes) -> Reply:
    """An HTTP answer; headers by their names in lower case, several of one name joined."""
    head, _unused, body = said.decode("iso-8859-1").partition("\r\n\r\n")
    lines = head.split("\r\n")
    words = lines[0].split(" ")
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _unused, value = line.partition(":")
        key = name.strip().lower()
        headers[key] = headers[key] + ", " + value.strip() if key in headers else value.strip()
    return Reply(status, headers, body)


def agreed(values: dict[str, Any]) -> Answer:
    """One value when all doors agree, else `value: door` for each."""
    distinct = {str(value) for value in values.values()}
    if len(distinct) == 1:
        return observed(next(iter(values.values())))
    return observed([f"{'nothing' if value is None else value}: {door}" for door, value in values.items()])


def union(lists: list[list[str]]) -> list[str]:
    """Every member of the lists once, in order."""
    return list(dict.fromkeys(member for members in lists for member in members))


def days_left(der: bytes) -> int | None:
    """Days until a certificate ends (negative when it has); None when openssl is not there to read it."""
    import base64
    import subprocess
    import time

    if not program("openssl"):
        return None
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    done = subprocess.run(
        [program("openssl"), "x509", "-noout", "-enddate"], input=pem, capture_output=True, timeout=10, check=True
    )
    end = ssl.cert_time_to_seconds(done.stdout.decode("ascii").strip().partition("=")[2])
    return int((end - time.time()) // 86400)


def version(state: State) -> Answer:
    """`on` when a header or an error page tells the version, else `off`."""
    for door in state.doors:
        for path in ("/", "/holdfast-asks-for-what-is-not-there"):
            reply = state.get(door, path)
            if VERSION.search(reply.headers.get("server", "")) or VERSION.search(reply.body):
                return observed("on", f"told by {door}")
    return observed("off")


def unknown_names(state: State) -> Answer:
    """`refused` when a name nobody gave to a server gets no answer at any port, else `answered`."""
    for door in state.doors:
        reply = state.get(Door(door.host, door.port, door.tls, ""), "/", STRANGER)
        if reply.status not in (0, 421, 444):
            return observed("answered", f"with {reply.status} at port {door.port}")
    return observed("refused")


def plain_http(state: State) -> Answer:
    """`redirect` when every server without TLS sends visitors to https, else `served`."""
    if not state.of(tls=True):
        return not_applicable("no server of this host speaks TLS, so there is nothing to be sent to")
    if not state.of(tls=False):
        return not_applicable("no server of this host speaks http without TLS")
    for door in state.of(tls=False):
        reply = state.get(door)
        away = reply.headers.get("location", "").startswith("https://")
        if reply.status != 0 and not (reply.status in (301, 302, 307, 308) and away):
            return observed("served", f"{reply.status} by {door}")
    return observed("redirect")


def header(name: str, state: State) -> Answer:
    """What a header says at every door; Strict-Transport-Security counts over TLS alone."""
    doors = state.of(tls=True) if name.lower() == "strict-transport-security" else state.doors
    if not doors:
        return not_applicable("no server of this host speaks TLS")
    return agreed({str(door): state.get(door).headers.get(name.lower()) for door in doors})


def answer(argument: Any, state: State | None) -> Answer:
    """One of ASKS, or a header's value on a real answer."""
    if state is None:
        return not_applicable("there is no nginx on this host")
    if not state.doors:
        return not_applicable("nginx serves nothing here that could be asked")
    if argument == "tls":
        return observed("offered" if state.of(tls=True) else "absent")
    if argument in ("protocols", "ciphers", "certificate_days") and not state.of(tls=True):
        return not_applicable("no server of this host speaks TLS")
    if shut := state.closed():
        return not_measured(f"nothing listens for {shut[0]}")
    if isinstance(argument, dict):
        return header(argument["header"], state)
    if argument == "protocols":
        return observed(union([protocols(door) for door in state.of(tls=True)]))
    if argument == "ciphers":
        return observed(union([ciphers(door) for door in state.of(tls=True)]))
    if argument == "certificate_days":
        return certificate_days(state)
    return {"version": version, "unknown_names": unknown_names, "plain_http": plain_http}[argument](state)


def certificate_days(state: State) -> Answer:
    """Days until the first of the certificates that are shown ends."""
    shown = [handshake(door, context()) for door in state.of(tls=True)]
    days = [days_left(pair[1]) for pair in shown if pair is not None and pair[1]]
    if not days or None in days:
        return not_measured("no certificate was shown, or there is no openssl to read it")
    return observed(min(day for day in days if day is not None))
