# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab does what the other tests rely on: real hosts, untouched, reachable, and nobody else's."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse

import pytest

from lab import containers, mirrors
from lab.fleet import Fleet
from lab.places import ROOT

RELEASES = pytest.mark.parametrize("fresh_host", ["bookworm", "trixie"], indirect=True)
HEALTH = ["python3", "-c", "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/health').status)"]


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the lab's command as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, text=True, capture_output=True, timeout=300, check=False
    )


def update_from_lab(host) -> None:
    """Fetch the lists of the lab's own archive, and no other."""
    source = "/etc/apt/sources.list.d/holdfast-lab.sources"
    only = ["-o", f"Dir::Etc::SourceList={source}", "-o", "Dir::Etc::SourceParts=-", "-o", "APT::Get::List-Cleanup=0"]
    done = host.exec(["apt-get", "-q", "update", *only])
    assert done.returncode == 0
    assert "Err:" not in done.stdout + done.stderr
    assert "W:" not in done.stderr


def install(host, version: str) -> None:
    done = host.exec(["apt-get", "-q", "-y", "--allow-downgrades", "install", f"claimsd={version}"])
    assert done.returncode == 0, done.stderr


def test_five_hosts_of_two_releases_answer_over_ssh(lab):
    hosts = {host.name: host for host in lab.status()}
    assert list(hosts) == ["lab-1", "lab-2", "pilot-1", "prod-1", "prod-2"]
    assert all(host.ok and host.system == "running" and host.claimsd == "1.0" for host in hosts.values())
    assert {name: host.debian.split(".")[0] for name, host in hosts.items()} == {
        "lab-1": "12", "lab-2": "13", "pilot-1": "12", "prod-1": "12", "prod-2": "12",
    }  # fmt: skip


def test_production_runs_its_services(lab):
    for unit in ("nginx", "postgresql@15-main", "chrony", "claimsd", "cron"):
        assert lab.exec("prod-1", ["systemctl", "is-active", unit]).stdout == "active\n", unit
    query = ["runuser", "-u", "postgres", "--", "psql", "-tAc", "select 1"]
    assert lab.exec("prod-1", query).stdout == "1\n"
    page = ["python3", "-c", "import urllib.request as u; print(u.urlopen('http://127.0.0.1/healthz').read())"]
    assert lab.exec("prod-1", page).stdout == "b'ok\\n'\n"


def test_up_keeps_hosts_that_run(lab):
    before = lab.boot_marker("prod-1")
    done = command("up", "--name", lab.name, "--hosts", "prod-1,lab-2", "--format", "json")
    assert done.returncode == 0
    assert "2 hosts up (0 new, 2 kept)" in done.stderr
    assert {"prod-1", "lab-2"} <= {host["name"] for host in json.loads(done.stdout)["hosts"]}
    assert lab.boot_marker("prod-1") == before


def test_a_host_with_another_key_is_refused(lab):
    known = lab.places.folder / "known_hosts"
    text = known.read_text()
    keys = {line.split()[0].split(",")[0]: line.split()[2] for line in text.splitlines()}
    known.write_text(text.replace(keys["prod-1"], keys["prod-2"]))
    try:
        done = lab.exec("prod-1", ["true"])
    finally:
        known.write_text(text)
    assert done.returncode == 255
    assert "HOST IDENTIFICATION HAS CHANGED" in done.stderr
    assert lab.exec("prod-1", ["true"]).returncode == 0


def test_a_reboot_brings_the_host_back_where_it_was(lab):
    before, port = lab.boot_marker("pilot-1"), lab.hosts()[2].port
    lab.exec("pilot-1", ["touch", "/etc/kept"])
    lab.reboot("pilot-1")
    assert lab.boot_marker("pilot-1") != before
    assert lab.hosts()[2].port == port
    assert lab.exec("pilot-1", ["rm", "/etc/kept"]).returncode == 0


def test_a_killed_host_stays_off_until_it_is_started(lab):
    lab.kill("prod-2")
    try:
        assert lab.exec("prod-2", ["true"]).returncode == 255
        assert [host.ok for host in lab.status() if host.name == "prod-2"] == [False]
        assert command("status", "--name", lab.name).returncode == 1
    finally:
        lab.start("prod-2")
    assert lab.exec("prod-2", ["hostname"]).stdout == "prod-2\n"


def test_a_cut_host_reaches_no_archive_but_is_reached(lab):
    fetch = ["python3", "-c", "import urllib.request as u; u.urlopen('http://lab-archive/', timeout=5)"]
    found = lab.exec("prod-1", fetch).stderr
    assert "403" in found, "the archive answers (that its folder has no index)"
    lab.cut_archive("prod-1")
    try:
        assert "Connection refused" in lab.exec("prod-1", fetch).stderr
        assert lab.exec("prod-1", HEALTH).stdout == "200\n"
    finally:
        lab.restore_archive("prod-1")
    assert "403" in lab.exec("prod-1", fetch).stderr


@RELEASES
def test_a_fresh_host_is_as_debian_left_it(fresh_host):
    assert fresh_host.exec(["dpkg", "--verify"]).stdout == ""
    pending = fresh_host.exec(["apt-get", "-s", "upgrade"]).stdout
    security = [line for line in pending.splitlines() if line.startswith("Inst ") and "Debian-Security" in line]
    assert len(security) >= 5, pending


@RELEASES
def test_a_host_cannot_change_its_machine(fresh_host):
    for key in ("kernel/kptr_restrict", "fs/protected_symlinks", "vm/swappiness"):
        same = f"cat /proc/sys/{key} > /tmp/value && cat /tmp/value > /proc/sys/{key}"  # harmless, were it possible
        refused = fresh_host.exec(["sh", "-c", same])
        assert refused.returncode != 0, key
        assert "Read-only file system" in refused.stderr
    assert fresh_host.exec(["sysctl", "-w", "net.ipv4.conf.all.rp_filter=1"]).returncode == 0
    assert fresh_host.exec(["date", "-s", "2001-01-01"]).returncode != 0


@RELEASES
def test_the_broken_version_starts_fails_its_health_and_can_be_taken_back(fresh_host):
    fresh_host.fleet.publish("1.1")
    update_from_lab(fresh_host)
    policy = fresh_host.exec(["apt-cache", "policy", "claimsd"]).stdout
    assert "Candidate: 1.1" in policy
    install(fresh_host, "1.1")
    assert fresh_host.exec(["systemctl", "is-active", "claimsd"]).stdout == "active\n"
    assert "HTTP Error 503" in fresh_host.exec(HEALTH).stderr
    assert fresh_host.exec(["claimsd", "--selftest"]).returncode == 1
    install(fresh_host, "1.0")
    assert fresh_host.exec(["claimsd", "--selftest"]).returncode == 0
    fresh_host.fleet.publish("1.2", only=True)
    update_from_lab(fresh_host)
    assert fresh_host.exec(["apt-cache", "madison", "claimsd"]).stdout.count("|") == 2
    install(fresh_host, "1.2")
    assert fresh_host.exec(["claimsd", "--version"]).stdout == "1.2\n"
    fresh_host.fleet.publish("1.0")


def test_apt_sees_the_lab_archive_as_a_signed_security_archive(fresh_host):
    update_from_lab(fresh_host)
    known = fresh_host.exec(["apt-cache", "policy"]).stdout
    assert "o=Holdfast-Lab,a=bookworm-security,n=bookworm-security,l=Holdfast-Lab" in known
    release = fresh_host.fleet.archive.served / "dists" / "bookworm-security" / "InRelease"
    signed = release.read_text()
    release.write_text(signed.replace("Holdfast-Lab", "Holdfast-Bad"))
    source = "Dir::Etc::SourceList=/etc/apt/sources.list.d/holdfast-lab.sources"
    try:
        done = fresh_host.exec(["apt-get", "-q", "update", "-o", source, "-o", "Dir::Etc::SourceParts=-"])
    finally:
        release.write_text(signed)
    assert "BADSIG" in done.stdout + done.stderr


@pytest.mark.archive
@RELEASES
def test_a_host_reaches_the_debian_archive(fresh_host):
    done = fresh_host.exec(["apt-get", "-q", "update"])
    assert done.returncode == 0
    assert "Err:" not in done.stdout
    assert urllib.parse.urlsplit(mirrors.find().security).hostname in done.stdout


def test_down_leaves_alone_what_is_not_its_own(lab):
    mine = Fleet("test-down")
    mine.up(["lab-1"])
    image = containers.listed(mine.places)["lab-1"].image
    foreign = f"holdfast-foreign-{mine.places.checkout}"
    subprocess.run(["podman", "rm", "--force", "--ignore", foreign], check=True, capture_output=True)
    marker = lab.boot_marker("lab-1")
    beside = mine.places.all_fleets / "not-a-fleet.txt"
    beside.write_text("kept\n")
    # It joins the other fleet's network and carries its label with another value: near misses both.
    words = ["podman", *("--runtime", runtime_of(mine)), "run", "--detach", "--name", foreign]
    words += ["--network", lab.places.network, "--label", "holdfast.lab=other", "--ulimit", "nofile=512:512"]
    words += ["--ulimit", "nproc=512:512", image, "sleep", "600"]
    try:
        subprocess.run(words, check=True, capture_output=True)
        assert command("down", "--name", "test-down").returncode == 0
        assert containers.listed(mine.places) == {}
        assert not mine.places.folder.exists()
        state = ["podman", "inspect", "--format", "{{.State.Status}}", foreign]
        assert subprocess.run(state, check=True, text=True, capture_output=True).stdout == "running\n"
        assert beside.exists()
        assert lab.boot_marker("lab-1") == marker
    finally:
        subprocess.run(["podman", "rm", "--force", "--ignore", "--time", "0", foreign], check=True, capture_output=True)
        beside.unlink()
        mine.down()


def runtime_of(fleet: Fleet) -> str:
    """The OCI runtime that the fleet's first container uses."""
    name = next(iter(containers.listed(fleet.places).values())).name
    words = ["podman", "inspect", "--format", "{{.OCIRuntime}}", name]
    return subprocess.run(words, check=True, text=True, capture_output=True).stdout.strip()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("up", "--name", "Bad_Name"), "'Bad_Name' is no fleet name; write lower-case letters"),
        (("up", "--name", "test-wrong", "--hosts", "prod-9"), "host 'prod-9': not one of lab-1, lab-2"),
        (("up", "--name", "test-wrong", "--hosts", "a=sid"), "'sid' is not one of bookworm, trixie"),
        (("publish", "--name", "test-wrong", "2.0"), "version '2.0': claimsd has 1.0, 1.1, 1.2"),
        (("status", "--format", "xml"), "invalid choice: 'xml'"),
    ],
)
def test_wrong_words_are_refused(words, says):
    done = command(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_a_fleet_without_hosts_is_a_finding():
    done = command("status", "--name", "test-none")
    assert done.returncode == 1
    assert done.stdout == "fleet test-none: no hosts\n"


def test_publishing_before_up_says_what_to_do():
    done = command("publish", "--name", "test-none", "1.1")
    assert done.returncode == 3
    assert "bring it up first" in done.stderr
