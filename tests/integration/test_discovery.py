# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that nobody registered and a port that nobody declared are found on a real network; one renamed is one task.

Nothing outside the declared networks gets a single packet.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path

from lab.fleet import Fleet
from lab.process import wait_for
from tests.integration.observing import Neighbourhood, start
from tests.integration.small import HOSTS, pair

__all__ = ["pair"]
ELSEWHERE = "203.0.113.0/24"
ANSWERS = "import socket; raise SystemExit(socket.socket().connect_ex(('{}', 22)) not in (0, 111))"
WATCH = f"""table inet holdfast_watch {{
  chain out {{
    type filter hook output priority -300;
    ip daddr {ELSEWHERE} counter drop
  }}
}}
"""


def sent(fleet: Fleet, host: str) -> int:
    """How many packets a host has sent there since it is watched."""
    said = fleet.exec(host, ["nft", "list", "table", "inet", "holdfast_watch"]).stdout
    return int(said.partition("packets ")[2].partition(" ")[0])


def test_what_is_not_declared_gets_no_packet(pair: Fleet, tmp_path: Path) -> None:
    near = Neighbourhood.of(tmp_path / "site", pair)
    pair.exec(HOSTS[0], ["sh", "-c", f"nft -f - <<'END'\n{WATCH}END\n"])
    pair.exec(HOSTS[0], ["python3", "-c", "import socket; socket.socket(2, 2).sendto(b'x', ('203.0.113.1', 9))"])
    watched = sent(pair, HOSTS[0])
    assert watched > 0  # the counter counts
    entries = len(near.site.records())
    for networks in ([ELSEWHERE], [near.network, ELSEWHERE], ["0.0.0.0/0"]):
        done = near.site.play("discover", "-e", str({"networks": networks}))
        assert done.returncode != 0
        assert "no declared sweep holds it" in done.stdout + done.stderr
    assert sent(pair, HOSTS[0]) == watched
    assert len(near.site.records()) == entries
    pair.exec(HOSTS[0], ["nft", "delete", "table", "inet", "holdfast_watch"])


def test_an_extra_host_and_an_undeclared_listener_are_found(pair: Fleet, tmp_path: Path) -> None:
    near = Neighbourhood.of(tmp_path / "site", pair, HOSTS[:1])
    near.look()
    (extra,) = near.differences("undeclared-host", "undeclared-listener")
    assert (extra["kind"], extra["owner"]) == ("undeclared-host", "it-operations")
    assert near.addresses[HOSTS[1]] in extra["found"]
    assert "22" in extra["found"]

    start(pair, HOSTS[0], "backdoor", "exec python3 -m http.server 4444")
    wait_for("the listener", lambda: "4444" in pair.exec(HOSTS[0], ["ss", "-Htln"]).stdout or None, within=60)
    near.look()
    found = near.differences("undeclared-host", "undeclared-listener")
    assert [(one["kind"], one["asset"]) for one in found] == [
        ("undeclared-host", None), ("undeclared-listener", HOSTS[0]),
    ]  # fmt: skip
    assert found[0]["id"] == extra["id"]
    assert found[0]["first_seen"] == extra["first_seen"]
    assert "python3 listens on tcp/4444" in found[1]["found"]
    pair.exec(HOSTS[0], ["systemctl", "stop", "backdoor"])


def test_a_renamed_host_is_one_task_and_not_two(pair: Fleet, tmp_path: Path) -> None:
    """The last test of its fleet: the host cannot be reached afterwards."""
    near = Neighbourhood.of(tmp_path / "site", pair)
    near.look()
    assert near.differences("undeclared-host", "silent", "moved", "name-differs", "not-observed") == []

    pair.exec(HOSTS[1], ["python3", "-c", "import socket; socket.sethostname('claims-9')"], check=True)
    near.look()
    (named,) = near.differences("undeclared-host", "silent", "moved", "name-differs", "not-observed")
    assert (named["kind"], named["asset"]) == ("name-differs", HOSTS[1])
    assert "claims-9" in named["found"]

    old = near.addresses[HOSTS[1]]
    taken = {*near.addresses.values(), str(next(ipaddress.ip_network(near.network).hosts()))}
    new = next(str(one) for one in reversed(list(ipaddress.ip_network(near.network).hosts())) if str(one) not in taken)
    start(
        pair,
        HOSTS[1],
        "move",
        f"ip addr add {new}/24 dev eth0; ip addr del {old}/24 dev eth0; ip addr add {new}/24 dev eth0",
    )
    wait_for(
        "the move",
        lambda: pair.exec(HOSTS[0], ["python3", "-c", ANSWERS.format(new)]).returncode == 0 or None,
        within=60,
    )
    done = near.site.play("discover")
    assert done.returncode == 0, done.stdout + done.stderr
    (moved,) = near.differences("undeclared-host", "silent", "moved", "name-differs", "not-observed", "another-host")
    assert (moved["kind"], moved["asset"], moved["id"]) == ("moved", HOSTS[1], named["id"])
    assert new in moved["found"]
