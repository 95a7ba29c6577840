#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets live kernel settings, a list of them in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sysctl_live
short_description: Set live kernel settings, a list of them in one call
version_added: "0.1.0"
description:
  - Writes those settings below C(/proc/sys) that differ, in the order given, and leaves the others alone.
  - Stores nothing for the next boot; a file in C(/etc/sysctl.d) does that.
  - A setting that this kernel does not have is passed over and named.
author:
  - Holdfast contributors (@holdfast)
options:
  settings:
    description:
      - The settings, in order; some reset others when they are written.
    type: list
    elements: dict
    required: true
    suboptions:
      key:
        description:
          - The dotted name. C(*) stands for every interface, C(all) and C(default) included.
        type: str
        required: true
      value:
        description:
          - The value as text or number.
        type: str
        required: true
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns the values before and after.
    support: full
"""

EXAMPLES = r"""
- name: Refuse redirects on every interface
  holdfast.hipaa.sysctl_live:
    settings:
      - {key: net.ipv4.ip_forward, value: 0}
      - {key: "net.ipv4.conf.*.accept_redirects", value: 0}
"""

RETURN = r"""
written:
  description:
    - The settings that were written, one text each.
  returned: always
  type: list
  elements: str
  sample: ["net/ipv4/ip_forward: 1 -> 0"]
missing:
  description:
    - The keys that this kernel does not have.
  returned: always
  type: list
  elements: str
  sample: []
"""

import glob
import os

from ansible.module_utils.basic import AnsibleModule

ROOT = "/proc/sys"


def paths(key: str) -> list[str]:
    """The files below /proc/sys that a dotted key names; in it a `/` stands for a dot inside a name."""
    return sorted(glob.glob(os.path.join(ROOT, key.translate(str.maketrans("./", "/.")))))


def read(path: str) -> str:
    """A live value, its blanks made single."""
    with open(path, encoding="ascii", errors="replace") as source:
        return " ".join(source.read().split())


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "settings": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "key": {"type": "str", "required": True, "no_log": False},
                    "value": {"type": "str", "required": True},
                },
            },
        },
        supports_check_mode=True,
    )
    written, missing = [], []
    before, after = "", ""
    for setting in module.params["settings"]:
        found = paths(setting["key"])
        if not found:
            missing.append(setting["key"])
        for path in found:
            name = os.path.relpath(path, ROOT)
            try:
                was = read(path)
                if was == setting["value"]:
                    continue
                if not module.check_mode:
                    with open(path, "w", encoding="ascii") as target:
                        target.write(setting["value"] + "\n")
            except OSError as error:
                module.fail_json(msg=f"{name}: {error}", written=written)
            written.append(f"{name}: {was} -> {setting['value']}")
            before += f"{name} = {was}\n"
            after += f"{name} = {setting['value']}\n"
    diff = {"before": before, "after": after}
    module.exit_json(changed=bool(written), written=written, missing=missing, diff=diff)


if __name__ == "__main__":
    main()
