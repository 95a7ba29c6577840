# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the way of updates is made for real, one after the other on one host: each is named, and nothing changes.

The host has no other archive than one of the test's own, in a folder: so dates, keys and index fields can be wrong.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.fleet import Fleet
from lab.process import wait_for
from tests.host_digest import QUICK, SCRIPT, difference, digest
from tests.integration.archives import DAY, SigningKey, lay_out, make_key, shortened
from tests.integration.bare import BareHost, lay_out_modules
from tests.integration.sites import lay_out_demo
from tests.integration.toys import WAIT, Toy

pytestmark = pytest.mark.waves

SECONDS = 90
"""How long to wait for something on a host that takes a few seconds."""

ALONE = """
systemctl stop apt-daily.timer apt-daily-upgrade.timer
mkdir -p /root/kept /etc/apt/keyrings /srv
mv /etc/apt/sources.list /etc/apt/sources.list.d/* /root/kept/ 2>/dev/null || true
"""
"""Takes every other archive away, and the timers that would come between; BACK gives them back."""

BACK = """
umount /boot /var/lib/holdfast/stage 2>/dev/null || true
rm -rf /etc/apt/sources.list.d/toys.list /etc/apt/keyrings/toys.asc /etc/apt/preferences.d/toys /srv/toys
mv /root/kept/sources.list /etc/apt/ 2>/dev/null || true
mv /root/kept/* /etc/apt/sources.list.d/ 2>/dev/null || true
rm -rf /root/kept /root/toy*
systemctl start apt-daily.timer apt-daily-upgrade.timer
"""

HOLD = """
import fcntl, time
held = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(held, fcntl.LOCK_EX)
open("/run/held", "w").close()
time.sleep(600)
"""

PIN = "printf 'Package: toy*pin*\\nPin: version 1.1\\nPin-Priority: -1\\n' > /etc/apt/preferences.d/toys"


@dataclass
class Scene:
    """A host whose only archive is /srv/toys, which offers toy 1.1 in the place of the installed 1.0."""

    host: BareHost
    folder: Path
    now: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.debs = self.folder / "debs"
        self.debs.mkdir(parents=True)
        files = {"/usr/share/toy/data": (os.urandom(100_000), 0o644)}
        self.old, self.new = (Toy("toy", version, files=files).build(self.debs) for version in ("1.0", "1.1"))
        self.key = make_key(made=self.now - 400 * DAY, days=0)

    def offer(
        self, *debs: Path, key: SigningKey | None = None, signed: bool = True, options: str = "", **archive: Any
    ) -> None:
        """Put an archive on the host, by default a good one that offers both versions of toy."""
        named = key or self.key
        made = archive.pop("made", self.now - DAY)
        where = lay_out(
            self.folder / "www", debs or (self.old, self.new), named if signed else None, made=made, **archive
        )
        self._copy(where, "/srv/toys")
        # apt goes on with what it has when an archive is older than that, and these are of all ages.
        self.host.sh("rm -f /var/lib/holdfast/apt/lists/*_toys_*")
        (self.folder / "toys.asc").write_bytes(named.public)
        self.host.send(self.folder / "toys.asc", "/etc/apt/keyrings/toys.asc")
        self.source(f"deb [signed-by=/etc/apt/keyrings/toys.asc {options}] file:/srv/toys ./")
        for deb in where.iterdir():
            deb.unlink()

    def source(self, line: str) -> None:
        """Name the host's only archive."""
        self.host.sh(f"chmod 0644 /etc/apt/keyrings/*; echo '{line}' > /etc/apt/sources.list.d/toys.list")

    def install(self, *debs: Path) -> None:
        """Put packages on the host, as its past."""
        for deb in debs:
            self.host.send(deb, f"/root/{deb.name}")
        self.host.sh("dpkg -i " + " ".join(f"/root/{deb.name}" for deb in debs))

    def _copy(self, source: Path, target: str) -> None:
        packed = subprocess.run(["tar", "-C", str(source), "-cf", "-", "."], capture_output=True, check=True).stdout
        script = f"rm -rf {target}; mkdir -p {target}; tar --no-same-owner -C {target} -xf -; chmod -R a+rX {target}"
        subprocess.run(
            ["ssh", "-F", str(self.host.fleet.ssh_config), "-o", "BatchMode=yes", self.host.name, script],
            input=packed, check=True, timeout=60,
        )  # fmt: skip

    def look(self, *blocking: str, script: str = QUICK, **arguments: Any) -> dict[str, Any]:
        """Ask the module; see that exactly these kinds block, and that only Holdfast's own folder has changed."""
        before = digest(self.host.fleet.ssh_config, self.host.name, script)
        asked = {"updates": "all", "obstacles": True, "refresh": True, **arguments}
        state = self.host.module("package_state", **asked)
        assert not state["failed"], state
        assert difference(before, digest(self.host.fleet.ssh_config, self.host.name, script)) == []
        assert {one["kind"] for one in state["obstacles"] if one["blocks"]} == set(blocking), state["obstacles"]
        return state


def named(state: dict[str, Any], kind: str) -> dict[str, Any]:
    """The one obstacle of a kind."""
    found = [one for one in state["obstacles"] if one["kind"] == kind]
    assert len(found) == 1, (kind, state["obstacles"])
    assert found[0]["do"]
    return dict(found[0])


def waits(state: dict[str, Any], name: str) -> str:
    """Why an update waits."""
    (why,) = [one["why"] for one in state["other_updates"] if one["name"] == name]
    return str(why)


@pytest.fixture
def scene(fresh_host: Any, tmp_path: Path) -> Scene:
    """Such a host, untouched but for toy 1.0."""
    scene = Scene(
        BareHost(fresh_host.fleet, fresh_host.name, lay_out_modules(tmp_path / "collections")), tmp_path / "x"
    )
    scene.host.sh(ALONE)
    scene.offer()
    scene.install(scene.old)
    return scene


both = pytest.mark.parametrize("fresh_host", ["bookworm", "trixie"], indirect=True)


SLEEP = "#!/usr/bin/python3\nimport time\ntime.sleep(100000)\n"
UNIT = "[Service]\nExecStart=/usr/bin/toyd\n"


@both
def test_what_runs_on_replaced_files_is_foretold_and_then_seen(scene: Scene) -> None:
    host = scene.host
    files = {"/usr/bin/toyd": (SLEEP.encode(), 0o755), "/usr/lib/systemd/system/toyd.service": (UNIT.encode(), 0o644)}
    old, new = (Toy("toy-daemon", version, files=files).build(scene.debs) for version in ("1.0", "1.1"))
    scene.install(old)
    scene.offer(scene.old, scene.new, old, new)
    host.sh(
        "cp /usr/bin/sleep /usr/bin/toy-run; systemctl daemon-reload; systemctl start toyd; "
        "systemd-run --quiet --unit=toy-run /usr/bin/toy-run 100000"
    )
    before = scene.look()
    assert before["forecast"] == {"restarts": ["toyd.service"], "reboot": False}
    assert not {"toyd.service", "toy-run.service"} & {one["unit"] for one in before["restarts"]}
    assert not before["reboot"]["needed"]

    scene.install(new)
    host.sh("cp /usr/bin/sleep /usr/bin/toy-new; mv /usr/bin/toy-new /usr/bin/toy-run; touch /run/reboot-required")
    after = scene.look(pending=False)
    seen = {one["unit"]: [process["command"] for process in one["processes"]] for one in after["restarts"]}
    assert seen["toyd.service"] == ["toyd"]
    assert seen["toy-run.service"] == ["toy-run"]
    assert after["reboot"] == {"needed": True, "why": ["required-file"]}
    assert not after["kernel"]["needs_reboot"]  # a container runs its machine's kernel


@both
def test_each_thing_in_the_way_is_named_and_nothing_is_changed(scene: Scene) -> None:
    clear = scene.look(script=SCRIPT)
    assert {one["kind"] for one in clear["obstacles"]} == {"unsupported"}  # all of Debian, which no source offers now
    assert [(one["name"], one["to"]) for one in clear["updates"]] == [("toy", "1.1")]
    assert [(one["signature"], len(one["keys"])) for one in clear["lists"]["sources"]] == [("good", 1)]
    for check in (at_work, half_done, rooms, archives, keys, kept_back, clocks_and_lists):
        check(scene)
    assert scene.look(script=SCRIPT)["updates"] == clear["updates"]


def at_work(scene: Scene) -> None:
    """Somebody else changes packages."""
    host = scene.host
    unit = "/run/systemd/system/apt-daily.service.d"
    slow = "[Service]\\nExecStartPre=\\nExecStart=\\nExecStart=/bin/sleep 600\\n"
    host.sh(
        f"printf '%s' '{HOLD}' > /run/hold.py; systemd-run --quiet --unit=toy-holder /usr/bin/python3 /run/hold.py; "
        f"mkdir -p {unit}; printf '{slow}' > {unit}/slow.conf; "
        "systemctl daemon-reload; systemctl start --no-block apt-daily.service"
    )
    there(host, "test -e /run/held && systemctl show -p MainPID apt-daily.service | grep -qv =0")
    pid = host.sh("systemctl show -p MainPID --value toy-holder").strip()
    state = scene.look("lock", "timer", pending=False)
    assert f"python3 (process {pid}" in named(state, "lock")["found"]
    assert named(state, "timer")["subject"] == "apt-daily.service"
    host.sh(f"systemctl stop toy-holder apt-daily; rm -r {unit} /run/held; systemctl daemon-reload")


def there(host: BareHost, script: str) -> None:
    """Wait until something is so on the host."""

    def seen() -> bool | None:
        return host.fleet.exec(host.name, ["sh", "-c", script]).returncode == 0 or None

    wait_for(f"{script} on {host.name}", seen, within=SECONDS)


def half_done(scene: Scene) -> None:
    """dpkg was killed."""
    host = scene.host
    slow = Toy("toy-slow", "1.0", scripts={"postinst": WAIT.replace("@", "postinst")}).build(scene.debs)
    host.send(slow, "/root/toy-slow.deb")
    host.sh("touch /run/toy-wait-postinst; systemd-run --quiet --collect --unit=toy-install dpkg -i /root/toy-slow.deb")
    there(host, "test -e /run/toy-reached-postinst")
    host.sh("pkill -KILL -x dpkg; rm -f /run/toy-wait-postinst /run/toy-reached-postinst")
    state = scene.look("unfinished", "interrupted")
    assert named(state, "unfinished")["subject"] == "toy-slow:all"
    assert named(state, "interrupted")["subject"] == "dpkg"
    host.sh("dpkg --configure -a; dpkg --purge toy-slow")


@contextmanager
def mounted(host: BareHost, folder: str, options: str) -> Iterator[None]:
    """A small file system over a folder."""
    host.sh(f"mkdir -p {folder}; mount -t tmpfs -o mode=0700,{options} tmpfs {folder}")
    try:
        yield
    finally:
        host.sh(f"umount {folder}")


def rooms(scene: Scene) -> None:
    """File systems are too small for what is pending, or full."""
    host, stage = scene.host, "/var/lib/holdfast/stage"
    with mounted(host, stage, "size=64k"), mounted(host, "/boot", "size=1m"):
        host.sh("head -c 1040000 /dev/zero > /boot/vmlinuz-old")
        state = scene.look("full", "boot_full")
        assert (named(state, "full")["subject"], named(state, "boot_full")["subject"]) == (stage, "/boot")
        assert (waits(state, "toy"), state["updates"]) == ("disk", [])
        room = next(one for one in state["space"] if one["mount"] == stage)
        assert room["need_bytes"] > room["free_bytes"]
    with mounted(host, stage, "size=64m,nr_inodes=3"):
        assert "inodes free" in named(scene.look("full"), "full")["found"]


def archives(scene: Scene) -> None:
    """Archives that cannot be had, or prove nothing."""
    scene.source("deb [signed-by=/etc/apt/keyrings/toys.asc] http://127.0.0.1:9/debian stable main")
    state = scene.look("no_archive")
    assert named(state, "no_archive")["subject"] == "http://127.0.0.1:9/debian stable"
    assert not state["lists"]["measured"]

    scene.offer(signed=False)
    assert named(scene.look("unsigned"), "unsigned")["subject"] == "file:/srv/toys ./"
    scene.offer()
    scene.host.sh("sed -i 's/Label: Toys/Label: Boys/' /srv/toys/InRelease")
    assert named(scene.look("unsigned"), "unsigned")["subject"] == "file:/srv/toys ./"
    scene.offer(options="trusted=yes")
    assert "trusted=yes" in named(scene.look("unsigned"), "unsigned")["found"]
    scene.offer(made=scene.now - 10 * DAY, valid_days=3)
    assert "passed" in named(scene.look("expired_lists"), "expired_lists")["found"]


def keys(scene: Scene) -> None:
    """Keys that have expired, soon will, or are not the source's."""
    expired = make_key(made=scene.now - 400 * DAY, days=30)
    scene.offer(key=expired, made=scene.now - 390 * DAY)  # apt 3 goes on to take what a key signed before its end
    assert named(scene.look("expired_key"), "expired_key")["subject"] == "file:/srv/toys ./"
    scene.offer(key=shortened(scene.key, at=scene.now - 390 * DAY, days=30))
    assert named(scene.look("expired_key"), "expired_key")["subject"] == "file:/srv/toys ./"
    scene.offer()
    (scene.folder / "other.asc").write_bytes(make_key(made=scene.now - DAY, days=0).public)
    scene.host.send(scene.folder / "other.asc", "/etc/apt/keyrings/toys.asc")
    scene.host.sh("chmod 0644 /etc/apt/keyrings/toys.asc")
    assert named(scene.look("unsigned"), "unsigned")["subject"] == "file:/srv/toys ./"

    scene.offer(key=make_key(made=scene.now - 400 * DAY, days=410))
    assert "expires in" in named(scene.look(), "key_expiring")["found"]
    assert "key_expiring" not in {one["kind"] for one in scene.look(key_days=5)["obstacles"]}


def kept_back(scene: Scene) -> None:
    """Single updates that wait, each for a reason of its own, and what the others would take from the host."""
    host, debs = scene.host, scene.debs
    shipped = {"/etc/toy-conf.conf": "as shipped\n"}
    past = [Toy(f"toy-{name}", "1.0").build(debs) for name in ("held", "pin", "phased", "needy", "gone", "local")]
    past.append(Toy("toy-conf", "1.0", conffiles=shipped).build(debs))
    newer = {name: Toy(f"toy-{name}", "1.1").build(debs) for name in ("held", "pin", "phased", "gone")}
    newer["needy"] = Toy("toy-needy", "1.1", control=("Depends: toy-nowhere",)).build(debs)
    newer["conf"] = Toy("toy-conf", "1.1", conffiles=shipped).build(debs)
    scene.install(*past)
    host.sh(f"apt-mark hold toy-held; {PIN}; echo changed >> /etc/toy-conf.conf")
    offered = [deb for deb in past if deb.name.split("_")[0] not in ("toy-gone", "toy-local")]
    phased = {newer["phased"].name: "Phased-Update-Percentage: 0\n"}
    scene.offer(scene.old, scene.new, *offered, *newer.values(), fields=phased)

    state = scene.look("no_rollback", vulnerable=["toy-local"])
    for kind, name in (("held", "held"), ("pinned", "pin"), ("phased", "phased"), ("dependency", "needy")):
        assert (named(state, kind)["subject"], waits(state, f"toy-{name}")) == (f"toy-{name}:all", kind)
    assert "toy-nowhere" in named(state, "dependency")["found"]
    assert named(state, "no_rollback")["subject"] == "toy-gone:all"
    assert named(state, "conffile")["subject"] == "/etc/toy-conf.conf"
    assert state["conffiles"] == [{"path": "/etc/toy-conf.conf", "package": "toy-conf", "changed_on_host": True}]
    assert "toy-local:all" in {one["subject"] for one in state["obstacles"] if one["kind"] == "unsupported"}
    assert waits(state, "toy-local") == "no fix"
    assert {one["name"] for one in state["updates"]} == {"toy", "toy-conf", "toy-gone"}

    state = scene.look("conffile", rollback="optional", conffiles={"paths": {"/etc/toy-*": "stop"}})
    assert waits(state, "toy-conf") == "conffile"
    assert {one["name"] for one in state["updates"]} == {"toy", "toy-gone"}
    purge = "dpkg --purge $(dpkg-query -W -f '${Package} ' 'toy-*')"
    host.sh(f"apt-mark unhold toy-held; rm /etc/apt/preferences.d/toys; {purge}")


def clocks_and_lists(scene: Scene) -> None:
    """Clocks that differ, archives from the future, lists that are old."""
    scene.offer(made=scene.now + 2 * DAY)
    assert "from the future" in named(scene.look("clock"), "clock")["found"]
    scene.offer()
    scene.look(controller_time=time.time())
    scene.host.sh("touch -d '3 days ago' /var/lib/holdfast/apt/refreshed")
    late = time.time() + 1000
    state = scene.look("stale_lists", "clock", refresh=False, max_age_hours=24, controller_time=late)
    assert "72.0 hours old" in named(state, "stale_lists")["found"]
    assert (state["updates"], state["lists"]["measured"]) == ([], False)
    assert "behind the controller's" in named(state, "clock")["found"]


OBSTRUCTIONS: dict[str, tuple[str, str]] = {
    "lab-1": ("held", "apt-mark hold toy"),
    "lab-2": ("pinned", PIN.replace("toy*pin*", "toy")),
    "pilot-1": ("boot_full", "mount -t tmpfs -o size=1m tmpfs /boot; head -c 1040000 /dev/zero > /boot/vmlinuz-old"),
    "prod-1": ("no_archive", "rm /srv/toys/InRelease /srv/toys/Release"),
    "prod-2": ("unsigned", "sed -i 's/Label: Toys/Label: Boys/' /srv/toys/InRelease"),
}
"""What is in the way of each host of the demonstration, and how it is made."""

BLOCKING = ("boot_full", "no_archive", "unsigned")


def test_the_playbook_names_one_obstacle_a_host_and_changes_nothing(lab: Fleet, tmp_path: Path) -> None:
    site = lay_out_demo(tmp_path / "site", lab)
    policy = site.root / "policy" / "patching.yml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("updates: security", "updates: all"), encoding="utf-8")
    modules = lay_out_modules(tmp_path / "collections")
    scenes = {name: Scene(BareHost(lab, name, modules), tmp_path / name) for name in OBSTRUCTIONS}
    try:
        for name, scene in scenes.items():
            scene.host.sh(ALONE)
            scene.offer()
            scene.install(scene.old)
            scene.host.sh(OBSTRUCTIONS[name][1])
        before = {name: digest(lab.ssh_config, name) for name in scenes}
        done = site.play("check_patches")
        assert {name: difference(before[name], digest(lab.ssh_config, name)) for name in scenes} == {
            name: [] for name in scenes
        }
        assert done.returncode == 2, done.stdout + done.stderr
        for name, (kind, _make) in OBSTRUCTIONS.items():
            told = [line for line in done.stdout.splitlines() if line.startswith(f"{name}: {kind} ")]
            assert len(told) == 1, done.stdout
        failed = set(re.findall(r"([\w-]+): its updates cannot go in: (\w+);", done.stdout))
        assert failed == {(name, kind) for name, (kind, _make) in OBSTRUCTIONS.items() if kind in BLOCKING}
        limited = site.play("check_patches", "--limit", "lab-1,lab-2")
        assert limited.returncode == 0, limited.stdout + limited.stderr
        assert "lab-1: nothing would change" in limited.stdout
        assert [s["predicateType"].split("/")[-2] for s in site.records()].count("deploy") == 0
        assert site.holdfast("audit").returncode == 0
    finally:
        for scene in scenes.values():
            scene.host.sh(f"apt-mark unhold toy || true; dpkg --purge toy || true; {BACK}")
