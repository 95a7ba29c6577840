# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that change packages have in common, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of package_apply and package_restore."""

    DOCUMENTATION = r"""
options:
  conffiles:
    description:
      - What becomes of configuration files that both this host and the new version changed, by path.
      - When it is given, a question of dpkg that it does not answer is refused by name before anything changes. When it
        is not, every file stays as the host has it.
      - The way back does not need it. It has copies of the files.
    type: list
    elements: dict
    suboptions:
      path:
        description: The file's absolute path.
        type: str
        required: true
      package:
        description: The package it belongs to. Not used here; a plan carries it.
        type: str
      decision:
        description:
          - V(keep) leaves the host's file, V(replace) takes the new version's, V(stop) refuses the change.
          - A file that ucf looks after is always kept.
        type: str
        choices: [keep, replace, stop]
        required: true
  pause_timers:
    description:
      - Whether apt's own timers are stopped meanwhile, and an upgrade they started is waited for.
      - Exactly those that ran are started again afterwards, by systemd itself should this run be killed.
    type: bool
    default: true
  lock_timeout:
    description: How many seconds to wait for the package manager's lock before failing with the name of its holder.
    type: int
    default: 300
  timeout:
    description:
      - How many seconds each call of the package manager may take.
      - A maintainer script that is still running then is ended, and named in RV(hung); without one, the package manager
        itself is stopped, and the next run repairs what it left.
    type: int
    default: 1800
"""
