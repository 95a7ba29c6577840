# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence page in a real browser: it loads nothing, complains of nothing, fits a phone, prints whole."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration import browser
from tests.integration.browser import Browser
from tests.unit.plugins.plugin_utils.evidence.story import Story, whole_week

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli"

MANY = [("lab-1", "lab"), ("pilot-1", "pilot"), *((f"claims-gateway-{n}", "production") for n in range(1, 49))]

# Every element that sticks out to the right of the window; hidden ones and the insides of drawings aside.
STICKS_OUT = """
[...document.querySelectorAll('body *')]
  .filter(e => !e.closest('thead, svg, .hidden, .skip') && e.getClientRects().length)
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .slice(0, 5).map(e => e.outerHTML.slice(0, 120))
"""

# Text whose contrast with what lies behind it is below 4.5 to 1 (WCAG 2.2, 1.4.3, level AA).
TOO_FAINT = """
(() => {
  const parts = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = parts(c).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if ((parts(c)[3] ?? 1) > 0) return c; } return 'rgb(255, 255, 255)'; };
  const found = {};
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement;
    if (!n.data.trim() || e.closest('svg, .hidden, .skip, style, title')) continue;
    const a = light(getComputedStyle(e).color), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found[e.className + ' ' + n.data.trim().slice(0, 40)] = ratio;
  }
  return found;
})()
"""

OPEN_ALL = "document.querySelectorAll('details').forEach(e => { e.open = true; })"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = browser.find()
    if program is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    # Chromium wants a home it can write to, and must not find anybody's.
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


def report(story: Story, target: Path) -> Path:
    """Make the page as a person would, with the command."""
    argv = [sys.executable, "-m", COMMAND, "report", "--site", str(story.site.root), "--output", str(target)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site's page with everything that can happen on it."""
    root = tmp_path_factory.mktemp("week")
    story = whole_week(Story(root, ROOT, start=datetime.now(UTC) - timedelta(days=4)))
    return report(story, root / "page.html")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of fifty assets with the whole shipped baseline, some of it failing everywhere."""
    root = tmp_path_factory.mktemp("fleet")
    story = Story(root, ROOT, MANY, start=datetime.now(UTC) - timedelta(hours=2))
    failing = [control.id for control in story.site.controls_for("lab-1", story.now)[::7]]
    story.check({asset: dict.fromkeys(failing[: number % 9], "fail") for number, asset in enumerate(story.hosts)})
    return report(story, root / "page.html")


@pytest.mark.parametrize("width", [360, 1280])
def test_it_loads_nothing_and_complains_of_nothing(chromium: Browser, week: Path, width: int) -> None:
    chromium.open(week, width)
    chromium.ask(OPEN_ALL)
    chromium.ask("scrollTo(0, document.body.scrollHeight)")
    outside = [url for url in chromium.requests() if url != week.as_uri() and not url.startswith("data:")]
    assert outside == []
    assert chromium.complaints() == []
    assert chromium.ask("document.styleSheets[0].cssRules.length") > 50, "the policy blocked the page's own style"


def test_the_policy_stops_what_was_smuggled_in(chromium: Browser, week: Path, tmp_path: Path) -> None:
    smuggled = tmp_path / "page.html"
    bad = "<script>document.title = 'owned'</script><img src='http://127.0.0.1:9/x'><p style='color: red'>x</p>"
    smuggled.write_text(week.read_text().replace('<main id="main">', f'<main id="main">{bad}'))
    chromium.open(smuggled, 1280)
    assert chromium.ask("document.title").startswith("Evidence for site demo")
    assert "Content Security Policy" in " ".join(chromium.complaints())


@pytest.mark.parametrize("width", [360, 412, 768, 1280])
@pytest.mark.parametrize("page", ["week", "fleet"])
def test_nothing_sticks_out_of_the_window(
    chromium: Browser, request: pytest.FixtureRequest, page: str, width: int
) -> None:
    chromium.open(request.getfixturevalue(page), width)
    chromium.ask(OPEN_ALL)
    assert chromium.ask("innerWidth") == width
    assert chromium.ask(STICKS_OUT) == []
    assert chromium.ask("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "shown"), [(360, "narrow"), (1280, "wide")])
def test_the_time_line_has_the_drawing_that_fits(chromium: Browser, week: Path, width: int, shown: str) -> None:
    chromium.open(week, width)
    script = (
        "[...document.querySelectorAll('svg.line')].filter(e => e.getClientRects().length).map(e => e.classList[1])"
    )
    assert set(chromium.ask(script)) == {shown}
    small = "Math.min(...[...document.querySelectorAll('svg.line text')].map(e => e.getBoundingClientRect().height)"
    assert chromium.ask(f"{small}.filter(h => h))") >= 10, "letters in the drawing are too small to read"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(chromium: Browser, week: Path, scheme: str) -> None:
    chromium.open(week, 1280, scheme=scheme)
    chromium.ask(OPEN_ALL)
    assert chromium.ask(TOO_FAINT) == {}
    dark = chromium.ask("getComputedStyle(document.body).backgroundColor") != "rgb(245, 246, 247)"
    assert dark == (scheme == "dark")


def test_on_paper_everything_is_open_and_light(chromium: Browser, week: Path) -> None:
    inside = "document.querySelector('details.block:not([open]) > .inside').checkVisibility()"
    chromium.open(week, 1280)
    assert chromium.ask(inside) is False
    chromium.open(week, 680, scheme="dark", media="print")
    assert chromium.ask(inside) is True
    assert chromium.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert chromium.ask(TOO_FAINT) == {}
    paper = chromium.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    assert paper["data"].startswith("JVBERi0")  # %PDF-


def test_a_verdict_can_be_opened_by_keyboard_and_link(chromium: Browser, week: Path) -> None:
    chromium.open(week, 1280)
    chromium.ask("document.querySelector('details.block > summary').focus()")
    assert chromium.ask("document.activeElement.tagName") == "SUMMARY"
    chromium.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", text="\r")
    chromium.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter")
    state = "document.activeElement.parentElement.open"
    before = chromium.ask(state)
    chromium.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", text="\r")
    chromium.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter")
    assert chromium.ask(state) != before
