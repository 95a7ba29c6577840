#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Saves the host, and proves a restore, where the last success is too long ago."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_state
short_description: Save the host and prove a restore where that is due
version_added: "0.2.0"
description:
  - Looks when C(holdfast-backup) last succeeded in saving the host, and in restoring what was saved, and runs it where
    that is longer ago than it may be, or never was.
author:
  - Holdfast contributors (@holdfast)
options:
  snapshot_days:
    description:
      - The oldest that the last backup may be, in days begun; left alone unless said.
    type: int
  proof_days:
    description:
      - The oldest that the last proved restore may be, in days begun; left alone unless said.
    type: int
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Have a backup of yesterday at the latest, and a proof of this month
  holdfast.hipaa.backup_state:
    snapshot_days: 2
    proof_days: 31
"""

RETURN = r"""
done:
  description: What was due, and was done.
  returned: success
  type: list
  elements: str
  sample: [run, prove]
config:
  description: The settings of the backup as they are; empty when there are none.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.probes import backup as probe

PROGRAM = "/usr/local/sbin/holdfast-backup"


def due(question: str, days: object) -> bool:
    """Whether the last success is too long ago."""
    if days is None:
        return False
    found = probe.answer(question, probe.collect(None))[1]
    return found is None or found > int(str(days))


def main() -> None:
    module = AnsibleModule(
        argument_spec={"snapshot_days": {"type": "int"}, "proof_days": {"type": "int"}}, supports_check_mode=True
    )
    done: list[str] = []
    try:
        config = probe.collect(None).config
        for verb, question in (("run", "snapshot_day"), ("prove", "proof_day")):
            option = {"run": "snapshot_days", "prove": "proof_days"}[verb]
            if due(question, module.params[option]):
                done.append(verb)
                if not module.check_mode:
                    code, _out, said = module.run_command([PROGRAM, verb])
                    if code:
                        module.fail_json(msg=f"{PROGRAM} {verb} left with {code}: {said.strip()}", done=done)
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"The records of the backup cannot be read: {error}")
    module.exit_json(changed=bool(done), done=done, config=config)


if __name__ == "__main__":
    main()
