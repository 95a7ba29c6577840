#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts the services that still run files which were replaced."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_restarts
short_description: Restart services that still run replaced files
version_added: 0.1.0
description:
  - Finds by the kernel's own maps which services run programs and libraries that were replaced, as needrestart does,
    and restarts them together, in the order that systemd knows. Nothing asks.
  - A unit counts as restarted when it is active again and systemd has started it anew; a unit that is not fails the
    module, with its name and its state.
  - Protected units are restarted only while O(open) says that one of their windows is open; otherwise they are listed
    as waiting.
  - Left out, with the reason, is what no unattended restart may touch - the message bus, logins, networking, what runs
    in containers or belongs to no service, and the unit that the run's own connection is part of.
  - systemd itself takes up new files with C(daemon-reexec), and is called C(init.scope) here.
author: Holdfast contributors (@holdfast)
options:
  units:
    description: The units to restart; without it, those that run replaced files.
    type: list
    elements: str
  default:
    description:
      - What becomes of units that are not protected. V(restart) restarts them.
      - V(list) only lists them.
    type: str
    choices: [restart, list]
    default: restart
  protected:
    description: Names of units that wait for a window; V(*) stands for any part, C(.service) may be left out.
    type: list
    elements: str
    default: []
  open:
    description: Whether a window of the protected units is open now.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds the restarts may take, all together.
      - A unit that is still stopping then has its processes killed, and is named in RV(hung).
    type: float
    default: 120.0
attributes:
  check_mode:
    description: Nothing is restarted; RV(restarted) says what would be.
    support: full
  diff_mode:
    description: Units are in RV(restarted).
    support: none
requirements:
  - python >= 3.9
  - systemd
"""

EXAMPLES = r"""
- name: Restart what runs on replaced files, but for the database
  holdfast.hipaa.service_restarts:
    protected: ["postgresql*"]
"""

RETURN = r"""
restarted:
  description: The units that were restarted; in check mode, those that would be.
  type: list
  elements: str
  returned: always
  sample: [nginx.service]
waiting:
  description: Units on replaced files that policy does not let be restarted now.
  type: list
  elements: str
  returned: always
  sample: ["postgresql@15-main.service"]
left:
  description: What runs on replaced files and is left alone, each with unit and why.
  type: list
  elements: dict
  returned: always
  sample: [{"unit": "dbus.service", "why": "its restart ends sessions; reboot"}]
failures:
  description: Units that did not come back, each with unit and why.
  type: list
  elements: dict
  returned: always
hung:
  description: Units whose stop lasted too long and was cut short.
  type: list
  elements: str
  returned: always
ms:
  description: Milliseconds that the restarts took.
  type: int
  returned: always
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.services_restart import Ended, Rules, look, restart, told
from ..module_utils.systemd import SystemdError


def main() -> None:
    """Look, restart what may be restarted, and fail with the name of each unit that did not come back."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str"},
            "default": {"type": "str", "choices": ["restart", "list"], "default": "restart"},
            "protected": {"type": "list", "elements": "str", "default": []},
            "open": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 120.0},
        },
        supports_check_mode=True,
    )
    asked = module.params
    rules = Rules(asked["default"], tuple(asked["protected"]), asked["open"])
    started = time.monotonic()
    try:
        found = look(rules, asked["units"])
        ended = Ended(found.now) if module.check_mode else restart(found.now, asked["timeout"])
    except (SystemdError, OSError) as problem:
        module.fail_json(msg=f"services on replaced files cannot be restarted: {problem}")
    said = {
        "changed": bool(found.now),
        "ms": int((time.monotonic() - started) * 1000),
        **told(found, ended),
    }
    if ended.failures:
        named = "; ".join(f"{unit}: {why}" for unit, why in sorted(ended.failures.items()))
        module.fail_json(msg=f"not running again after the restart: {named}; see journalctl of each", **said)
    module.exit_json(**said)


if __name__ == "__main__":
    main()
