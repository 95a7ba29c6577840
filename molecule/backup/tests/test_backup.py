# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is lost comes back from the backup, byte for byte: by restic itself, no probe of ours is asked."""

from __future__ import annotations

import json

import pytest

REPOSITORY = "/var/lib/holdfast/backup/repository"
RESTIC = f"restic --no-cache --repo {REPOSITORY} --password-file /etc/holdfast/backup.password"


def test_a_lost_folder_is_restored_to_the_same_digest(host):
    host.check_output(
        "sh -c 'mkdir -p /srv/claims && head -c 3000000 /dev/urandom >/srv/claims/data && echo x >/srv/claims/a'"
    )
    digest = "sh -c 'cd /srv/claims && sha256sum *'"
    before = host.check_output(digest)
    host.check_output("/usr/local/sbin/holdfast-backup run")
    host.check_output("rm -r /srv/claims")
    host.check_output(f"{RESTIC} restore latest --target / --include /srv/claims")
    assert host.check_output(digest) == before
    host.check_output("rm -r /srv/claims")


def test_the_proof_is_of_the_latest_snapshot_and_compared_files(host):
    host.check_output("/usr/local/sbin/holdfast-backup run")
    host.check_output("/usr/local/sbin/holdfast-backup prove")
    record = json.loads(host.file("/var/lib/holdfast/backup/restore.json").content_string)
    latest = json.loads(host.check_output(f"{RESTIC} snapshots --json"))[-1]
    assert record["snapshot"] == latest["id"]
    assert record["files"] > 100
    assert host.run("ls -d /var/lib/holdfast/backup/proof-*").rc != 0


def test_what_was_garbled_on_the_way_is_no_proof(host):
    host.check_output("sh -c 'mkdir -p /srv/claims && echo right >/srv/claims/a'")
    host.check_output("/usr/local/sbin/holdfast-backup run")
    before = host.file("/var/lib/holdfast/backup/restore.json").content_string
    try:
        # The same size and the same time, another content.
        host.check_output("touch -r /srv/claims/a /root/then")
        host.check_output("sh -c 'echo wrong >/srv/claims/a && touch -r /root/then /srv/claims/a'")
        said = host.run("/usr/local/sbin/holdfast-backup prove")
        assert said.rc == 1
        assert "/srv/claims/a: what was restored differs from what was saved" in said.stderr
        assert host.file("/var/lib/holdfast/backup/restore.json").content_string == before
    finally:
        host.check_output("rm -r /srv/claims /root/then")


def test_the_repository_is_whole_and_opens_with_its_password_alone(host):
    assert "no errors were found" in host.check_output(f"{RESTIC} check --read-data")
    wrong = host.run(
        f"sh -c 'echo wrong >/root/wrong; restic --no-cache --repo {REPOSITORY} --password-file /root/wrong cat config'"
    )
    assert wrong.rc != 0
    host.check_output("rm /root/wrong")


def test_root_alone_reads_password_and_repository(host):
    assert host.file("/etc/holdfast/backup.password").mode == 0o600
    assert host.run(f"runuser -u nobody -- ls {REPOSITORY}").rc != 0


@pytest.mark.parametrize("name", ["holdfast-backup", "holdfast-restore-proof"])
def test_timers(host, name):
    assert host.service(f"{name}.timer").is_enabled
    assert host.service(f"{name}.timer").is_running
    host.check_output(f"systemctl start {name}.service")
