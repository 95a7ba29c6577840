#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point on the managed host: takes the image before and after a run, and keeps the difference."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Keep what a run changes, so that the change can be taken back
version_added: "0.2.0"
description:
  - An image is everything roles may touch, taken in one call. It holds all of C(/etc) (contents, links, modes, owners),
    what roles declare outside it, live kernel settings, which units run, firewall tables, mount options and installed
    packages.
  - Contents stay on the host, below C(/var/lib/holdfast), readable by root alone.
    The controller gets digests and names.
  - C(before) comes before the first role of a run, C(after) behind the last. What lies between is kept under the
    change's and the run's id; see M(holdfast.hipaa.restore).
  - Changes nothing but that store, and does nothing at all in check mode.
author:
  - Holdfast contributors (@holdfast)
options:
  state:
    description:
      - Which of the two images to take.
    type: str
    choices: [before, after]
    required: true
  change:
    description:
      - The change's id; given by the action.
    type: str
  run:
    description:
      - The run's id; given by the action.
    type: str
  declared:
    description:
      - What roles touch outside C(/etc), from their C(meta/holdfast.yml); given by the action.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Does nothing in check mode.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Keep everything as it is before the first role
  holdfast.hipaa.image:
    state: before
"""

RETURN = r"""
before:
  description: The digest of the host before the run.
  returned: success
  type: str
after:
  description: The digest of the host after the run.
  returned: when O(state=after)
  type: str
changed_names:
  description: What differs between the two; a path, or a section and a name such as C(units nginx.service).
  returned: when O(state=after)
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.hipaa.plugins.module_utils.images import changes, guards
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.errors import ImageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.store import Store


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["before", "after"], "required": True},
            "change": {"type": "str"},
            "run": {"type": "str"},
            "declared": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    asked = module.params
    if module.check_mode:
        module.exit_json(changed=False)
    if not asked["change"] or not asked["run"]:
        module.fail_json(msg="An image belongs to a run on record; its action names change and run.")
    store = Store()
    try:
        guards.wait_for_others(store, asked["run"])
        with store.locked():
            if asked["state"] == "before":
                found = changes.before(store, asked["change"], asked["run"], asked["declared"])
            else:
                found = changes.after(store, asked["change"], asked["run"])
        names = found.pop("changed", [])
        module.exit_json(changed=False, changed_names=names, **found)
    except ImageError as error:
        module.fail_json(msg=str(error))
    except PermissionError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}; an image needs root (become: true)")


if __name__ == "__main__":
    main()
