#!/usr/bin/python
# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out what apt's source files must say, finds packages that stand out, and finishes what was left half-way."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_files
short_description: Work out what apt's source files must say
version_added: "0.2.0"
description:
  - Returns the source files of apt that must change, as M(holdfast.hipaa.place) wants them, and reads the state of
    packages in the same call. Changes nothing, but for what O(finish) asks.
author:
  - Holdfast contributors (@holdfast)
options:
  verify:
    description:
      - Whether options such as C(trusted=yes) are switched off.
    type: bool
    default: false
  pin:
    description:
      - Whether sources of Debian's own archive name Debian's key. Others are for a person, who knows their keys.
    type: bool
    default: false
  finish:
    description:
      - Whether installations that were left half-way are finished; configuration files that were edited stay.
    type: bool
    default: false
  unwanted:
    description:
      - Packages that must not be there.
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
- name: Work out the sources
  holdfast.hipaa.apt_files:
    verify: true
    unwanted: [telnetd]
"""

RETURN = r"""
files:
  description: Path, content and mode of the files that must change.
  returned: success
  type: list
  elements: dict
unfinished:
  description: Packages that were left half-way.
  returned: success
  type: list
  elements: str
present:
  description: Which of O(unwanted) are there.
  returned: success
  type: list
  elements: str
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.apt_files import pinned_list, pinned_stanzas, verified
from ..module_utils.probes import apt_sources as sources
from ..module_utils.probes import package
from ..module_utils.probes._common import UnreadableError

FINISH = ["dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"]


def changed_files(verify: bool, pin: bool) -> list[dict[str, str]]:
    """The source files that must change. Raises OSError, UnicodeDecodeError."""
    found = []
    for patterns, mend in ((sources.LISTS, pinned_list), (sources.STANZAS, pinned_stanzas)):
        for path in sources.paths(patterns):
            with open(path, encoding="utf-8") as source:
                text = source.read()
            wanted = verified(text) if verify else text
            wanted = mend(wanted) if pin else wanted
            if wanted != text:
                mode = f"{stat.S_IMODE(os.stat(path).st_mode):04o}"
                found.append({"path": os.path.realpath(path), "content": wanted, "mode": mode})
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "verify": {"type": "bool", "default": False},
            "pin": {"type": "bool", "default": False},
            "finish": {"type": "bool", "default": False},
            "unwanted": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        files = changed_files(module.params["verify"], module.params["pin"])
        state = package.collect(None)
        unfinished = package.answer({"ask": "unfinished"}, state)[1] or []
        finished = bool(unfinished) and module.params["finish"]
        if finished and not module.check_mode:
            module.run_command(FINISH, check_rc=True, environ_update={"DEBIAN_FRONTEND": "noninteractive"})
        present = [name for name in module.params["unwanted"] if package.answer(name, state)[1] not in (None, "absent")]
    except (OSError, UnicodeDecodeError, UnreadableError) as error:
        module.fail_json(msg=f"The sources or packages of this host cannot be read: {error}")
    module.exit_json(changed=finished, files=files, unfinished=unfinished, present=present)


if __name__ == "__main__":
    main()
