#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the files a plan locks to a host, without installing anything."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_stage
short_description: Bring exactly the files a plan locks to a host, and those of the way back
version_added: 0.1.0
description:
  - Downloads the planned files and the files of the earlier versions into a folder only root can enter, and compares
    SHA-256 and size of each with the plan.
  - A file that is already staged and right is left alone. A file put there by another way is accepted when it is right.
  - Nothing is installed. Any difference is refused by name.
author: Holdfast contributors (@holdfast)
extends_documentation_fragment: holdfast.hipaa.plan_lines
attributes:
  check_mode:
    description: What is staged is compared with the plan; what is missing is named, not fetched.
    support: full
  diff_mode:
    description: Files are named, their contents are not shown.
    support: none
"""

EXAMPLES = r"""
- name: Stage a plan
  holdfast.hipaa.package_stage:
    plan_digest: "{{ plan_digest }}"
    packages: "{{ plan_lines }}"
"""

RETURN = r"""
stage_dir:
  description: The folder of package files.
  type: str
  returned: success
  sample: /var/lib/holdfast/stage/0f4d...
staged:
  description: Every file of the plan, forward and back (name, arch, version, file, sha256).
  type: list
  elements: dict
  returned: success
fetched:
  description: The files that were missing before (in check mode, those that are).
  type: list
  elements: str
  returned: success
bytes:
  description: The size of all of them together.
  type: int
  returned: success
refused:
  description: What did not fit, line by line (package, found, expected, do).
  type: list
  elements: dict
  returned: failure
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.packages import manager
from ..module_utils.packages.errors import PackageError
from ..module_utils.packages.lines import PLAN_OPTIONS


def main() -> None:
    """Stage the plan, or fail with every refusal."""
    module = AnsibleModule(argument_spec=PLAN_OPTIONS, supports_check_mode=True)
    asked = module.params
    try:
        face = manager.face(asked["manager"])
        stage = face.Stage.of_plan(face.check_digest(asked["plan_digest"]), asked["stage_dir"])
        staged = face.stage_plan(face.read_lines(asked["packages"]), stage, check=module.check_mode)
    except PackageError as problem:
        module.fail_json(msg=str(problem), **problem.to_dict())
    module.exit_json(stage_dir=str(stage.path), **staged.to_dict())


if __name__ == "__main__":
    main()
