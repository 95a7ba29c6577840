#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point on the managed host: answers all controls of a host in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Read the effective value behind every control of a host
version_added: "0.1.0"
description:
  - Answers all controls of a host in one call, reading each source once.
  - Reads what is in effect (C(sshd -T), live and stored kernel settings), not what a file promises.
  - Changes nothing, and so runs the same in check mode.
  - A source that cannot be read makes only the controls that need it C(not_measured).
  - Tells what guards of the host put back by themselves (M(holdfast.hipaa.guard)), so that it reaches the record though
    no controller was there when it happened.
author:
  - Holdfast contributors (@holdfast)
options:
  controls:
    description:
      - The controls to answer. In a playbook they come from the site and are not given.
      - Each has the members C(id), which comes back with the answer, and C(probe), one key, the probe kind, with that
        kind's argument; see C(docs/reference/probes.md).
    type: list
    elements: dict
    default: []
  roles:
    description:
      - The roles that ran before; read on the controller, which returns as RV(left) what they did not mend.
    type: list
    elements: str
    default: []
  fail_on_drift:
    description:
      - Whether a host of which a control failed fails the task; read on the controller.
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
- name: Probe all controls of this asset
  holdfast.hipaa.probe:

- name: Probe them once more, and see what the role did not mend
  holdfast.hipaa.probe:
    roles: [ssh]
  register: after
"""

RETURN = r"""
observations:
  description:
    - One answer for every control, in the order asked.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The control's id.
      type: str
      returned: always
    status:
      description: C(observed), C(not_applicable) or C(not_measured).
      type: str
      returned: always
    actual:
      description: The value in effect, a scalar or a list; null when nothing is set.
      type: raw
      returned: always
    why:
      description: Why there is no value, where there is none.
      type: str
      returned: always
  sample:
    - {id: ssh-01, status: observed, actual: prohibit-password, why: ""}
failing:
  description:
    - The ids of the controls that failed; from the controller, in the place of O(controls) and their observations.
  returned: success
  type: list
  elements: str
  sample: [ssh-05]
left:
  description:
    - Those of them that a role of O(roles) should have made true; from the controller.
  returned: success
  type: list
  elements: str
  sample: []
reverts:
  description:
    - What guards put back by themselves in the last 30 days; ids, words, numbers and digests.
  returned: success
  type: list
  elements: dict
"""

import gc

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.reverts import reverts
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._registry import observe


def main() -> None:
    gc.disable()  # the process lives for a moment, and compiling the probes makes much that looks like garbage
    module = AnsibleModule(
        argument_spec={
            # What each holds is checked by the probes, at a fraction of what Ansible's own check of hundreds costs.
            "controls": {"type": "list", "elements": "dict", "default": []},
            # These are the controller's (plugins/action/probe.py); modules are documented here.
            "roles": {"type": "list", "elements": "str", "default": []},
            "fail_on_drift": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if not module.params["controls"]:
        module.fail_json(msg="There is no control to answer; a host without controls is not a host that passes.")
    try:
        observations = observe(module.params["controls"])
    except BadArgumentError as error:
        module.fail_json(msg=f"The baseline asks what no probe can answer: {error}")
    # The question comes back as it went; hundreds of controls need not travel twice.
    module.exit_json(changed=False, observations=observations, reverts=reverts(), invocation={})


if __name__ == "__main__":
    main()
