#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the kernel's WireGuard interfaces back to what their files say, without taking them down."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wireguard_sync
short_description: Bring WireGuard interfaces that are up back to their files
version_added: "0.2.0"
description:
  - Compares the peers, keys and ports of every interface that is up with its file in C(/etc/wireguard), and runs
    C(wg syncconf) where they differ. Sessions of peers that stay are not disturbed.
  - Tells nothing of keys but the beginning of public ones.
author:
  - Holdfast contributors (@holdfast)
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Bring the peers back to the files
  holdfast.hipaa.wireguard_sync:
"""

RETURN = r"""
differences:
  description: What differed, one text each.
  returned: success
  type: list
  elements: str
  sample: ["wg0: peer xTIBA5rb is in no file"]
interfaces:
  description: The interfaces that have a file.
  returned: success
  type: list
  elements: str
  sample: [wg0]
kernel:
  description: Whether this kernel has WireGuard, or can load it.
  returned: success
  type: bool
  sample: true
"""

import os
import subprocess

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.probes._wireguard import differences, files, live, stored

SECONDS = 30
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def ask(argv: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program with a text on its standard input."""
    return subprocess.run(
        argv, input=text, capture_output=True, text=True, env=ENVIRONMENT, timeout=SECONDS, check=False
    )


def has_kernel() -> bool:
    """Whether the kernel has WireGuard, or modprobe(8) would find it."""
    return os.path.exists("/sys/module/wireguard") or ask(["/sbin/modprobe", "-n", "-q", "wireguard"]).returncode == 0


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    known = files()
    shown = live(ask(["wg", "show", "all", "dump"]).stdout) if known and os.path.exists("/sys/module/wireguard") else {}
    told = []
    for name, path in known.items():
        if name not in shown:
            continue
        with open(path, encoding="utf-8") as source:
            found = differences(stored(source.read()), shown[name].interface)
        told += [f"{name}: {text}" for text in found]
        if found and not module.check_mode:
            stripped = ask(["wg-quick", "strip", name])
            done = ask(["wg", "syncconf", name, "/dev/stdin"], stripped.stdout)
            if stripped.returncode or done.returncode:
                module.fail_json(msg=f"{name}: {(stripped.stderr or done.stderr).strip()}")
    module.exit_json(changed=bool(told), differences=told, interfaces=list(known), kernel=has_kernel())


if __name__ == "__main__":
    main()
