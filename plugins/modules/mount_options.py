#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives mounts their options now, and says what fstab must hold so that the next boot gives them too."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mount_options
short_description: Give mounts their options now, and say what fstab must hold for the next boot
version_added: "0.2.0"
description:
  - With O(state=planned) it changes nothing and returns the text of C(/etc/fstab) with which the next boot gives every
    mount its options; M(holdfast.hipaa.place) puts it there.
  - With O(state=live) it mounts again what lacks one of its options now.
  - A folder that is no mount of its own, and that fstab does not name, becomes one by being bound to itself, so that
    the same files stay in sight.
  - Options are only added; those that contradict them go. Paths that do not exist are passed over.
author:
  - Holdfast contributors (@holdfast)
options:
  mounts:
    description:
      - The mounts.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - Absolute path of the mount point.
        type: str
        required: true
      options:
        description:
          - The options it must have, as C(/proc/self/mountinfo) writes them.
        type: list
        elements: str
        required: true
  state:
    description:
      - C(planned) to be told the text of fstab, C(live) to mount again what lacks an option.
    type: str
    choices: [planned, live]
    required: true
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns the options before and after.
    support: full
"""

EXAMPLES = r"""
- name: See what fstab must hold
  holdfast.hipaa.mount_options:
    state: planned
    mounts:
      - {path: /tmp, options: [nodev, nosuid, noexec]}
  register: planned

- name: Mount it so now
  holdfast.hipaa.mount_options:
    state: live
    mounts:
      - {path: /tmp, options: [nodev, nosuid, noexec]}
"""

RETURN = r"""
fstab:
  description:
    - The text that C(/etc/fstab) must hold.
  returned: when O(state=planned)
  type: str
mounted:
  description:
    - The paths that were mounted again, or would be in check mode.
  returned: when O(state=live)
  type: list
  elements: str
  sample: [/dev/shm]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.mounting import (
    FSTAB,
    MOUNTINFO,
    MountingError,
    command,
    lacking,
    mount,
    mounted,
    named,
    planned,
    read,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "mounts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "str", "required": True},
                    "options": {"type": "list", "elements": "str", "required": True},
                },
            },
            "state": {"type": "str", "choices": ["planned", "live"], "required": True},
        },
        supports_check_mode=True,
    )
    wanted = {one["path"]: one["options"] for one in module.params["mounts"] if os.path.isdir(one["path"])}
    live = mounted(read(MOUNTINFO).splitlines())
    before, after, done = "", "", []
    try:
        if module.params["state"] == "planned":
            module.exit_json(changed=False, fstab=planned(read(FSTAB), wanted, live))
        in_fstab = named(read(FSTAB))
        for path, options in wanted.items():
            missing = lacking(options, live.get(path))
            if not missing:
                continue
            if not module.check_mode:
                mount(command(path, options, live.get(path), path in in_fstab))
            has = live[path].options if path in live else ()
            before += f"{path} {','.join(has)}\n"
            after += f"{path} {','.join([*has, *missing])}\n"
            done.append(path)
    except MountingError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(done), mounted=done, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
