# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hypothesis looks for examples: as long as it takes, for neither a busy machine nor an unlucky draw is a fault.

A test whose `assume` no example meets fails all the same (Unsatisfiable).
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

LUCK = [HealthCheck.too_slow, HealthCheck.filter_too_much]

settings.register_profile("untimed", deadline=None, suppress_health_check=LUCK)
settings.load_profile("untimed")
