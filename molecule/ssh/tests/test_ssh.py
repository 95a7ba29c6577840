# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH server after its role, seen by itself and by a client that tries: no probe of ours is asked."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def effective(host):
    """What sshd says it will do for a stranger who wants to be root."""
    shown = host.check_output("/usr/sbin/sshd -T -C user=root,host=x,addr=192.0.2.7,laddr=192.0.2.8,lport=22")
    return dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("permitrootlogin", "without-password"),
        ("passwordauthentication", "no"),
        ("kbdinteractiveauthentication", "no"),
        ("permitemptypasswords", "no"),
        ("hostbasedauthentication", "no"),
        ("permituserenvironment", "no"),
        ("x11forwarding", "no"),
        ("allowagentforwarding", "no"),
        ("permittunnel", "no"),
        ("loglevel", "VERBOSE"),
        ("maxauthtries", "4"),
        ("logingracetime", "60"),
        ("clientaliveinterval", "300"),
        ("clientalivecountmax", "3"),
        ("allowtcpforwarding", "no"),
        ("gssapiauthentication", "no"),
        ("ignorerhosts", "yes"),
        ("maxsessions", "10"),
        ("maxstartups", "10:30:60"),
        ("banner", "/etc/issue.net"),
        ("strictmodes", "yes"),
        ("usepam", "yes"),
    ],
)
def test_setting(effective, keyword, value):
    assert effective[keyword] == value


@pytest.mark.parametrize(
    ("keyword", "weak"), [("macs", "sha1"), ("macs", "md5"), ("ciphers", "cbc"), ("kexalgorithms", "nistp")]
)
def test_weak_algorithms_are_gone_and_strong_ones_left(effective, keyword, weak):
    assert weak not in effective[keyword]
    assert len(effective[keyword].split(",")) >= 3


def test_the_running_server_asks_for_a_key_and_nothing_else(host):
    # `|| exit 1`: testinfra takes 255 for a broken connection of its own.
    # A client without any key is told what would be accepted; sshd answers as it runs, not as its files say.
    command = (
        "ssh -v -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        " -o IdentityFile=/dev/null -o IdentitiesOnly=yes root@127.0.0.1 true || exit 1"
    )
    answer = host.run(command)
    assert answer.rc == 1
    assert "Authentications that can continue: publickey\n" in answer.stderr.replace("\r", "")
    assert "Permission denied (publickey)" in answer.stderr


def test_the_server_offers_no_weak_integrity_code(host):
    command = (
        "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        " -o Ciphers=aes128-ctr -o MACs=hmac-sha1 root@127.0.0.1 true || exit 1"
    )
    assert "no matching MAC found" in host.run(command).stderr


@pytest.mark.parametrize("kind", ["ecdsa-sha2-nistp256", "ssh-rsa"])
def test_the_server_shows_no_weak_key(host, kind):
    # Both are listed by ssh-keyscan where they are offered; the lab's hosts have an Ed25519 key alone.
    assert kind not in host.run(f"ssh-keyscan -t {kind} 127.0.0.1").stdout
    assert "ssh-ed25519" in host.run("ssh-keyscan -t ed25519 127.0.0.1").stdout


def test_a_match_block_further_down_cannot_loosen_a_setting(host):
    host.check_output("printf 'Match all\\n  X11Forwarding yes\\n' >/etc/ssh/sshd_config.d/99-later.conf")
    try:
        assert "x11forwarding no" in host.check_output("/usr/sbin/sshd -T -C user=root,host=x,addr=192.0.2.7")
    finally:
        host.check_output("rm /etc/ssh/sshd_config.d/99-later.conf")


def test_a_forwarded_port_is_refused(host):
    # A key of its own for a moment; -W asks the server to carry the connection on.
    host.check_output(
        "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/trial && cat /root/.ssh/trial.pub >>/root/.ssh/authorized_keys"
    )
    command = "ssh -i /root/.ssh/trial -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    try:
        assert host.run(f"{command} root@127.0.0.1 true || exit 1").rc == 0
        refused = host.run(f"{command} -W 127.0.0.1:22 root@127.0.0.1 </dev/null || exit 1")
        assert "administratively prohibited" in refused.stderr
    finally:
        host.check_output("sed -i '$d' /root/.ssh/authorized_keys; rm /root/.ssh/trial /root/.ssh/trial.pub")


def test_settings_are_read_by_root_alone(host):
    drop_in = host.file("/etc/ssh/sshd_config.d/00-holdfast.conf")
    assert (drop_in.user, drop_in.group, drop_in.mode) == ("root", "root", 0o600)
    assert host.file("/etc/ssh/sshd_config").content_string.startswith("Include /etc/ssh/sshd_config.d/00-holdfast")


def test_the_service_runs_and_starts_with_the_host(host):
    assert host.service("ssh").is_running
    assert host.service("ssh").is_enabled
