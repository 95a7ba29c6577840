#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Withdraws rights from private keys, and from the folders of certificates, that reach too far."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_rights
short_description: Withdraw rights from private keys and the folders of certificates
version_added: "0.2.0"
description:
  - Looks where C(/etc/holdfast/certificates) says that certificates and keys lie, and takes away what others than a
    key's owner and group may do with it, and what others may write in its folder. Never gives a right.
author:
  - Holdfast contributors (@holdfast)
options:
  open_keys:
    description:
      - Whether private keys are looked at.
    type: bool
    default: false
  writable:
    description:
      - Whether folders are looked at.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns the rights before and after.
    support: full
"""

EXAMPLES = r"""
- name: Keep keys from others' eyes
  holdfast.hipaa.certificate_rights:
    open_keys: true
"""

RETURN = r"""
withdrawn:
  description:
    - What was changed, one text a file.
  returned: success
  type: list
  elements: str
  sample: ["/etc/ssl/private/web.key 0644 to 0640"]
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.probes import certificates as probe


def narrowed(state: probe.State, open_keys: bool, writable: bool) -> dict[str, tuple[int, int]]:
    """Path -> the mode before and after, of what reaches too far."""
    found = {}
    for one in state.files if open_keys else ():
        if one.key and probe.reaches_too_far(one.status):
            mode = stat.S_IMODE(one.status.st_mode)
            found[one.path] = (mode, mode & (0o7740 if one.status.st_gid != 0 else 0o7700))
    for line in probe.writable(state.files) if writable else ():
        path = line.partition(" ")[2]
        mode = stat.S_IMODE(os.stat(path).st_mode)
        found[path] = (mode, mode & ~0o022)
    return found


def main() -> None:
    flags = {name: {"type": "bool", "default": False} for name in ("open_keys", "writable")}
    module = AnsibleModule(argument_spec=flags, supports_check_mode=True)
    try:
        changes = narrowed(probe.collect(None), module.params["open_keys"], module.params["writable"])
        for path, (_before, after) in () if module.check_mode else changes.items():
            os.chmod(path, after)
    except OSError as error:
        module.fail_json(msg=f"Certificates and keys cannot be looked at: {error}")
    withdrawn = [f"{path} {before:04o} to {after:04o}" for path, (before, after) in changes.items()]
    difference = {"before": "", "after": "".join(f"{line}\n" for line in withdrawn)}
    module.exit_json(changed=bool(changes), withdrawn=withdrawn, diff=difference)


if __name__ == "__main__":
    main()
