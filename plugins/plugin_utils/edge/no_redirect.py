# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a web server that somebody named, and no other that it names in turn."""

from __future__ import annotations

import urllib.request
from typing import Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry what is sent, and any token with it, to whom nobody named."""

    def redirect_request(self, *_unused: Any) -> None:
        return None


OPENER = urllib.request.build_opener(_NoRedirect)
"""Opens requests; an answer that redirects is an HTTPError as any other that is no success."""
