#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point on the managed host: puts back what the runs of a change did here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Take a configuration change back on a host
version_added: "0.2.0"
description:
  - Puts the host back to before each run of a change, newest run first, from what M(holdfast.hipaa.image) kept.
  - What is no longer as the run left it was changed by someone else in between. It is a conflict, is kept as it is and
    is named; everything else is put back.
  - Tells the programs whose files were put back, starts and stops units as before, removes packages that came with the
    change, and takes a new image to prove where the host is now.
  - Can be run again; what is as before already is left alone.
author:
  - Holdfast contributors (@holdfast)
options:
  change:
    description:
      - The change's id, C(chg_...).
    type: str
    required: true
attributes:
  check_mode:
    description: Does nothing in check mode.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Take the change back
  holdfast.hipaa.restore:
    change: chg_7k2m4q6s8u3w5y
"""

RETURN = r"""
runs:
  description: One result for every run of the change, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    run:
      description: The run's id.
      type: str
      returned: always
    before:
      description: The digest of the host before it was put back.
      type: str
      returned: always
    after:
      description: The digest of the host now.
      type: str
      returned: always
    wanted:
      description: The digest of the host before the run.
      type: str
      returned: always
    restored:
      description: What was put back; a path, or a section and a name such as C(units nginx.service).
      type: list
      elements: str
      returned: always
    kept:
      description: What was left as it is, for someone changed it in between or it could not be put back.
      type: list
      elements: str
      returned: always
kept:
  description: All that was left as it is.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.hipaa.plugins.module_utils.images import changes
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.errors import ImageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.store import Store


def main() -> None:
    module = AnsibleModule(
        argument_spec={"change": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False)
    store = Store()
    try:
        with store.locked():
            runs = changes.roll_back(store, module.params["change"])
    except ImageError as error:
        module.fail_json(msg=str(error))
    except PermissionError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}; the way back needs root (become: true)")
    kept = sorted({name for one in runs for name in one["kept"]})
    module.exit_json(changed=any(one["restored"] for one in runs), runs=runs, kept=kept)


if __name__ == "__main__":
    main()
