#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the rules of the audit system from their files when some of ours are not loaded."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_rules
short_description: Load the audit system's rules when some of them are not loaded
version_added: "0.2.0"
description:
  - Compares rules with those of the kernel, and loads all rule files (C(augenrules --load)) when one is missing.
  - In a container it does nothing, for the audit system belongs to the machine.
author:
  - Holdfast contributors (@holdfast)
options:
  rules:
    description:
      - The rules that must be loaded, as a rule file holds them; comments and empty lines are passed over.
    type: str
    required: true
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Load the rules
  holdfast.hipaa.audit_rules:
    rules: "{{ lookup('ansible.builtin.template', 'etc/audit/rules.d/50-holdfast.rules.j2') }}"
"""

RETURN = r"""
missing:
  description: How many of the rules were not loaded.
  returned: success
  type: int
  sample: 0
container:
  description: Whether this is a container, which has no audit system of its own.
  returned: success
  type: bool
  sample: false
"""

import os
import subprocess

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.audit_rules import Rule, read

SECONDS = 60
CONTAINER = ("/run/systemd/container", "/run/.containerenv", "/.dockerenv")


def ask(module: AnsibleModule, argv: list[str]) -> str:
    """What a program prints; the task fails when the program does."""
    environment = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=SECONDS, check=False)
    if done.returncode:
        module.fail_json(msg=f"{' '.join(argv)} left with {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def missing(module: AnsibleModule, wanted: list[Rule]) -> int:
    """How many of the rules the kernel does not hold."""
    return len(set(wanted) - set(read(ask(module, ["/usr/sbin/auditctl", "-l"]))))


def main() -> None:
    module = AnsibleModule(
        argument_spec={"rules": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    wanted = read(module.params["rules"])
    container = any(os.path.exists(mark) for mark in CONTAINER)
    if not wanted or container:
        module.exit_json(changed=False, missing=0, container=container)
    if not os.path.exists("/usr/sbin/auditctl"):  # in check mode, before it is installed
        module.exit_json(changed=True, missing=len(wanted), container=False)
    before = missing(module, wanted)
    if before and not module.check_mode:
        ask(module, ["/usr/sbin/augenrules", "--load"])
        after = missing(module, wanted)
        if after:
            module.fail_json(msg=f"{after} rules are still not loaded; auditctl -l shows which are", missing=after)
    module.exit_json(changed=bool(before), missing=before, container=False)


if __name__ == "__main__":
    main()
