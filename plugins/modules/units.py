#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings several systemd units to their state in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: units
short_description: Bring several systemd units to their state in one call
version_added: "0.2.0"
description:
  - Enables, starts, stops, disables and masks several units in one call, and does nothing for those that are as wished.
  - Reloads the manager, restarts and reloads units, for use in handlers.
  - A unit that the host does not have and that shall be off is no error; one that shall be on is.
author:
  - Holdfast contributors (@holdfast)
options:
  units:
    description:
      - The units and what they shall be.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Full name, such as C(chrony.service).
        type: str
        required: true
      enabled:
        description:
          - Whether it starts at boot; left alone unless said.
        type: bool
      active:
        description:
          - Whether it runs now; left alone unless said.
        type: bool
      masked:
        description:
          - Whether nobody can start it; left alone unless said. A masked unit is stopped.
        type: bool
  daemon_reload:
    description:
      - Whether the manager reads its files again, before anything else.
    type: bool
    default: false
  restart:
    description:
      - Units to restart, last of all.
    type: list
    elements: str
    default: []
  reload:
    description:
      - Units to reload, or to restart where they cannot reload; those that do not run are passed over.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Can run in check mode and return the same as without. A missing unit that shall be on is then no error.
    support: full
  diff_mode:
    description: Returns the verbs and the units they are for.
    support: full
"""

EXAMPLES = r"""
- name: Keep time, and nothing that nobody needs
  holdfast.hipaa.units:
    units:
      - {name: chrony.service, enabled: true, active: true}
      - {name: debug-shell.service, masked: true}

- name: Let the SSH server read its settings
  holdfast.hipaa.units:
    reload: [ssh.service]
"""

RETURN = r"""
done:
  description:
    - The verbs and the units each was for.
  returned: always
  type: dict
  sample: {"enable": ["chrony.service"], "start": ["chrony.service"]}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.systemd import SystemdError, carry_out, needed, states, systemctl, wish


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "units": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "enabled": {"type": "bool"},
                    "active": {"type": "bool"},
                    "masked": {"type": "bool"},
                },
            },
            "daemon_reload": {"type": "bool", "default": False},
            "restart": {"type": "list", "elements": "str", "default": []},
            "reload": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    asked = module.params
    done: dict[str, list[str]] = {}
    try:
        wishes = [wish(one) for one in asked["units"]]
        if asked["daemon_reload"]:
            done["daemon-reload"] = []
            if not module.check_mode:
                systemctl("daemon-reload")
        todo = needed(wishes, states([one.name for one in wishes]))
        if asked["restart"]:
            todo["restart"] = asked["restart"]
        if asked["reload"]:
            todo["try-reload-or-restart"] = asked["reload"]
        if not module.check_mode:
            carry_out(todo)
        done.update(todo)
    except SystemdError as error:
        module.fail_json(msg=str(error))
    told = "".join(f"{verb} {' '.join(names)}".rstrip() + "\n" for verb, names in done.items())
    module.exit_json(changed=bool(done), done=done, diff={"before": "", "after": told})


if __name__ == "__main__":
    main()
