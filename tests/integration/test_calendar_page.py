# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calendar's page in a real browser: it loads nothing, complains of nothing, fits a phone, prints whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.planned import planned
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.planned_page import page

from tests.billing_site import billing_site
from tests.change_cases import Book, plan, when
from tests.integration import browser
from tests.integration.browser import Browser
from tests.integration.test_page import STICKS_OUT, TOO_FAINT


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = browser.find()
    if program is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety days with waves approved and not, freezes, windows, and a change that finds no end in time."""
    root = tmp_path_factory.mktemp("calendar")
    site = billing_site(root)
    book = Book(plan(title="November security updates, " + "averylongwordthatmustbreak" * 4))
    book.request(until="2026-11-25 00:00")
    book.approve("ana")
    state = book.state()
    assert state is not None
    made = planned(site, [(state, book.plan)], book.records, when("2026-11-24 15:00"), days=90, version="0.1.0",
                   windows=True)  # fmt: skip
    target = root / "page.html"
    target.write_text(page(made), encoding="utf-8")
    return target


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_it_fits_loads_nothing_and_complains_of_nothing(chromium: Browser, calendar: Path, width: int) -> None:
    chromium.open(calendar, width)
    assert chromium.ask(STICKS_OUT) == []
    outside = [url for url in chromium.requests() if url != calendar.as_uri() and not url.startswith("data:")]
    assert outside == []
    assert chromium.complaints() == []
    assert chromium.ask("document.styleSheets[0].cssRules.length") > 50, "the policy blocked the page's own style"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read(chromium: Browser, calendar: Path, scheme: str) -> None:
    chromium.open(calendar, 360, scheme=scheme)
    assert chromium.ask(TOO_FAINT) == {}


def test_a_card_on_a_phone_uses_its_whole_width(chromium: Browser, calendar: Path) -> None:
    chromium.open(calendar, 360)
    widths = "[...document.querySelectorAll('table.cards td')].map(e => e.getBoundingClientRect().width)"
    assert min(chromium.ask(widths)) > 250


def test_it_prints_whole(chromium: Browser, calendar: Path) -> None:
    # 180 mm is what an A4 page has between its margins.
    chromium.open(calendar, 680, media="print")
    assert chromium.ask(STICKS_OUT) == []
    rows = "[...document.querySelectorAll('tbody tr')].every(e => e.getClientRects().length > 0)"
    assert chromium.ask(rows) is True
