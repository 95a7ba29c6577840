# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demonstration says of itself."""

from __future__ import annotations

import inspect

from lab import demo


def test_it_announces_as_many_steps_as_it_takes():
    assert inspect.getsource(demo).count("story.step(") == demo.STEPS
