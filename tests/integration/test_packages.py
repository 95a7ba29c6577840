# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package modules on real hosts: real updates, the archive cut off, tampering, a killed dpkg, and the way back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.fleet import Fleet
from lab.process import wait_for
from tests.integration.bare import BareHost, lay_out_modules
from tests.integration.patched import SECONDS, STAGE, automatic, install, installed, plan, stage, there
from tests.integration.toys import WAIT, Toy, line

CLEAN = f"""
rm -rf /run/toy-* /etc/apt/apt.conf.d/99meddle {STAGE} /root/toy*
pkill -F /run/holder 2>/dev/null || true
toys=$(dpkg-query -W -f '${{Package}}\\n' 'toy*')
apt-mark unhold $toys >/dev/null
dpkg --force-all --purge $toys >/dev/null
"""


@pytest.fixture
def host(fresh_host: Any, tmp_path: Path) -> BareHost:
    """An untouched host."""
    return BareHost(fresh_host.fleet, fresh_host.name, lay_out_modules(tmp_path / "collections"))


@pytest.fixture
def debs(tmp_path: Path) -> Path:
    """Where toy packages are built."""
    folder = tmp_path / "debs"
    folder.mkdir()
    return folder


@pytest.fixture
def offline(lab: Fleet, tmp_path: Path) -> Iterator[BareHost]:
    """A host that can reach no archive; it loses its toys afterwards, for other tests use it too."""
    bare = BareHost(lab, "prod-2", lay_out_modules(tmp_path / "collections"))
    lab.cut_archive(bare.name)
    yield bare
    lab.restore_archive(bare.name)
    bare.sh(CLEAN)


def versions(lines: list[dict[str, Any]], member: str) -> dict[str, str]:
    """What dpkg must say when the plan's lines are carried out (member to) or taken back (member from)."""
    return {f"{one['name']}:{one['arch']}": f"ii {one[member]}" for one in lines if one[member] is not None}


def harden_umask(host: BareHost) -> None:
    """Give sessions a umask that keeps everybody else out, by both ways Debian's releases have."""
    host.sh(
        "sed -i '/^UMASK/d' /etc/login.defs; echo 'UMASK 077' >> /etc/login.defs; "
        "mkdir /etc/systemd/system/ssh.service.d; "
        "printf '[Service]\nUMask=0077\n' > /etc/systemd/system/ssh.service.d/umask.conf; "
        "systemctl daemon-reload; systemctl restart ssh"
    )
    host.fleet.wait_ready(host.name)


@pytest.mark.archive
@pytest.mark.parametrize("fresh_host", ["bookworm", "trixie"], indirect=True)
def test_real_updates_go_in_and_come_out_again_exactly_with_the_archive_cut_off(host: BareHost) -> None:
    own = "find /var/lib/apt/lists /var/cache/apt -type f -printf '%p %s %T@\\n' | sort"
    own_lists = own.replace("/var/cache/apt ", "")  # an installation runs the host's hooks, which renew apt's cache
    host.sh("echo 'APT::Update::Post-Invoke {\"touch /run/hooked\";};' > /etc/apt/apt.conf.d/99hook")
    harden_umask(host)
    before, marks, lists = installed(host), automatic(host), host.sh(own)

    unasked = host.module("package_state", check=True, refresh=True)
    assert (unasked["lists"]["measured"], unasked["updates"]) == (False, [])
    assert host.sh("ls /var/lib") == host.sh("ls /var/lib | grep -v holdfast")

    state = host.module("package_state", refresh=True, only=["nginx"], changelogs=True, max_age_hours=1)
    lines = state["updates"]
    assert {one["name"] for one in lines} >= {"nginx", "nginx-common"}
    assert {(one["origin"], one["security"]) for one in lines} == {("Debian-Security", True)}
    assert {f"{one['name']}:{one['arch']}": f"ii {one['from']}" for one in lines}.items() <= before.items()
    assert {one["rollback"]["version"] for one in lines} == {one["from"] for one in lines}
    assert all(cve.startswith("CVE-") for cve in state["cves"][f"nginx/{lines[0]['to']}"])
    assert state["cves"][f"nginx/{lines[0]['to']}"]
    assert {one["why"] for one in state["other_updates"]} == {"not selected"}
    assert host.sh(own) == lists
    assert host.sh("ls /run") == host.sh("ls /run | grep -v hooked")

    modes = "stat -c '%a %U' /var/lib/holdfast/apt/lists /var/lib/holdfast/apt/lists/partial /var/lib/holdfast/stage"
    assert host.sh(f"umask; {modes}").splitlines() == ["0077", "755 root", "700 _apt", "700 root"]

    asked = plan(lines)
    assert host.module("package_stage", check=True, **asked)["changed"]
    assert host.module("package_stage", **asked)["changed"]
    assert not host.module("package_stage", **asked)["changed"]
    host.fleet.cut_archive(host.name)

    forecast = host.module("package_apply", check=True, **asked)
    assert forecast["changed"]
    assert installed(host) == before
    applied = host.module("package_apply", **asked)
    assert applied["products"] == forecast["products"]
    assert installed(host) == {**before, **versions(lines, "to")}
    assert automatic(host) == marks
    assert not host.module("package_apply", **asked)["changed"]

    assert host.module("package_restore", check=True, **asked)["changed"]
    restored = host.module("package_restore", **asked)
    assert [(one["to"], one["from"]) for one in restored["products"]] == [
        (one["from"], one["to"]) for one in applied["products"]
    ]
    assert installed(host) == before
    assert automatic(host) == marks
    assert not host.module("package_restore", **asked)["changed"]
    assert host.module("package_apply", **asked)["changed"]
    assert installed(host) == {**before, **versions(lines, "to")}
    listed = "".join(each for each in lists.splitlines(keepends=True) if each.startswith("/var/lib"))
    assert host.sh(own_lists) == listed


def test_what_waits_for_another_planned_package_is_finished_with_it(offline: BareHost, debs: Path) -> None:
    host = offline
    old, library = Toy("toy", "1.0").build(debs), Toy("toy-lib", "1.0").build(debs)
    new = Toy("toy", "1.1", control=("Depends: toy-lib (>= 1.1)",)).build(debs)
    newer = Toy("toy-lib", "1.1").build(debs)
    install(host, old, library)
    before = installed(host)
    stage(host, old, new, library, newer)
    host.sh(f"dpkg --unpack {STAGE}/{new.name}")
    asked = plan([line("toy", old, new), line("toy-lib", library, newer)])
    assert host.module("package_apply", check=True, **asked)["changed"]
    applied = host.module("package_apply", **asked)
    assert not applied["failed"], applied
    assert [step["step"] for step in applied["steps"]] == ["repair", "install"]
    assert installed(host) == {**before, "toy:all": "ii 1.1", "toy-lib:all": "ii 1.1"}
    host.sh(f"dpkg --unpack {STAGE}/{library.name}")
    restored = host.module("package_restore", **asked)
    assert not restored["failed"], restored
    assert installed(host) == before


@pytest.mark.parametrize("way", ["apply", "restore"])
def test_a_dpkg_killed_in_the_middle_is_mended_and_the_work_finished(offline: BareHost, debs: Path, way: str) -> None:
    host = offline
    scripts = {name: WAIT.replace("@", name) for name in ("preinst", "postinst")}
    old, new = (Toy("toy", version, scripts=scripts).build(debs) for version in ("1.0", "1.1"))
    install(host, old if way == "apply" else new)
    stage(host, old, new)
    asked = plan([line("toy", old, new)])
    goal = "ii 1.1" if way == "apply" else "ii 1.0"
    expected = {**installed(host), "toy:all": goal}
    for script, state in (("preinst", "half-installed"), ("postinst", "half-configured")):
        host.sh(f"touch /run/toy-wait-{script}")
        with ThreadPoolExecutor() as pool:
            killed = pool.submit(host.module, f"package_{way}", **asked)
            there(host, f"/run/toy-reached-{script}")
            host.sh("pkill -KILL -x 'dpkg|apt-get'")
            said = killed.result()
        assert said["failed"]
        assert {"name": "toy", "arch": "all", "state": state} in said["unfinished"]
        host.sh(f"rm /run/toy-wait-{script} /run/toy-reached-{script}")

        seen = host.module("package_state", pending=False)
        assert {"name": "toy", "arch": "all", "state": state} in seen["unfinished"]
        looked = host.module(f"package_{way}", check=True, **asked)
        assert (looked["changed"], looked["steps"][0]["result"]) == (True, "needed")
        mended = host.module(f"package_{way}", **asked)
        assert not mended["failed"], mended
        assert (mended["steps"][0]["step"], mended["steps"][0]["result"]) == ("repair", "done")
        assert installed(host) == expected
        assert host.sh("dpkg --audit") == ""
        assert not host.module(f"package_{way}", **asked)["changed"]
        if script == "preinst":
            other = old if way == "apply" else new
            host.sh(f"dpkg -i {STAGE}/{other.name}")


def held_up(host: BareHost, debs: Path) -> dict[str, Any]:
    """A plan whose package waits in its postinst until a file goes away, staged; its arguments."""
    old = Toy("toy", "1.0").build(debs)
    new = Toy("toy", "1.1", scripts={"postinst": WAIT.replace("@", "postinst")}).build(debs)
    install(host, old)
    stage(host, old, new)
    host.sh("touch /run/toy-wait-postinst")
    return plan([line("toy", old, new)])


def test_an_installation_that_does_not_end_is_stopped_and_finished_later(offline: BareHost, debs: Path) -> None:
    host = offline
    asked = held_up(host, debs)
    stopped = host.module("package_apply", timeout=3, **asked)
    assert stopped["failed"]
    assert "still running after 3 s" in stopped["msg"]
    assert stopped["unfinished"] == [{"name": "toy", "arch": "all", "state": "half-configured"}]
    host.sh("rm /run/toy-wait-postinst")
    assert [step["step"] for step in host.module("package_apply", **asked)["steps"]] == ["repair"]
    assert installed(host)["toy:all"] == "ii 1.1"


def test_an_installation_whose_controller_dies_goes_on_to_its_end(offline: BareHost, debs: Path) -> None:
    host = offline
    asked = held_up(host, debs)
    controller = host.start("package_apply", **asked)
    there(host, "/run/toy-reached-postinst")
    os.killpg(controller.pid, signal.SIGKILL)
    controller.communicate()
    host.sh("rm /run/toy-wait-postinst")
    again = host.module("package_apply", **asked)
    assert (again["failed"], again["products"]) == (False, [])
    assert installed(host)["toy:all"] == "ii 1.1"
    assert host.sh("dpkg --audit") == ""


def test_a_package_no_plan_names_that_changes_meanwhile_is_named(offline: BareHost, debs: Path) -> None:
    host = offline
    old, new = (Toy("toy", version).build(debs) for version in ("1.0", "1.1"))
    bystander = Toy("toy-bystander", "1.0").build(debs)
    install(host, old, bystander)
    hook = 'DPkg::Post-Invoke {"DPKG_FRONTEND_LOCKED=1 dpkg --remove toy-bystander";};'
    host.sh(f"echo '{hook}' > /etc/apt/apt.conf.d/99meddle")
    stage(host, old, new)
    applied = host.module("package_apply", **plan([line("toy", old, new)]))
    assert applied["failed"]
    assert "toy-bystander (all): found not installed since this run; expected 1.0" in applied["msg"]
    assert applied["products"] == [{"name": "toy", "from": "1.0", "to": "1.1"}]


def test_what_does_not_fit_is_refused_by_name_before_anything_changes(offline: BareHost, debs: Path) -> None:
    host = offline
    old, new = (Toy("toy", version).build(debs) for version in ("1.0", "1.1"))
    needy = Toy("toy", "1.2", control=("Depends: toy-lib",)).build(debs)
    pushy = Toy("toy", "1.3", control=("Conflicts: toy-rival", "Replaces: toy-rival")).build(debs)
    rival = Toy("toy-rival", "1.0").build(debs)
    install(host, old, rival)
    good = line("toy", old, new)
    before = installed(host)
    at_start = {name: state[3:] for name, state in before.items()}

    def refused(said: str, lines: list[dict[str, Any]] | None = None, **more: Any) -> None:
        answer = host.module("package_apply", **plan(lines or [good]), **more)
        assert answer["failed"], answer
        assert said in answer["msg"]
        assert {name: state[3:] for name, state in installed(host).items()} == at_start

    refused("nothing staged")
    stage(host, old, new, needy, pushy, rival)
    flipped = bytearray(new.read_bytes())
    flipped[200] ^= 1
    (debs / "flipped").write_bytes(flipped)
    host.send(debs / "flipped", f"{STAGE}/{new.name}")
    refused(f"expected {good['sha256']}")
    assert good["sha256"] in host.module("package_stage", **plan([good]))["msg"]
    stage(host, new)
    host.sh(f"chmod 0755 {STAGE}")
    refused("mode 0755")
    host.sh(f"chmod 0700 {STAGE}")
    refused("toy-lib", [line("toy", old, needy)])
    refused("toy-rival: found a removal; expected none", [line("toy", old, pushy)])
    refused("expected not installed, or 1.1", [line("toy", None, new)])
    elsewhere = Toy("toy", "0.9").build(debs)
    refused("found 1.0; expected 0.9, or 1.1", [line("toy", elsewhere, new)])
    refused("found not installed; expected 1.0, or 1.1", [good, _renamed(good)])
    host.sh("apt-mark hold toy")
    refused("a hold")
    host.sh("apt-mark unhold toy")

    holding = "import fcntl, time\nf = open('/var/lib/dpkg/lock-frontend', 'w')\nfcntl.lockf(f, 2)\ntime.sleep(600)"
    host.sh(f'nohup python3 -c "{holding}" >/dev/null 2>&1 & echo $! > /run/holder')
    wait_for("the lock", lambda: host.module("package_state", pending=False)["lock"], within=SECONDS)
    pid = host.sh("cat /run/holder").strip()
    assert host.module("package_state", pending=False)["lock"]["pid"] == int(pid)
    refused(f"python3 (process {pid}", lock_timeout=1)
    host.sh(f"kill {pid}")
    assert host.module("package_apply", **plan([good]))["changed"]
    assert installed(host) == {**before, "toy:all": "ii 1.1"}


def _renamed(good: dict[str, Any]) -> dict[str, Any]:
    """The same line for a package the host does not have."""
    back = {**good["rollback"], "file": good["rollback"]["file"].replace("toy_", "toy-gone_")}
    return {**good, "name": "toy-gone", "file": good["file"].replace("toy_", "toy-gone_"), "rollback": back}


def test_packages_a_plan_brings_in_go_out_again_and_changed_configuration_stays(offline: BareHost, debs: Path) -> None:
    host = offline
    old = Toy("toy", "1.0", conffiles={"/etc/toy.conf": "first\n"}).build(debs)
    new = Toy("toy", "1.1", control=("Depends: toy-lib",), conffiles={"/etc/toy.conf": "second\n"}).build(debs)
    library = Toy("toy-lib", "1.0").build(debs)
    install(host, old)
    host.sh("apt-mark auto toy && echo ours > /etc/toy.conf")
    before, marks = installed(host), automatic(host)
    stage(host, old, new, library)
    asked = plan([line("toy", old, new), line("toy-lib", None, library)])

    applied = host.module("package_apply", **asked)
    assert {"name": "toy-lib", "from": None, "to": "1.0"} in applied["products"]
    assert applied["conffiles_kept"] == ["/etc/toy.conf"]
    assert host.sh("cat /etc/toy.conf") == "ours\n"
    assert installed(host) == {**before, "toy:all": "ii 1.1", "toy-lib:all": "ii 1.0"}
    assert automatic(host) == {*marks, "toy-lib"}

    restored = host.module("package_restore", **asked)
    assert {"name": "toy-lib", "from": "1.0", "to": None} in restored["products"]
    assert (installed(host), automatic(host)) == (before, marks)
    assert host.sh("cat /etc/toy.conf") == "ours\n"
    assert not host.module("package_restore", **asked)["changed"]


def test_a_package_that_cannot_be_configured_is_said_and_taken_back(offline: BareHost, debs: Path) -> None:
    host = offline
    old = Toy("toy", "1.0").build(debs)
    broken = Toy("toy", "1.1", scripts={"postinst": "echo the toy breaks; exit 3"}).build(debs)
    install(host, old)
    before = installed(host)
    stage(host, old, broken)
    asked = plan([line("toy", old, broken)])

    failed = host.module("package_apply", **asked)
    assert failed["failed"]
    assert "toy (all): found 1.1, half-configured; expected 1.1, installed" in failed["msg"]
    assert failed["products"] == [{"name": "toy", "from": "1.0", "to": "1.1"}]
    assert failed["unfinished"] == [{"name": "toy", "arch": "all", "state": "half-configured"}]
    assert "the toy breaks" in host.sh(f"cat {failed['log']}")
    again = host.module("package_apply", **asked)
    assert "dpkg cannot finish its work; toy (all): found 1.1, half-configured" in again["msg"]

    restored = host.module("package_restore", **asked)
    assert restored["products"] == [{"name": "toy", "from": "1.1", "to": "1.0"}]
    assert installed(host) == before
    assert host.sh("dpkg --audit") == ""


def test_every_pending_update_has_its_reason_and_its_way_back_or_none(host: BareHost) -> None:
    others = "find /etc/apt/sources.list* -type f ! -name holdfast-lab.sources"
    host.sh(f"mkdir /root/aside; {others} -exec mv {{}} /root/aside ';'")
    publish = host.fleet.publish
    publish("1.0")
    assert host.module("package_state", refresh=True, only=["claimsd"])["updates"] == []
    publish("1.2")
    assert host.module("package_state", only=["claimsd"])["updates"] == []

    (update,) = host.module("package_state", refresh=True)["updates"]
    assert (update["name"], update["from"], update["to"]) == ("claimsd", "1.0", "1.2")
    assert (update["origin"], update["codename"]) == ("Holdfast-Lab", f"{host.name.removesuffix('-1')}-security")
    assert (update["security"], update["rollback"]["version"]) == (True, "1.0")

    def waiting(**asked: Any) -> list[tuple[str, str, str]]:
        state = host.module("package_state", **asked)
        assert state["updates"] == []
        return [(one["name"], one["to"], one["why"]) for one in state["other_updates"]]

    assert waiting(exclude=["claim*"]) == [("claimsd", "1.2", "excluded")]
    assert waiting(only=["nginx"]) == [("claimsd", "1.2", "not selected")]
    host.sh("apt-mark hold claimsd")
    assert waiting() == [("claimsd", "1.2", "held")]
    host.sh("apt-mark unhold claimsd")
    host.sh("printf 'Package: claimsd\\nPin: version 1.2\\nPin-Priority: -1\\n\\n"
            "Package: claimsd\\nPin: version 1.1\\nPin-Priority: -1\\n' > /etc/apt/preferences.d/pin")  # fmt: skip
    assert waiting() == [("claimsd", "1.2", "pinned")]
    host.sh("rm /etc/apt/preferences.d/pin")
    old = host.module("package_state", max_age_hours=0)
    assert (old["lists"]["measured"], old["updates"]) == (False, [])

    other = {**update, "sha256": "0" * 64}
    said = host.module("package_stage", **plan([other]))
    assert f"{update['sha256']}, {update['size']} bytes; expected {'0' * 64}" in said["msg"]
    gone = {**update, "to": "1.3", "file": "claimsd_1.3_all.deb"}
    assert "no version 1.3 in this host's archives" in host.module("package_stage", **plan([gone]))["msg"]
    assert host.sh(f"ls -A {STAGE}").split() == ["claimsd_1.0_all.deb"], "the way back, which is right, and no more"

    publish("1.2", only=True)
    (update,) = host.module("package_state", refresh=True)["updates"]
    assert update["rollback"] is None
    assert host.module("package_stage", **plan([update]))["changed"]
    assert host.module("package_apply", **plan([update]))["changed"]
    stuck = host.module("package_restore", **plan([update]))
    assert "claimsd (all): found no earlier version locked; expected 1.0" in stuck["msg"]

    publish("1.0")
    host.sh("mv /usr/share/keyrings/holdfast-lab.asc /root/aside")
    broken = host.module("package_state", refresh=True)
    assert broken["failed"]
    assert "could not be refreshed" in broken["msg"]
