# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After every role the host still takes software, lets us in, and serves."""

from __future__ import annotations

import subprocess

from tests import scenario

SERVED = "import urllib.request as u; print(u.urlopen('http://127.0.0.1/healthz', timeout=10).read().decode())"


def test_a_package_from_a_file_installs(host):
    try:
        host.check_output("/root/drill-package drill-tools install")
        assert host.package("drill-tools").is_installed
        host.check_output("apt-get check")
    finally:
        host.run("dpkg --purge drill-tools")


def test_a_fresh_login_works(host):
    fleet = scenario.fleet()
    command = ["ssh", "-F", str(fleet.ssh_config), "-o", "ControlPath=none", "-o", "BatchMode=yes"]
    done = subprocess.run(
        [*command, host.backend.get_hostname(), "id -u && sudo -n true"],
        text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_the_web_server_and_the_database_answer(host):
    assert host.check_output(f'python3 -c "{SERVED}"').strip() == "ok"
    assert host.check_output("runuser -u postgres -- psql -tAc 'select 1'") == "1"


def test_no_service_failed(host):
    assert host.check_output("systemctl --failed --no-legend --plain") == ""
