#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts several files in their place in one call: all of them, or none."""

from __future__ import annotations

DOCUMENTATION = r"""
module: place
short_description: Put several files in their place in one call, all of them or none
version_added: "0.2.0"
description:
  - Brings files and folders to a content, an owner and a mode, or takes them away, in one call for a whole role.
  - Every file that would change is validated first; when a validation fails nothing has been touched.
  - When all have landed the whole can be checked; when that fails everything is put back as it was.
  - Each file is replaced by a rename, so a reader sees the old or the new one. Symbolic links are refused.
author:
  - Holdfast contributors (@holdfast)
options:
  files:
    description:
      - The files, in order; a folder comes before what lies in it.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - Absolute path.
        type: str
        required: true
      state:
        description:
          - Whether it is a file, a folder, or absent. Only an empty folder is taken away.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description:
          - The whole content, for a file.
        type: str
      owner:
        description:
          - The owner's name.
        type: str
        default: root
      group:
        description:
          - The group's name.
        type: str
        default: root
      mode:
        description:
          - The mode in octal, in quotes; C(0644) for a file and C(0755) for a folder unless said.
        type: str
      validate:
        description:
          - A program and its arguments, asked before anything lands; C(%s) stands for a copy of the new content.
        type: list
        elements: str
      secret:
        description:
          - Whether the content must not show in the difference.
        type: bool
        default: false
  check:
    description:
      - Programs and their arguments, asked when all files have landed. Not asked in check mode.
    type: list
    elements: list
    default: []
attributes:
  check_mode:
    description: Can run in check mode and return the same as without; validations are asked then too.
    support: full
  diff_mode:
    description: Returns contents, owners and modes before and after.
    support: full
"""

EXAMPLES = r"""
- name: Place the server's settings
  holdfast.hipaa.place:
    files:
      - path: /etc/ssh/sshd_config.d/00-holdfast.conf
        content: "{{ lookup('ansible.builtin.template', 'etc/ssh/sshd_config.d/00-holdfast.conf.j2') }}"
        mode: "0600"
        validate: [/usr/sbin/sshd, -t, -f, "%s"]
      - {path: /etc/ssh/sshd_config.d/old.conf, state: absent}
    check: [[/usr/sbin/sshd, -t]]
"""

RETURN = r"""
paths:
  description:
    - The paths that changed, or would in check mode.
  returned: always
  type: list
  elements: str
  sample: [/etc/ssh/sshd_config.d/00-holdfast.conf]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.placing import Entry, Place, PlacingError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "str", "required": True},
                    "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
                    "content": {"type": "str"},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str", "default": "root"},
                    "mode": {"type": "str"},
                    "validate": {"type": "list", "elements": "str"},
                    "secret": {"type": "bool", "default": False},
                },
                "required_if": [("state", "file", ("content",))],
            },
            "check": {"type": "list", "elements": "list", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        place = Place([Entry.of(one) for one in module.params["files"]])
        place.validate()
        if not module.check_mode:
            place.land(module.params["check"])
    except PlacingError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(place.paths), paths=place.paths, diff=place.difference())


if __name__ == "__main__":
    main()
