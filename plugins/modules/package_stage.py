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
  - Brings the planned files and the files of the earlier versions into a folder only root can enter, and compares
    SHA-256 and size of each with the plan.
  - A file that is already staged and right is left alone. A file put there by another way is accepted when it is right.
  - Each missing file comes from the first of the O(sources) that has it. The host's own archives are asked only when
    every one of them is verified; the controller's pool serves files over HTTP, or has them copied over the connection.
  - Nothing is installed. Any difference is refused by name.
  - In a run this is an action, which takes O(plan), O(sources) and O(fill), hands the other options to the host, and
    says in one line what came from where.
author: Holdfast contributors (@holdfast)
extends_documentation_fragment: holdfast.hipaa.plan_lines
options:
  plan:
    description: In a run, the digest of the plan that the run was opened for. The action fills in this host's lines.
    type: str
  fill:
    description: In a run, also bring staged files that the controller's pool lacks to it, each from one host.
    type: bool
    default: false
  sources:
    description:
      - Where a missing file may come from, in this order.
      - V(archive) - the archives the host is configured for, through Holdfast's own verified lists.
      - V(pool) - the controller's pool over HTTP, when C(site.yml) names an address for it and enough hosts stage at
        once; to fewer hosts the controller copies.
      - V(copy) - the controller's pool over Ansible's connection.
      - In a run the default is all three, in this order.
    type: list
    elements: str
    choices: [archive, pool, copy]
    default: [archive]
  pool_url:
    description: The address that the pool is served at, C(http://) with address and port. The action fills it in.
    type: str
  copied:
    description: A folder on the host with files named by their SHA-256, put there by the action.
    type: path
  tried:
    description: Why sources asked before did not bring a file, by file name. The action fills it in.
    type: dict
  hand_out:
    description:
      - The SHA-256 of staged files to copy into O(hand_out_to), for the controller to fetch. The action fills it in.
    type: list
    elements: str
    default: []
  hand_out_to:
    description: A folder of the connection's user; the copies are given to its owner.
    type: path
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

- name: Stage a change's plan from the pool alone, in a run on record
  holdfast.hipaa.package_stage:
    plan: "{{ holdfast_gate.plan }}"
    sources: [pool, copy]
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
origins:
  description:
    - For each file that was missing, where it came from (C(archive), C(pool), C(copy), C(planning) for one that was
      fetched for its changelog, C(repacked)), and why earlier sources did not bring it.
  type: list
  elements: dict
  returned: success
  sample: [{"file": "toy_1.1_all.deb", "from": "copy", "tried": ["archive: no version 1.1 in this host's archives"]}]
asks:
  description: The files that only the controller can bring now (file, sha256, size). Empty when all is staged.
  type: list
  elements: dict
  returned: success
sources_left:
  description: The sources that were not asked yet, while there are RV(asks).
  type: list
  elements: str
  returned: success
tried:
  description: Why sources did not bring a file, by file name.
  type: dict
  returned: success
handed_out:
  description: The SHA-256 of the files copied into O(hand_out_to).
  type: list
  elements: str
  returned: success
pooled:
  description: In a run with O(fill), the files that this host brought to the controller's pool.
  type: list
  elements: str
  returned: success, in a run
seconds:
  description: In a run, how long staging took.
  type: float
  returned: success, in a run
refused:
  description: What did not fit, line by line (package, found, expected, do).
  type: list
  elements: dict
  returned: failure
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.packages import manager
from ..module_utils.packages.delivery import SOURCES, Delivery
from ..module_utils.packages.errors import PackageError
from ..module_utils.packages.lines import PLAN_OPTIONS
from ..module_utils.packages.staging import hand_out, stage_plan, wanted


def main() -> None:
    """Stage the plan, or fail with every refusal."""
    module = AnsibleModule(
        argument_spec={
            **PLAN_OPTIONS,
            "plan": {"type": "str"},
            "fill": {"type": "bool", "default": False},
            "sources": {"type": "list", "elements": "str", "choices": list(SOURCES), "default": ["archive"]},
            "pool_url": {"type": "str"},
            "copied": {"type": "path"},
            "tried": {"type": "dict"},
            "hand_out": {"type": "list", "elements": "str", "default": []},
            "hand_out_to": {"type": "path"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    try:
        face = manager.face(asked["manager"])
        stage = face.Stage.of_plan(face.check_digest(asked["plan_digest"]), asked["stage_dir"])
        lines = face.read_lines(asked["packages"])
        staged = stage_plan(lines, stage, Delivery.of(asked), face.bring, check=module.check_mode)
        handed: list[str] = []
        if asked["hand_out"] and not module.check_mode and not staged.asks:
            handed = hand_out(asked["hand_out"], tuple(wanted(lines)), stage, Path(asked["hand_out_to"] or ""))
    except PackageError as problem:
        module.fail_json(msg=str(problem), **problem.to_dict())
    module.exit_json(stage_dir=str(stage.path), handed_out=handed, **staged.to_dict())


if __name__ == "__main__":
    main()
