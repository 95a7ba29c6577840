# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the window, on real hosts: what comes from where, what goes in with the archive cut off, what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.fleet import Fleet
from tests.integration.archives import DAY, SigningKey, make_key
from tests.integration.archives import lay_out as lay_out_archive
from tests.integration.bare import BareHost, lay_out_modules
from tests.integration.conftest import _fleet, _up
from tests.integration.sites import APPROVERS, SiteUnderTest, lay_out
from tests.integration.small import HOSTS, narrowed, steps, write
from tests.integration.toys import Toy, line

pytestmark = pytest.mark.waves

SOURCE = "deb [signed-by=/usr/share/keyrings/toys.asc{options}] http://lab-archive/toys ./"
DIGEST = "7" * 64
STAGE = "/var/lib/holdfast/stage"
OPS = """
useradd -m ops
install -d -m 0700 -o ops /home/ops/.ssh
install -m 0600 -o ops /root/.ssh/authorized_keys /home/ops/.ssh/authorized_keys
echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops
"""
AS_OPS = ("-e", "ansible_user=ops", "-e", "ansible_become=true")
"""Most sites log in as somebody who may become root, and files then pass through that user's hands."""


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three versions of one toy."""
    folder = tmp_path_factory.mktemp("debs")
    return {version: Toy("toy", version).build(folder) for version in ("1.0", "1.1", "1.2")}


@pytest.fixture(scope="module")
def key() -> SigningKey:
    """The key that the hosts know for the toys' archive."""
    return make_key(made=time.time() - 20 * DAY, days=0)


@pytest.fixture(scope="module")
def fleet(debs: dict[str, Path], key: SigningKey) -> Iterator[Fleet]:
    """Two hosts, one of each Debian, with the old toy and no archive but the toys'."""
    with _fleet("stage") as fleet:
        _up(fleet, [f"{HOSTS[0]}=bookworm", f"{HOSTS[1]}=trixie"])
        for name in HOSTS:
            host = BareHost(fleet, name, Path())
            host.sh("systemctl -q stop apt-daily.timer apt-daily-upgrade.timer; rm -rf /etc/apt/sources.list*")
            host.sh("mkdir /etc/apt/sources.list.d")
            host.sh(OPS)
            host.send(debs["1.0"], "/root/toy.deb")
            host.sh("dpkg -i /root/toy.deb")
        yield fleet


class Shelf:
    """The toys' archive, and what each host is told of it."""

    def __init__(self, fleet: Fleet, folder: Path, debs: dict[str, Path]) -> None:
        self.fleet, self.folder, self.debs = fleet, folder, debs

    def offer(self, key: SigningKey | None, *versions: str, made: float | None = None, **more: Any) -> Path:
        """Publish these versions, and no other; return the folder that is served."""
        served = self.fleet.archive.served / "toys"
        shutil.rmtree(served, ignore_errors=True)
        return lay_out_archive(
            served, [self.debs[version] for version in versions], key, made=made or time.time(), **more
        )

    def tell(self, host: BareHost, key: SigningKey, options: str = "") -> None:
        """Give a host the archive's source and key."""
        public = self.folder / "toys.asc"
        public.write_bytes(key.public)
        host.send(public, "/usr/share/keyrings/toys.asc")
        host.sh("chmod 0644 /usr/share/keyrings/toys.asc; rm -f /etc/apt/sources.list.d/*")
        host.sh(f"echo '{SOURCE.format(options=options)}' > /etc/apt/sources.list.d/toys.list")


@pytest.fixture
def shelf(fleet: Fleet, debs: dict[str, Path], tmp_path: Path) -> Shelf:
    return Shelf(fleet, tmp_path, debs)


@pytest.fixture
def pair(fleet: Fleet, tmp_path: Path) -> tuple[BareHost, BareHost]:
    """The two hosts, without anything of Holdfast's, and with the old toy."""
    modules = lay_out_modules(tmp_path / "collections")
    first, second = (BareHost(fleet, name, modules) for name in HOSTS)
    for host in (first, second):
        host.sh("rm -rf /var/lib/holdfast; dpkg -i /root/toy.deb")
    return first, second


def installed(host: BareHost) -> str:
    return host.sh("dpkg-query -W -f '${Version}' toy")


def play(site: SiteUnderTest, change: str, *extra: str, fails: bool = False) -> str:
    """Stage a change, and return what was said."""
    done = site.play("stage_patches", "-e", f"change={change}", *extra)
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return done.stdout


def pool(site: SiteUnderTest) -> dict[str, Path]:
    """The pool's files by digest, each with the content that its name says."""
    found = {path.name: path for path in (site.root / "pool" / "sha256").glob("*/*")}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == {
        n: n for n in found
    }
    return found


def gateway(fleet: Fleet) -> str:
    """The address that this machine has in the fleet's network."""
    command = ["podman", "network", "inspect", fleet.places.network]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return str(told[0]["subnets"][0]["gateway"])


def test_files_come_before_the_window_and_go_in_with_the_archive_cut_off(
    fleet: Fleet, shelf: Shelf, pair: tuple[BareHost, BareHost], key: SigningKey, tmp_path: Path
) -> None:
    site = narrowed(lay_out(tmp_path / "site", fleet))
    digests = {v: hashlib.sha256(deb.read_bytes()).hexdigest() for v, deb in shelf.debs.items()}
    shelf.offer(key, "1.0", "1.1")
    for host in pair:
        shelf.tell(host, key)
    (site.root / "policy").mkdir(exist_ok=True)
    policy = yaml.safe_load((site.root / "policy" / "patching.yml").read_text("utf-8"))
    write(site, "policy/patching.yml", {**policy, "updates": "all"})
    planned = site.play("plan_patches")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    plan = json.loads(site.plans[-1].read_text("utf-8"))
    assert [[p["to"] for p in asset["packages"]] for asset in plan["assets"]] == [["1.1"], ["1.1"]]

    # Nobody approved yet; from the archive, and one host fills the pool.
    change = str(site.json("change", "request", "--plan", str(site.plans[-1]))["change"])
    said = play(site, change, *AS_OPS)
    assert "staging its files needs no approval" in said
    assert all(f"staged {name}: 2 files" in said for name in HOSTS)
    assert "from archive" in said
    assert set(pool(site)) == {digests["1.0"], digests["1.1"]}
    assert [b["kind"] for b in steps(site, "run-open")][-1] == "stage"
    assert steps(site, "deploy") == []
    assert "all there already" in play(site, change)
    pair[0].sh(f"rm {STAGE}/{plan_digest(site)}/toy_1.0_all.deb")
    assert f"staged {HOSTS[0]}: 1 of 2 files are missing: toy_1.0_all.deb" in play(site, change, "--check")

    # The archive moves on: both versions have left it. Two hosts at once are served over HTTP, one is copied to.
    shelf.offer(key, "1.2")
    settings = (site.root / "site.yml").read_text("utf-8")
    (site.root / "site.yml").write_text(f"{settings}\npool: {{address: {gateway(fleet)}, many: 2}}\n", "utf-8")
    for host in pair:
        host.sh(f"rm -rf {STAGE} /var/lib/holdfast/apt")
    said = play(site, change)
    assert said.count("2 files, 0.0 MB, 2 from pool") == 2
    assert "archive: no version 1.1 in this host's archives" in said
    pair[0].sh(f"rm -rf {STAGE}")
    said = play(site, change, "--limit", HOSTS[0], *AS_OPS)
    assert "2 from copy" in said
    assert pair[0].sh("find /home/ops /tmp -name '*.deb' -o -path '*ansible-tmp*' -type f") == ""
    assert "pool: 1 hosts at once; to fewer than 2 files are copied" in said

    # One byte differs; and then a file that nobody has any more.
    staged = f"{STAGE}/{plan_digest(site)}/toy_1.1_all.deb"
    pair[1].sh(f"printf X | dd of={staged} bs=1 seek=100 conv=notrunc")
    assert f"expected {digests['1.1']}; remove the file and stage the plan again" in play(site, change, fails=True)
    pair[1].sh(f"rm {staged}")
    pool(site)[digests["1.1"]].unlink()
    said = play(site, change, "--limit", HOSTS[1], fails=True)
    assert "toy (all): found 1.1 nowhere (archive: no version 1.1 in this host's archives; pool: " in said
    assert "copy: not in the controller's pool); expected toy_1.1_all.deb with SHA-256" in said
    assert site.holdfast("pool", "add", str(shelf.debs["1.2"])).returncode == 1
    assert site.holdfast("pool", "add", str(shelf.debs["1.1"])).returncode == 0
    play(site, change, "--limit", HOSTS[1])
    pool(site)[digests["1.0"]].unlink()
    fetched = site.json("pool", "fetch", change)
    assert ([one["sha256"] for one in fetched["fetched"]], fetched["missing"]) == ([digests["1.0"]], [])

    # In the window there is no archive at all, and a newer version that it has is not taken.
    for name in APPROVERS:
        site.holdfast("change", "approve", change, "--as", name, "--ssh-key", str(site.root / "keys" / name))
    for name in HOSTS:
        fleet.cut_archive(name)
    try:
        done = site.play("patch", "-e", f"change={change}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert [installed(host) for host in pair] == ["1.1", "1.1"]
        asked = {"packages": plan["assets"][0]["packages"], "plan_digest": plan_digest(site)}
        back = pair[0].module("package_restore", **asked)
        assert back["products"] == [{"name": "toy", "from": "1.1", "to": "1.0"}], back
        assert installed(pair[0]) == "1.0"
    finally:
        for name in HOSTS:
            fleet.restore_archive(name)
    assert site.holdfast("audit").returncode == 0
    assert site.holdfast("pool", "verify").returncode == 0
    # The change is closed: what it installed is needed no more, its way back is.
    assert [one["sha256"] for one in site.json("pool", "prune")["files"]] == [digests["1.1"]]
    assert set(pool(site)) == {digests["1.0"]}


def plan_digest(site: SiteUnderTest) -> str:
    return site.plans[-1].stem


@pytest.mark.parametrize("release", [0, 1], ids=HOSTS)
def test_an_archive_that_proves_nothing_gives_nothing(
    shelf: Shelf, pair: tuple[BareHost, BareHost], key: SigningKey, release: int
) -> None:
    host, now = pair[release], time.time()
    asked = {"packages": [line("toy", shelf.debs["1.0"], shelf.debs["1.1"])], "plan_digest": DIGEST}

    def refused(*said: str, plans: bool = False) -> None:
        """Staging, and planning where it is asked for, takes nothing from the archive, and says why."""
        host.sh("rm -rf /var/lib/holdfast")
        answer = host.module("package_stage", **asked)
        assert answer["failed"], answer
        assert any(word in answer["msg"] for word in said), answer["msg"]
        assert host.sh(f"ls {STAGE}/{DIGEST}") == ""
        if plans:
            # As plan_patches asks; a host with an obstacle that blocks is not planned.
            state = host.module("package_state", refresh=True, updates="all", obstacles=True)
            assert "unsigned" in {one["kind"] for one in state["obstacles"] if one["blocks"]}, state

    shelf.tell(host, key)
    shelf.offer(make_key(made=now - DAY, days=0), "1.0", "1.1")
    refused("NO_PUBKEY", "Missing key")
    old = make_key(made=now - 800 * DAY, days=365)
    shelf.offer(old, "1.0", "1.1", made=now - 700 * DAY)
    shelf.tell(host, old)
    refused("EXPKEYSIG", "not live", "xpired")
    shelf.tell(host, key)
    shelf.offer(key, "1.0", "1.1", made=now - 10 * DAY, valid_days=5)
    refused("its Valid-Until passed")
    shelf.offer(None, "1.0", "1.1")
    refused("is not signed")
    shelf.tell(host, key, " allow-insecure=yes")
    refused("no signature", plans=True)
    shelf.offer(key, "1.0", "1.1")
    shelf.tell(host, key, " trusted=yes")
    refused("trusted=yes in /etc/apt/sources.list.d/toys.list", plans=True)

    # The lists were good an hour ago; the key that the host takes for the archive is another since.
    shelf.tell(host, key)
    host.sh("rm -rf /var/lib/holdfast")
    assert host.module("package_state", refresh=True, updates="all")["updates"]
    shelf.tell(host, make_key(made=now - DAY, days=0))
    answer = host.module("package_stage", **asked)
    assert "no signature by a key of its source" in answer["msg"], answer

    # Signed and all, but not what was planned.
    shelf.tell(host, key)
    served = shelf.offer(key, "1.0", "1.1")
    (served / shelf.debs["1.1"].name).write_bytes(b"X" + shelf.debs["1.1"].read_bytes()[1:])
    answer = host.module("package_stage", **asked)
    assert "the download failed" in answer["msg"], answer
    assert "mismatch" in answer["msg"] or "unexpected size" in answer["msg"], answer
    other = {**asked["packages"][0], "sha256": "0" * 64}
    shelf.offer(key, "1.0", "1.1")
    host.sh("rm -rf /var/lib/holdfast")
    answer = host.module("package_stage", **{**asked, "packages": [other]})
    assert "the archive has other files than the plan locks" in answer["msg"], answer
    assert not host.module("package_stage", **asked)["failed"]
    assert installed(host) == "1.0"


def test_a_disk_that_is_full_is_said_with_what_it_needs(
    shelf: Shelf, pair: tuple[BareHost, BareHost], key: SigningKey
) -> None:
    host = pair[0]
    shelf.offer(key, "1.0", "1.1")
    shelf.tell(host, key)
    asked = {"packages": [line("toy", shelf.debs["1.0"], shelf.debs["1.1"])], "plan_digest": DIGEST}
    host.sh(
        f"install -d -m 0755 /var/lib/holdfast; install -d -m 0700 {STAGE}; "
        f"mount -t tmpfs -o size=1m,mode=0700 none {STAGE}"
    )
    try:
        answer = host.module("package_stage", **asked)
        assert "the disk has no room for the plan's files" in answer["msg"], answer
        assert "bytes free; expected" in answer["msg"]
    finally:
        host.sh(f"umount {STAGE}")
    assert not host.module("package_stage", **asked)["failed"]
