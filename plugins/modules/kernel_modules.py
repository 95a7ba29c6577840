#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes kernel modules out of the running kernel, a list of them in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_modules
short_description: Take kernel modules out of the running kernel, a list of them in one call
version_added: "0.2.0"
description:
  - Unloads those modules of the list that are loaded, and does nothing for the others.
  - Stores nothing for the next boot; a file in C(/etc/modprobe.d) does that.
  - A module that something uses stays until the next boot; a warning names it and, where the kernel knows, its users.
author:
  - Holdfast contributors (@holdfast)
options:
  unloaded:
    description:
      - The modules that must not be loaded; C(-) and C(_) are the same.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: Can run in check mode and return the same as without; it is not tried then whether a module goes.
    support: full
  diff_mode:
    description: Returns the modules that were loaded.
    support: full
"""

EXAMPLES = r"""
- name: Take out what nobody needs
  holdfast.hipaa.kernel_modules:
    unloaded: [sctp, usb-storage]
"""

RETURN = r"""
unloaded:
  description:
    - The modules that were taken out, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [hfs]
stay:
  description:
    - The modules that something uses.
  returned: always
  type: list
  elements: str
  sample: [sctp]
"""

import os
import subprocess

from ansible.module_utils.basic import AnsibleModule

LOADED = "/proc/modules"
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
TIMEOUT = 30.0


def users(path: str = LOADED) -> dict[str, str]:
    """Loaded module -> what the kernel says uses it (proc(5): name, size, count, users)."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="ascii", errors="replace") as source:
        lines = [line.split() for line in source]
    return {words[0]: words[3].strip(",-") for words in lines if len(words) >= 4}


def refused(name: str) -> str:
    """Take one module out; return what modprobe said when it could not."""
    try:
        done = subprocess.run(
            ["modprobe", "--remove", name], stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT,
            timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = " ".join(done.stderr.decode("utf-8", "replace").split())
    return "" if done.returncode == 0 else said or f"modprobe left with {done.returncode}"


def main() -> None:
    module = AnsibleModule(
        argument_spec={"unloaded": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    present = users()
    wanted = [name for name in (one.replace("-", "_") for one in module.params["unloaded"]) if name in present]
    stay: list[str] = []
    for name in () if module.check_mode else wanted:
        said = refused(name)
        # A module may have gone together with the one that used it.
        if said and name in users():
            stay.append(name)
            by = f" (used by {present[name]})" if present[name] else ""
            module.warn(f"{name}{by} stays until the next boot: {said}")
    gone = [name for name in wanted if name not in stay]
    diff = {"before": "".join(f"{name}\n" for name in gone), "after": ""}
    module.exit_json(changed=bool(gone), unloaded=gone, stay=stay, diff=diff)


if __name__ == "__main__":
    main()
