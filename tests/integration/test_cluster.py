# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two members of a cluster, restarted and rebooted by a patch, are never out together, as a client outside sees it."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.fleet import Fleet
from tests.faults.toyd import ANSWER, NAME, NEW, OLD, PORT
from tests.integration.conftest import _fleet, _up
from tests.integration.shop import approved, builds, edit_policy, equip, open_shop, plan, results, versions

MEMBERS = ("db-1", "db-2")
pytestmark = [
    pytest.mark.waves,
    pytest.mark.skipif(os.geteuid() != 0, reason="the fleet's network is only root's to reach"),
]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two hosts, and an update on offer that asks for a reboot."""
    with _fleet("cluster") as fleet:
        debs = builds(tmp_path_factory.mktemp("debs"))
        _up(fleet, [f"{MEMBERS[0]}=bookworm", f"{MEMBERS[1]}=trixie"])
        equip(fleet, MEMBERS, debs[OLD])
        fleet.offer([debs[OLD], debs[NEW]])
        for host in MEMBERS:
            fleet.exec(host, ["touch", "/etc/toy-reboot"], check=True)
        yield fleet


@dataclass
class Client:
    """Asks both members all the time, from outside; `seen` has for each look which of them gave the right answer."""

    addresses: dict[str, str]
    seen: list[tuple[bool, ...]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Client:
        self._thread = threading.Thread(target=self._ask_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask_on(self) -> None:
        with ThreadPoolExecutor(len(self.addresses)) as pool:
            while not self._over.is_set():
                begun = time.monotonic()
                self.seen.append(tuple(pool.map(self._answers, self.addresses.values())))
                # At least ten looks a second, and a moment for the machine between two.
                self._over.wait(max(0.02, 0.1 - (time.monotonic() - begun)))

    @staticmethod
    def _answers(address: str) -> bool:
        connection = http.client.HTTPConnection(address, PORT, timeout=2)
        try:
            connection.request("GET", "/")
            return ANSWER[OLD].encode() in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def test_two_members_are_never_out_together_and_reboots_are_claimed_by_their_markers(
    fleet: Fleet, tmp_path: Path
) -> None:
    site = open_shop(
        tmp_path / "site",
        fleet,
        [{"id": host, "cluster": "claims-db"} for host in MEMBERS],
        clusters={"claims-db": {"up_at_least": 1, "order": ["db-2", "db-1"]}},
    )
    # All at once, were it not for the cluster.
    edit_policy(site, "rings", waves=["100%"])
    plan(site)
    change = approved(site)
    markers = {host: fleet.boot_marker(host) for host in MEMBERS}
    addresses = {host.name: host.network_address for host in fleet.hosts()}
    with Client({name: addresses[name] for name in MEMBERS}) as client:
        done = site.play("patch", "-e", f"change={change}", "--forks", "2")
    assert done.returncode == 0, done.stdout + done.stderr

    assert len(client.seen) > 50, "the client kept asking"
    assert client.seen[0] == (True, True)
    assert (False, False) not in client.seen
    assert {(False, True), (True, False)} <= set(client.seen), "each was out for a while, and seen to be"
    assert client.seen.index((True, False)) < client.seen.index((False, True)), "db-2 went first, as the order says"

    assert {versions(fleet, host)[f"{NAME}:all"] for host in MEMBERS} == {NEW}
    now = {host: fleet.boot_marker(host) for host in MEMBERS}
    told = {result["asset"]: result["reboot"] for result in results(site, "deploy") if result.get("reboot")}
    for host in MEMBERS:
        assert now[host] != markers[host]
        assert told[host]["before"] != told[host]["after"]
        assert told[host]["ms"] > 0
    assert site.holdfast("audit").returncode == 0
