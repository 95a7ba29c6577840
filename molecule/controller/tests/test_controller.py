# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site after its role, by trying to read it as somebody else: no probe of ours is asked."""

from __future__ import annotations

import pytest

SITE = "/srv/holdfast"


@pytest.mark.parametrize(
    "path", ["keys/controller.pem", "keys/verifier.pem", "ledger/ledger.sqlite", "../../home/holdfast/.ssh/id_ed25519"]
)
def test_a_stranger_cannot_read_what_signs_or_is_signed_and_the_site_can(host, path):
    assert host.run(f"runuser -u nobody -- cat {SITE}/{path}").rc != 0
    assert host.run(f"runuser -u holdfast -- cat {SITE}/{path}").rc == 0


@pytest.mark.parametrize("path", ["holdfast.yml", "ansible.cfg", "policy"])
def test_the_site_alone_writes_its_files(host, path):
    assert host.file(f"{SITE}/{path}").mode & 0o022 == 0
    assert host.file(f"{SITE}/{path}").user == "holdfast"


def test_ansible_of_the_site_records_and_checks_host_keys(host):
    lines = host.file(f"{SITE}/ansible.cfg").content_string.splitlines()
    assert lines[0] == "[defaults]"
    assert "inventory = holdfast.yml" in lines
    (callbacks,) = [line for line in lines if line.startswith("callbacks_enabled")]
    assert "holdfast.hipaa.recorder" in callbacks
    assert not [line for line in lines if line.startswith("host_key_checking") and not line.endswith("true")]
