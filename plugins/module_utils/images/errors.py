# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of images and guards; its text says what was found and what to do."""

from __future__ import annotations


class ImageError(Exception):
    """An image, a difference or a guard cannot be made, found or used."""
