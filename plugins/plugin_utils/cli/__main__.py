# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command for those who installed the collection's tarball, which has no scripts, with its folder on PYTHONPATH:

`python -m ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli VERB ...`
"""

from __future__ import annotations

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
