# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done on the controller by plugins/action/obstacles.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: obstacles
short_description: Prints what is in the way of a host's updates, and fails when it blocks them
version_added: 0.1.0
description:
  - >-
    Prints one line for each obstacle that M(holdfast.hipaa.package_state) named, C(HOST: kind subject: found; do), and
    one line on what is pending, what it would restart and whether a reboot is needed.
  - Fails when at least one of them blocks the updates. Contacts no host and changes nothing.
options:
  found:
    description: What M(holdfast.hipaa.package_state) returned for this host, asked with C(obstacles=true).
    type: dict
    required: true
attributes:
  check_mode:
    description: Does the same; nothing is ever changed.
    support: full
author:
  - Holdfast contributors (@holdfast)
"""

EXAMPLES = r"""
- name: Ask what is in the way
  holdfast.hipaa.package_state:
    refresh: true
    obstacles: true
  register: holdfast_state

- name: Say what is in the way
  holdfast.hipaa.obstacles:
    found: "{{ holdfast_state }}"
"""

RETURN = r"""
lines:
  description: What was printed.
  returned: always
  type: list
  elements: str
  sample: ["web-1: lock dpkg: held by apt-get (process 812, /var/lib/dpkg/lock-frontend); let that process end"]
blocking:
  description: The kinds of the obstacles that block, each once.
  returned: always
  type: list
  elements: str
  sample: [lock]
"""
