#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what the files of sudo have to read like, without touching them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sudoers_plan
short_description: Say what the files of sudo have to read like so that they give nobody more than allowed
version_added: "0.2.0"
description:
  - Reads C(/etc/sudoers) and what it includes, and returns the new content of the files that give too much.
  - Takes people who are not allowed out of lines that give every command, the tag C(NOPASSWD) out of lines for people
    who are not allowed to go without a password, and settings that are said elsewhere out of lines for some alone.
  - Changes nothing; M(holdfast.hipaa.place) does. So it runs the same in check mode.
author:
  - Holdfast contributors (@holdfast)
options:
  administrators:
    description:
      - Who may run every command, as sudoers writes them, such as C(%sudo); left alone without it.
    type: list
    elements: str
  without_password:
    description:
      - Who may go without a password; left alone without it.
    type: list
    elements: str
  settings:
    description:
      - The names of settings that no line for some alone, and none after C(zz-holdfast), may change.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Read what gives too much
  holdfast.hipaa.sudoers_plan:
    administrators: [root, "%sudo"]
    without_password: [automation]
  register: __sudo_plan
"""

RETURN = r"""
files:
  description:
    - Path and new content of every file that has to change.
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/sudoers.d/old, content: "%sudo ALL=(ALL:ALL) ALL"}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.sudoers_edit import EditError, plan, wanted_from


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "administrators": {"type": "list", "elements": "str"},
            "without_password": {"type": "list", "elements": "str", "no_log": False},
            "settings": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        found = plan(wanted_from(module.params))
    except (EditError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, files=[{"path": path, "content": text} for path, text in found.items()])


if __name__ == "__main__":
    main()
