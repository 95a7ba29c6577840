#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings all local accounts to some rules in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: accounts
short_description: Bring all local accounts to some rules in one call
version_added: "0.2.0"
description:
  - Takes login shells from accounts that are nobody's, locks passwords, lets passwords end, and closes home folders.
  - Reads the account files once and calls C(usermod), C(passwd) and C(chage) for what differs alone.
  - A rule that is not given leaves its subject alone. No account is made or deleted.
author:
  - Holdfast contributors (@holdfast)
options:
  superusers:
    description:
      - Accounts with user id 0 that keep their login shell.
    type: list
    elements: str
  system_shells:
    description:
      - Accounts of services that keep their login shell.
    type: list
    elements: str
  without_password:
    description:
      - Accounts that may have an empty password.
    type: list
    elements: str
  service_passwords:
    description:
      - Accounts of services that may have a password.
    type: list
    elements: str
  max_days:
    description:
      - Days after which every password that is in use must be replaced.
    type: int
  inactive_days:
    description:
      - Days after the end of its password at which an account is locked.
    type: int
  home_mode:
    description:
      - The rights of home folders of people that may stay, in octal and in quotes.
    type: str
  operator:
    description:
      - The account that runs this, which must not lose its way in.
    type: str
    default: ""
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: Returns details on what changed.
    support: none
"""

EXAMPLES = r"""
- name: Let every password end within a year
  holdfast.hipaa.accounts:
    max_days: 365
"""

RETURN = r"""
moves:
  description:
    - What was done, or would be in check mode, one text each.
  returned: success
  type: list
  elements: str
  sample: ["games: no login shell"]
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.account_moves import Move, MoveError, moves, read

SECONDS_A_DAY = 86400


def lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as source:
        return source.read().splitlines()


def subject(move: Move) -> str:
    return move.home or move.argv[-1]


def main() -> None:
    names = {"type": "list", "elements": "str"}
    module = AnsibleModule(
        argument_spec={
            "superusers": names,
            "system_shells": names,
            "without_password": {**names, "no_log": False},
            "service_passwords": {**names, "no_log": False},
            "max_days": {"type": "int"},
            "inactive_days": {"type": "int"},
            "home_mode": {"type": "str"},
            "operator": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    try:
        known = read(lines("/etc/passwd"), lines("/etc/shadow"))
        wanted = moves(known, module.params, int(time.time()) // SECONDS_A_DAY)
    except (MoveError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    if not module.check_mode:
        for move in wanted:
            if move.home:
                os.chmod(move.home, move.mode)
            else:
                module.run_command(list(move.argv), check_rc=True)
    module.exit_json(changed=bool(wanted), moves=[f"{subject(move)}: {move.why}" for move in wanted])


if __name__ == "__main__":
    main()
