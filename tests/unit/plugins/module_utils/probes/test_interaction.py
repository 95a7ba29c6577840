# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are each in order and together hurt: one host in words for each, and the same host mended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import audit, firewall, interaction
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._nft import Rules

CASES = Path(__file__).resolve().parents[3] / "cases" / "nft"
NOW = 20_000 * 86400.0
MIB = 1024 * 1024


def found(answer):
    status, actual, _why = answer
    assert status == "observed"
    return actual


@pytest.fixture
def people(tmp_path, monkeypatch):
    """A host whose accounts are written into a folder; give it names with their shadow fields."""

    def make(**accounts):
        etc = tmp_path / "etc"
        etc.mkdir(exist_ok=True)
        numbers = {name: 1000 + index for index, name in enumerate(accounts)}
        passwd = [f"{name}:x:{number}:{number}::/home/{name}:/bin/bash" for name, number in numbers.items()]
        passwd += ["root:x:0:0::/root:/bin/bash", "games:x:5:60::/usr/games:/usr/sbin/nologin"]
        (etc / "passwd").write_text("\n".join(passwd), encoding="utf-8")
        (etc / "group").write_text(f"sudo:x:27:games,{','.join(accounts)}\nusers:x:100:\n", encoding="utf-8")
        (etc / "shadow").write_text("\n".join(f"{n}:{entry}" for n, entry in accounts.items()), encoding="utf-8")
        real = interaction.administrators
        monkeypatch.setattr(interaction, "administrators", lambda now: real(now, str(tmp_path)))

    return make


def key_for(tmp_path, name, text="ssh-ed25519 AAAA x\n"):
    folder = tmp_path / "home" / name / ".ssh"
    folder.mkdir(parents=True)
    (folder / "authorized_keys").write_text(text, encoding="utf-8")


ENDS = "$y$x:19950:0:60:7:::"  # changed 50 days ago, good for 60


def test_the_only_administrators_password_that_ends(people, tmp_path):
    people(ann=ENDS)
    assert found(interaction.password_end(NOW)) == ["ann is the only administrator, and the password ends in 10 days"]
    key_for(tmp_path, "ann")
    assert found(interaction.password_end(NOW)) == []


@pytest.mark.parametrize(
    "accounts", [{"ann": ENDS, "bob": ENDS}, {"ann": "$y$x:19950:0:99999:7:::"}, {"ann": "$y$x:19990:0:60:7:::"}, {}]
)
def test_a_second_administrator_or_a_password_that_stays(people, accounts):
    people(**accounts)
    assert found(interaction.password_end(NOW)) == []


def test_a_locked_account_is_no_second_administrator(people):
    people(ann=ENDS, bob="!$y$x:19950:0:60:7:::")
    assert len(found(interaction.password_end(NOW))) == 1


@pytest.fixture
def pam(tmp_path, monkeypatch):
    """A folder of PAM services in which sshd includes common-auth."""
    monkeypatch.setattr(interaction, "PAM", str(tmp_path / "pam.d"))
    (tmp_path / "pam.d").mkdir()
    (tmp_path / "pam.d" / "sshd").write_text("# x\n@include common-auth\n", encoding="utf-8")

    def make(*lines):
        (tmp_path / "pam.d" / "common-auth").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return make


def test_wrong_passwords_and_the_only_administrator(people, pam, tmp_path):
    people(ann=ENDS)
    pam("auth required pam_unix.so")
    assert interaction.faillock(NOW)[0] == "not_applicable"
    pam("auth required pam_faillock.so preauth", "auth required pam_unix.so")
    assert found(interaction.faillock(NOW)) == ["anybody can lock out ann, the only administrator, who has no key"]
    key_for(tmp_path, "ann", "# none yet\n")
    assert len(found(interaction.faillock(NOW))) == 1
    (tmp_path / "home/ann/.ssh/authorized_keys").write_text("ssh-ed25519 AAAA x\n", encoding="utf-8")
    assert found(interaction.faillock(NOW)) == []


def test_a_code_that_nobody_can_make(people, pam, tmp_path):
    people(ann=ENDS, bob=ENDS)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "bob").touch()
    pam("auth required pam_unix.so")
    assert interaction.mfa_enrolment(NOW)[0] == "not_applicable"
    pam(f"auth required pam_google_authenticator.so secret={secrets}/${{USER}} user=root")
    assert found(interaction.mfa_enrolment(NOW)) == ["ann is asked for a code and has none"]
    pam(f"auth required pam_google_authenticator.so nullok secret={secrets}/${{USER}}")
    assert found(interaction.mfa_enrolment(NOW)) == []


@pytest.fixture
def rules(monkeypatch, tmp_path):
    """A host with an SSH server and one of the recorded rule sets, on a port."""
    monkeypatch.setattr(interaction, "program", lambda name: name)
    monkeypatch.setattr(interaction, "SSHD", str(tmp_path / "sshd_config"))

    def make(name, port):
        (tmp_path / "sshd_config").write_text(f"#Port 1\nPort {port}\n", encoding="utf-8")
        listing = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
        monkeypatch.setattr(firewall, "live_rules", lambda: Rules(listing))

    return make


@pytest.mark.parametrize(
    ("name", "port", "conflicts"),
    [
        ("role", 22, []),
        ("role", 2222, ["the firewall lets nobody in to tcp/2222, where SSH listens"]),
        ("doubts", 22, ["the firewall lets nobody in to tcp/22, where SSH listens"]),  # only under a mark
        ("podman", 2222, []),
    ],
)
def test_a_firewall_without_a_way_in(rules, name, port, conflicts):
    rules(name, port)
    assert found(interaction.ssh_shut()) == conflicts


@pytest.fixture
def disk(monkeypatch, tmp_path):
    """A host whose log partitions have this many MB, with these settings of auditd."""

    def make(room, settings, devices=(1, 1), journal="1G"):
        conf = tmp_path / "auditd.conf"
        conf.write_text(settings, encoding="utf-8")
        monkeypatch.setattr(audit, "MAIN", str(conf))
        monkeypatch.setattr(interaction, "size_of", lambda _path: room * MIB)
        known = {interaction.JOURNAL: devices[0], interaction.AUDIT_LOGS: devices[1]}
        monkeypatch.setattr(interaction, "device_of", known.get)
        monkeypatch.setattr(interaction.systemd_config, "read", lambda _name: {("Journal", "SystemMaxUse"): journal})

    return make


HALTS = "max_log_file = 8\nnum_logs = 5\nadmin_space_left_action = HALT\ndisk_full_action = ROTATE\n"


def test_a_full_partition_that_stops_the_host(disk):
    disk(64, HALTS)
    assert found(interaction.audit_stop()) == ["admin_space_left_action is halt, and audit logs may take 40 of 64 MB"]
    disk(2000, HALTS)
    assert found(interaction.audit_stop()) == []
    disk(64, HALTS.replace("HALT", "rotate"))
    assert found(interaction.audit_stop()) == []


def test_logs_that_fit_one_by_one_and_not_together(disk):
    disk(1050, HALTS)
    assert found(interaction.log_space()) == ["the journal and audit logs may take 1064 of 1050 MB"]
    disk(1050, HALTS, devices=(1, 2), journal="900M")
    assert found(interaction.log_space()) == []
    disk(2000, HALTS, journal="10%")
    assert found(interaction.log_space()) == []


@pytest.mark.parametrize(
    ("options", "told", "conflicts"),
    [
        ("rw,nosuid", 'APT::ExtractTemplates::TempDir "/tmp";', 0),
        ("rw,noexec", "", 1),
        ("rw,noexec", 'APT::ExtractTemplates::TempDir "/tmp";', 1),
        ("rw,noexec", 'APT::ExtractTemplates::TempDir "/var/cache/apt";', 0),
    ],
)
def test_packages_that_cannot_ask(tmp_path, monkeypatch, options, told, conflicts):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 8:1 / / rw - ext4 x rw\n2 1 0:3 / /tmp {options} - tmpfs tmpfs rw\n", encoding="utf-8")
    monkeypatch.setattr(interaction, "MOUNTS", str(mounts))
    monkeypatch.setattr(interaction, "output_of", lambda _argv: told)
    assert len(found(interaction.temporary())) == conflicts


@pytest.mark.parametrize(
    ("allowed", "values", "conflicts"),
    [
        ("10.0.0.0/8, 0.0.0.0/0", {"rp_filter": 1, "src_valid_mark": 0}, 1),
        ("0.0.0.0/0", {"rp_filter": 1, "src_valid_mark": 1}, 0),
        ("0.0.0.0/0", {"rp_filter": 2, "src_valid_mark": 0}, 0),
        ("10.0.0.0/8", {"rp_filter": 1, "src_valid_mark": 0}, 0),
    ],
)
def test_a_vpn_whose_answers_are_dropped(tmp_path, monkeypatch, allowed, values, conflicts):
    (tmp_path / "wg0.conf").write_text(f"[Peer]\nAllowedIPs = {allowed}\n", encoding="utf-8")
    monkeypatch.setattr(interaction, "WIREGUARD", f"{tmp_path}/*.conf")
    monkeypatch.setattr(interaction, "live", lambda key: values[key.rsplit("/", 1)[1]])
    assert len(found(interaction.vpn_paths())) == conflicts


def test_containers_behind_a_firewall_that_passes_nothing_on(tmp_path, monkeypatch, rules):
    monkeypatch.setattr(interaction.glob, "glob", lambda pattern: ["/x/docker0"] if "docker" in pattern else [])
    rules("role", 22)
    assert found(interaction.containers()) == ["the firewall passes nothing on, and docker0 live by it"]
    rules("podman", 22)
    assert found(interaction.containers()) == []
