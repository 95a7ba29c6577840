#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what the files for logins and passwords have to read like, without touching them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: login_plan
short_description: Say what the files for logins and passwords have to read like
version_added: "0.2.0"
description:
  - Returns the new content of the shared PAM files and of files of settings, with nothing changed but what is asked.
  - Lines go into the block that C(pam-auth-update) manages, together with profiles and with what Debian remembers of
    the block, so Debian goes on managing it.
  - Changes nothing; M(holdfast.hipaa.place) does. So it runs the same in check mode.
author:
  - Holdfast contributors (@holdfast)
options:
  settings:
    description:
      - Files of settings, and names and values that each has to have once.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Absolute path.
        type: str
        required: true
      assign:
        description:
          - What stands between a name and its value.
        type: str
        required: true
      heading:
        description:
          - The comment above the lines.
        type: str
        required: true
      values:
        description:
          - Names and values.
        type: dict
        required: true
  failures:
    description:
      - Whether wrong passwords are counted, for all services; left alone unless true.
    type: bool
    default: false
  quality:
    description:
      - Whether new passwords are weighed; left alone unless true.
    type: bool
    default: false
  remember:
    description:
      - How many old passwords are refused; left alone without it.
    type: int
  empty_passwords:
    description:
      - Whether an empty password opens a session; left alone unless false.
    type: bool
  session_mask:
    description:
      - Whether sessions get the mask of C(/etc/login.defs); left alone unless true.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Read what has to change so that wrong passwords are counted
  holdfast.hipaa.login_plan:
    failures: true
  register: __accounts_plan
"""

RETURN = r"""
files:
  description:
    - Path and new content of every file that has to change.
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/login.defs, content: "PASS_MAX_DAYS 365"}]
missing:
  description:
    - Packages that have to be installed before.
  returned: success
  type: list
  elements: str
  sample: [libpam-pwquality]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.login_files import missing, plan
from ..module_utils.pam_edit import PamError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "settings": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "str", "required": True},
                    "assign": {"type": "str", "required": True},
                    "heading": {"type": "str", "required": True},
                    "values": {"type": "dict", "required": True},
                },
            },
            "failures": {"type": "bool", "default": False},
            "quality": {"type": "bool", "default": False},
            "remember": {"type": "int"},
            "empty_passwords": {"type": "bool"},
            "session_mask": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        files = plan(module.params)
    except (PamError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, files=files, missing=missing(module.params))


if __name__ == "__main__":
    main()
