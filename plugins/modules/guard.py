#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arms a guard on the managed host; confirming is done by plugins/action/guard.py over a fresh login."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guard
short_description: Undo a risky change by itself unless a fresh login confirms it
version_added: "0.2.0"
description:
  - Stands around the tasks of a role that could lock the operator out.
  - C(armed) takes an image of everything roles may touch and starts a timer on the host. When the time is over, or when
    the host is started again before, the host puts itself back, whether or not the controller still lives.
  - C(confirmed) logs in anew, without any connection that is open already, escalates its privileges as the play does,
    and stops the timer through that login. When this is impossible it waits for the host to put itself back, and fails
    with what was undone and how long it took.
  - Only over SSH there is a fresh login to prove. Over another connection the confirmation proves that a new command
    with the play's privileges still works, and the task says so.
  - Packages are left alone; install them before the guard is armed.
  - Does nothing in check mode, and never reports a change.
author:
  - Holdfast contributors (@holdfast)
options:
  state:
    description:
      - C(armed) before the changes, C(confirmed) after them and after the handlers.
    type: str
    choices: [armed, confirmed]
    required: true
  role:
    description:
      - Whose changes are guarded.
    type: str
    required: true
  seconds:
    description:
      - How long the host waits for the confirmation.
      - Without it 60 for each round of hosts that the forks need, at most 900.
    type: int
  id:
    description:
      - The guard's id; given by the action.
    type: str
  run:
    description:
      - The run the guard belongs to; given by the action.
    type: str
    default: ""
  nonce_sha256:
    description:
      - The digest of the secret that confirms; given by the action.
    type: str
  declared:
    description:
      - What roles touch outside C(/etc), from their C(meta/holdfast.yml); given by the action.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Does nothing in check mode, for nothing is changed that could lock out.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Let the host undo what follows unless a fresh login confirms it
  holdfast.hipaa.guard:
    state: armed
    role: ssh

- name: Log in anew and confirm
  holdfast.hipaa.guard:
    state: confirmed
    role: ssh
"""

RETURN = r"""
id:
  description: The guard's id.
  returned: success
  type: str
seconds:
  description: How long the host waits, when armed; the time it took to confirm or to put back, when confirmed.
  returned: success
  type: float
outcome:
  description: C(confirmed) or C(reverted).
  returned: when confirmed
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.hipaa.plugins.module_utils.images import guards
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.errors import ImageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.store import Store


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["armed", "confirmed"], "required": True},
            "role": {"type": "str", "required": True},
            "seconds": {"type": "int"},
            "id": {"type": "str"},
            "run": {"type": "str", "default": ""},
            "nonce_sha256": {"type": "str"},
            "declared": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    asked = module.params
    if module.check_mode:
        module.exit_json(changed=False)
    if asked["state"] != "armed" or not (asked["id"] and asked["nonce_sha256"] and asked["seconds"]):
        module.fail_json(msg="Use holdfast.hipaa.guard in a playbook: its action arms and confirms.")
    try:
        module.exit_json(changed=False, **guards.arm(Store(), asked))
    except ImageError as error:
        module.fail_json(msg=str(error))
    except PermissionError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}; a guard needs root (become: true)")


if __name__ == "__main__":
    main()
