#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a host's boot; in a run the action of the same name reboots it where that is needed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot
short_description: Reboot a host when evidence says so, and prove that it did
version_added: 0.1.0
description:
  - In a run on record the action of this name reboots a host that needs it, as C(policy/patching.yml) says, waits for
    it, and fails unless the boot marker moved, the newest installed kernel runs and the services that were active
    before are active again. A reboot is claimed only when the marker moved.
  - The module itself only looks - at the boot marker, at what speaks for a reboot, and at services.
  - A host of a cluster is rebooted only while the run holds a lease for it, see M(holdfast.hipaa.lease).
author: Holdfast contributors (@holdfast)
options:
  units:
    description: Services that were active before a reboot; RV(absent) says which of them are not active now.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Nothing is rebooted; the action says whether it would be.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
requirements:
  - python >= 3.9
  - systemd
"""

EXAMPLES = r"""
- name: Look at what speaks for a reboot
  holdfast.hipaa.boot:
"""

RETURN = r"""
marker:
  description: The digest of this boot - the kernel's id of it, and the start of process 1.
  type: str
  returned: always
needed:
  description: Whether a reboot is needed.
  type: bool
  returned: always
why:
  description: What speaks for it, of C(kernel), C(libc), C(init), C(dbus), C(required-file), C(microcode).
  type: list
  elements: str
  returned: always
kernel:
  description: The kernel that runs and the newest installed; C(measured) is false in a container, which has none.
  type: dict
  returned: always
active:
  description: The services that are active and must be so again after a reboot.
  type: list
  elements: str
  returned: always
absent:
  description: Those of O(units) that are not active, each with unit and state.
  type: list
  elements: dict
  returned: always
system:
  description: What systemd says of the whole host.
  type: str
  returned: always
  sample: running
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import boot
from ..module_utils.packages.errors import PackageError
from ..module_utils.systemd import SystemdError


def main() -> None:
    """Look, and say it."""
    module = AnsibleModule(
        argument_spec={"units": {"type": "list", "elements": "str", "default": []}}, supports_check_mode=True
    )
    try:
        said = {
            "marker": boot.read_marker(),
            **boot.evidence(),
            "active": boot.active_units(),
            "absent": boot.absent(module.params["units"]),
            "system": boot.system_state(),
        }
    except (SystemdError, PackageError, OSError, ValueError) as problem:
        module.fail_json(msg=f"the host's boot cannot be looked at: {problem}")
    module.exit_json(changed=False, **said)


if __name__ == "__main__":
    main()
