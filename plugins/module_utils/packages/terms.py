# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What package_apply and package_restore take beside a plan's lines; documented in the fragment plan_terms."""

from __future__ import annotations

from typing import Any

DECISIONS = ("keep", "replace", "stop")
"""What may become of a configuration file that both the host and the new version changed."""

TERMS: dict[str, Any] = {
    "conffiles": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "str", "required": True},
            "package": {"type": "str"},
            "decision": {"type": "str", "choices": list(DECISIONS), "required": True},
        },
    },
    "pause_timers": {"type": "bool", "default": True},
    "lock_timeout": {"type": "int", "default": 300},
    "timeout": {"type": "int", "default": 1800},
}
