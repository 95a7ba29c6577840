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
  - In a run that only checks, a host of which a control failed fails the task where the variable C(fail_on_drift) is
    true.
author:
  - Holdfast contributors (@holdfast)
options:
  controls:
    description:
      - The controls to answer. In a playbook they come from the site and are not given.
      - Each has the members C(id), which comes back with the answer, and C(probe), one key, the probe kind, with that
        kind's argument; see C(docs/reference/probes.md).
      - A list; the controller sends it as one JSON text.
    type: json
    default: "[]"
  roles:
    description:
      - The roles that ran before; read on the controller, which returns as RV(left) what they did not mend.
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
    - One answer for every control, in the order asked, as one JSON text of a list.
    - Each has the members C(id), the control's; C(status), which is C(observed), C(not_applicable) or C(not_measured);
      C(actual), the value in effect, a scalar or a list, null when nothing is set; C(why), which says why there is no
      value, where there is none.
  returned: success
  type: str
  sample: '[{"id": "ssh-01", "status": "observed", "actual": "prohibit-password", "why": ""}]'
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
import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.reverts import reverts
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._registry import observe


def main() -> None:
    gc.disable()  # the process lives for a moment, and compiling the probes makes much that looks like garbage
    module = AnsibleModule(
        argument_spec={
            # One text each way: Ansible looks at every value within a list several times, on the controller too, and
            # of hundreds of controls that costs more than to ask. What each holds is checked by the probes.
            "controls": {"type": "json", "default": "[]"},
            # This is the controller's (plugins/action/probe.py); modules are documented here.
            "roles": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    controls = read_list(module.params["controls"])
    if controls is None:
        module.fail_json(msg="controls: expected a list of mappings, as such or as one JSON text.")
    if not controls:
        module.fail_json(msg="There is no control to answer; a host without controls is not a host that passes.")
    try:
        observations = observe(controls)
    except BadArgumentError as error:
        module.fail_json(msg=f"The baseline asks what no probe can answer: {error}")
    # Not ASCII, so that Ansible finds text that is none. The question, of hundreds of controls, need not travel back.
    told = json.dumps(observations, ensure_ascii=False)
    module.exit_json(changed=False, observations=told, reverts=reverts(), invocation={})


def read_list(text: str) -> list[dict[str, Any]] | None:
    """Return the list of mappings in a JSON text, None where it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else None


if __name__ == "__main__":
    main()
