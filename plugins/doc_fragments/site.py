# Copyright: (c) 2026, Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what the lookups find the site they ask, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of all lookups."""

    DOCUMENTATION = r"""
options:
  site:
    description: The site's folder.
    type: path
    env:
      - name: HOLDFAST_SITE
    ini:
      - section: holdfast
        key: site
"""
