#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a host's packages to the versions a plan locks, from the stage alone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_apply
short_description: Bring a host's packages to exactly the versions a plan locks
version_added: 0.1.0
description:
  - Installs the plan's versions. A host that has them already is unchanged; a host at neither the earlier nor the
    planned version is refused by name.
  - Only staged files are used, each compared with the plan just before. No archive is asked, so it works with the
    network cut off.
  - Before anything changes, apt's simulation is compared with the plan; a package too many, one missing or a removal is
    refused by name. Afterwards dpkg's own answer is compared with the plan, for planned and all other packages.
  - Work that an interrupted dpkg left behind is finished first, as a step that RV(steps) names.
  - Nothing asks. What becomes of a configuration file that both sides changed is decided before, path by path, with
    O(conffiles); copies of all configuration files are kept for the way back, readable by root alone.
author: Holdfast contributors (@holdfast)
extends_documentation_fragment:
  - holdfast.hipaa.plan_lines
  - holdfast.hipaa.plan_terms
attributes:
  check_mode:
    description: Everything is compared and simulated; RV(products) says what would change.
    support: full
  diff_mode:
    description: Versions are in RV(products).
    support: none
"""

EXAMPLES = r"""
- name: Apply a staged plan
  holdfast.hipaa.package_apply:
    plan_digest: "{{ plan_digest }}"
    packages: "{{ plan_lines }}"
"""

RETURN = r"""
products:
  description: The packages that changed, with their versions before and after; null means not installed.
  type: list
  elements: dict
  returned: always, when the host was looked at
  sample: [{"name": "nginx", "from": "1.22.1-9+deb12u9", "to": "1.22.1-9+deb12u11"}]
steps:
  description: >-
    What was done in order, each with step (C(wait), C(repair), C(install)), packages, result and how many milliseconds
    it took.
  type: list
  elements: dict
  returned: always, when the host was looked at
conffiles_kept:
  description: Changed configuration files that were kept; the package's own lies beside each.
  type: list
  elements: str
  returned: success
conffiles:
  description: >-
    The configuration files that both this host and the new version changed, each with path, package, decision,
    the SHA-256 of both contents, and the file on the host, readable by root alone, that holds the difference.
  type: list
  elements: dict
  returned: success
  sample:
    - path: /etc/nginx/nginx.conf
      package: nginx-common (all)
      decision: keep
      found_sha256: 0e4c60ab9de8ab1b1a4fbb3b17a1e3c1f2d9d4a6a9ad7b1cbf1a3d8a3d0e9b11
      offered_sha256: 7b0f2a9c4d1e8a6b5c3f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e1d0c9b
      diff: /var/lib/holdfast/stage/0f4d.../conffiles/5d0a1c3e-nginx.conf.diff
conffiles_restored:
  description: Always empty here; on the way back, the files that were put back.
  type: list
  elements: str
  returned: success
conffiles_conflicts:
  description: Always empty here; on the way back, the files that were left alone.
  type: list
  elements: str
  returned: success
restarts_pending:
  description: Services that still run files which were replaced.
  type: list
  elements: str
  returned: success
log:
  description: The file on the host with everything apt and dpkg said.
  type: str
  returned: when something was done
hung:
  description: The maintainer scripts that did not end in time, as C(package (script)); null when there was none.
  type: str
  returned: failure
unfinished:
  description: Packages dpkg still owes work.
  type: list
  elements: dict
  returned: failure
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
from ..module_utils.packages.terms import TERMS


def main() -> None:
    """Apply the plan, or fail with every refusal and what did change."""
    module = AnsibleModule(
        argument_spec={**PLAN_OPTIONS, **TERMS},
        supports_check_mode=True,
    )
    asked = module.params
    try:
        face = manager.face(asked["manager"])
        stage = face.Stage.of_plan(face.check_digest(asked["plan_digest"]), asked["stage_dir"])
        limits = face.Limits(asked["lock_timeout"], asked["timeout"], asked["conffiles"], asked["pause_timers"])
        outcome = face.apply_plan(face.read_lines(asked["packages"]), stage, limits, check=module.check_mode)
    except PackageError as problem:
        module.fail_json(msg=str(problem), **problem.to_dict())
    module.exit_json(**outcome.to_dict())


if __name__ == "__main__":
    main()
