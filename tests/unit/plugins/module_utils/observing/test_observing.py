# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of itself is read as it stands: sockets of /proc, accounts, services, who the host is."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import sys
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.observing import accounts, identity, services, sockets
from ansible_collections.holdfast.hipaa.plugins.modules import host_state

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = HEAD + "".join(
    f"   {number}: {line} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0 100 0 0 10 0\n"
    for number, (line, inode) in enumerate([
        ("00000000:0016 00000000:0000 0A", "11"),   # 22, for everybody
        ("0100007F:1538 00000000:0000 0A", "12"),   # 5432, loopback
        ("0A0200C0:0016 630200C0:C001 01", "13"),   # .99 came to 22
        ("0A0200C0:0016 630200C0:C002 01", "14"),   # and once more
        ("0A0200C0:C350 146433C6:01BB 08", "15"),   # we went to 198.51.100.20:443, half closed
        ("0100007F:1538 0100007F:C003 01", "16"),   # with ourselves
        ("0A0200C0:C351 146433C6:01BB 06", "0"),    # over: time-wait
    ])
)  # fmt: skip
TCP6 = (
    HEAD + "   0: 0000000000000000FFFF00000A0200C0:01BB 0000000000000000FFFF0000630200C0:C004 01 "
    "00000000:00000000 00:00000000 00000000     0        0 17 1 0 100 0 0 10 0\n"
    "   1: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 18 1 0 100 0 0 10 0\n"
)
PROGRAMS = {"11": "sshd", "12": "postgres", "13": "sshd", "14": "sshd", "15": "claims", "17": "nginx", "18": "nginx"}

little = pytest.mark.skipif(sys.byteorder != "little", reason="the lines are those of a little-endian host")


@little
def test_sockets_are_listeners_and_connections_by_who_came_to_whom() -> None:
    found = [*sockets.parse(TCP, "tcp"), *sockets.parse(TCP6, "tcp")]
    assert [(one["address"], one["port"], one["program"]) for one in sockets.listeners(found, PROGRAMS)] == [
        ("0.0.0.0", 22, "sshd"),  # noqa: S104 (what a host says, bound by nobody here)
        ("127.0.0.1", 5432, "postgres"),
        ("::", 443, "nginx"),
    ]
    assert [tuple(one.values())[1:] for one in sockets.connections(found, PROGRAMS)] == [
        ("in", "192.0.2.10", "192.0.2.99", 22, "sshd"),
        ("in", "192.0.2.10", "192.0.2.99", 443, "nginx"),
        ("out", "192.0.2.10", "198.51.100.20", 443, "claims"),
    ]


def test_a_line_that_is_no_socket_is_refused() -> None:
    with pytest.raises(ValueError, match="3 fields"):
        [*sockets.parse(HEAD + "0: a b\n", "tcp")]


def test_this_process_is_seen_to_listen_by_its_name_and_nothing_of_its_arguments() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        programs, _whole = sockets.owners()
        mine = [one for one in sockets.listeners(sockets.read(), programs) if one["port"] == server.getsockname()[1]]
    comm = Path("/proc/self/comm").read_text(encoding="utf-8")
    assert [(one["address"], one["program"]) for one in mine] == [("127.0.0.1", sockets.printable(comm))]


def test_a_process_that_cannot_be_looked_at_is_no_silence(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may look at every process")
    assert sockets.owners()[1] is False


def test_a_program_cannot_write_into_a_terminal_by_its_name() -> None:
    assert sockets.printable("\x1b[31mred\n") == "?[31mred"


PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/:/usr/sbin/nologin
deploy:x:1000:1000::/home/deploy:/bin/bash
leaver:x:1001:1001::/home/leaver:
backup-2:x:1002:27::/srv:/bin/sh
named:x:1003:1003::/srv:/bin/sh
bare::1004:1004::/srv:/bin/sh
+@netgroup::::::
no account
"""
SHADOW = """root:!*:19000:0:99999:7:::
daemon:*:19000::::::
deploy:$y$j9T$not-a-real-hash:19000:0:99999:7:::
leaver:$y$j9T$not-a-real-hash:19000:0:99999:7::20000:
"""
SUDOERS = """# %no ALL=(ALL) ALL
Defaults env_reset
User_Alias OPS = named, other
OPS ALL=(root) \\
   NOPASSWD: ALL
%deployers ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""


def test_accounts_are_open_locked_or_expired_and_privileged_by_groups_and_sudoers() -> None:
    groups = "sudo:x:27:someone\ndeployers:x:50:deploy\nusers:x:100:leaver\n"
    rows = accounts.rows_of(PASSWD, SHADOW, groups, SUDOERS, 20000)
    assert {row["name"]: (row["state"], row["privileged"], row["can_log_in"]) for row in rows} == {
        "root": ("locked", True, True),
        "daemon": ("locked", False, False),
        "deploy": ("open", True, True),
        "leaver": ("expired", False, True),
        "backup-2": ("locked", True, True),
        "named": ("locked", True, True),
        "bare": ("open", False, True),
    }
    assert "hash" not in str(rows)


def test_without_the_shadow_file_nobody_is_called_locked() -> None:
    assert {row["state"] for row in accounts.rows_of(PASSWD, None, "", "", 20000)} == {"unknown"}


def test_services_that_run_or_will_are_kept_and_the_rest_is_not() -> None:
    units = (
        "nginx.service loaded active running A server\n"
        "cron.service loaded failed failed Jobs\n"
        "gone.service not-found inactive dead gone.service\n"
        "getty@tty1.service loaded active running Getty\n"
        "rest.service loaded inactive dead Rest\n"
    )
    files = (
        "nginx.service enabled enabled\ngetty@.service enabled enabled\n"
        "later.service enabled enabled\nrest.service disabled enabled\n"
    )
    assert [tuple(row.values()) for row in services.rows_of(units, files)] == [
        ("cron.service", "failed", ""),
        ("getty@tty1.service", "active", "enabled"),
        ("later.service", "inactive", "enabled"),
        ("nginx.service", "active", "enabled"),
    ]


def test_a_host_key_has_the_fingerprint_that_openssh_prints() -> None:
    blob = b"\x00\x00\x00\x0bssh-ed25519" + bytes(36)
    expected = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    assert identity.fingerprint(f"ssh-ed25519 {base64.b64encode(blob).decode()} host") == f"SHA256:{expected}"
    assert [identity.fingerprint(text) for text in (None, "", "ssh-ed25519 ***")] == ["", "", ""]


def test_own_addresses_are_those_of_networks() -> None:
    trie = (
        "  |-- 127.0.0.1\n     /32 host LOCAL\n  |-- 192.0.2.10\n     /32 host LOCAL\n"
        "  |-- 192.0.2.255\n     /32 link BROADCAST\n"
    )
    inet6 = (
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "fe800000000000000000000000000001 02 40 20 80     eth0\n"
        "20010db8000000000000000000000007 02 40 00 80     eth0\n"
    )
    assert identity.addresses(trie, inet6) == ["192.0.2.10", "2001:db8::7"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "debian:12"),
        ("ID=debian\nVERSION_CODENAME=forky\n", "debian:forky"),
        ('ID="almalinux"\nVERSION_ID="9.6"\n', "almalinux:9.6"),
        ("", "unknown:unknown"),
    ],
)
def test_distribution(text: str, expected: str) -> None:
    assert identity.distribution(text) == expected


def test_a_part_that_fails_is_named_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "PASSWD", "/nonexistent")
    answer = host_state.host_state()
    assert "/nonexistent" in answer["not_measured"]["accounts"]
    assert answer["accounts"] == []
    assert answer["kernel"] == os.uname().release
