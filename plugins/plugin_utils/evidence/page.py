# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the model as one HTML file that needs nothing else: no script, no font, no image, no network."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from . import reading, timeline
from .axis import duration_text
from .changes import Change
from .model import PageModel
from .reading import utc
from .words import SIGNS

TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(model: PageModel) -> str:
    """Return the page. The template engine escapes all that comes from a record, a plan or the site."""
    foot = f"Holdfast evidence, site {model.site}, {utc(model.generated_at)}"
    return rendered("page.html.j2", foot, model=model, drawings=_drawings, duration=duration_text)


def rendered(template: str, foot: str, **given: Any) -> str:
    """Return a page of one of our templates; `foot` stands below each printed page, only plain characters of it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(reading.FILTERS)
    environment.globals.update(signs=SIGNS)
    foot = re.sub(r"[^A-Za-z0-9 ,.:_-]", "", foot)
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8").replace("PAGE-FOOT", foot)
    return environment.get_template(template).render(
        style=Markup(style),  # noqa: S704 the style sheet is our own file, and its foot has plain characters only
        policy=content_policy(style),
        **given,
    )


def content_policy(style: str) -> str:
    """The page's Content-Security-Policy: nothing may load or run; one style sheet may, by its digest."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def _drawings(change: Change, ring_order: Sequence[str]) -> list[tuple[str, timeline.Drawing]]:
    """The change's time line twice, for wide and for narrow; empty where nothing was done yet."""
    both = (("wide", timeline.WIDE), ("narrow", timeline.NARROW))
    drawn = [(name, timeline.draw(change.waves, style, ring_order)) for name, style in both]
    return [(name, drawing) for name, drawing in drawn if drawing is not None]
