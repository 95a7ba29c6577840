# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys after their role, by trying to read them: no probe of ours is asked."""

from __future__ import annotations

KEY = "/etc/ssl/private/ssl-cert-snakeoil.key"


def test_a_stranger_cannot_read_a_key_and_its_group_still_can(host):
    assert host.run(f"runuser -u nobody -- cat {KEY}").rc != 0
    assert host.run(f"runuser -u postgres -- cat {KEY}").rc == 0


def test_nobody_else_can_put_a_key_there(host):
    assert host.run("runuser -u postgres -- touch /etc/ssl/private/drill").rc != 0


def test_it_is_written_down_where_certificates_lie(host):
    places = host.file("/etc/holdfast/certificates")
    assert "/etc/letsencrypt/live/*/*.pem\n" in places.content_string
    assert places.mode == 0o644
