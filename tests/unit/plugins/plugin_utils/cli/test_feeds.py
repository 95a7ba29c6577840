# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast feeds`, as people use it: what it says, what it leaves with, and that the age of a feed is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main

from tests.feed_cases import DATA


@dataclass
class Shop:
    """A site of its own, and the command."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def names(self, *feeds: dict[str, Any]) -> None:
        listed = {"feeds": [{"max_age_hours": 48, **one} for one in feeds]}
        (self.root / "policy" / "feeds.yml").write_text(yaml.safe_dump(listed), encoding="utf-8")

    def run(self, *words: object, verb: str = "feeds") -> tuple[int, str, str]:
        code = main([verb, *map(str, words), "--site", str(self.root)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, *words: object) -> tuple[int, Any]:
        code, out, _err = self.run(*words, "--format", "json")
        return code, json.loads(out)


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    root = tmp_path / "site"
    assert main(["init", str(root), "--host", "192.0.2.10", "--owner", "it-operations"]) == 0
    capsys.readouterr()
    found = Shop(root, capsys)
    found.names(
        {"id": "kev", "kind": "kev", "source": str(DATA / "kev.json")},
        {"id": "debian", "kind": "debian-list", "source": str(DATA / "dsa")},
    )
    return found


def test_a_site_begins_with_feeds_that_were_never_taken(shop: Shop) -> None:
    code, out, _err = shop.run("status")
    assert code == 3
    assert "kev: it was never taken; run holdfast feeds update" in out
    assert "0 of 2 feeds are fresh" in out


def test_an_update_takes_all_and_says_how_far_it_is(shop: Shop) -> None:
    code, out, err = shop.run("update")
    assert (code, out.splitlines()) == (
        0, ["kev     taken  9 records, of 2026-08-21", "debian  taken  6 records, of 2025-01-11"],
    )  # fmt: skip
    assert "[1/2] kev: taken" in err
    assert "[2/2] debian: reading" in err
    code, out, _err = shop.run("status")
    assert (code, "2 of 2 feeds are fresh" in out) == (0, True)


def test_only_those_named_are_taken(shop: Shop) -> None:
    code, said = shop.json("update", "debian")
    assert (code, [one["feed"] for one in said["feeds"]]) == (0, ["debian"])
    code, said = shop.json("status")
    assert (code, {one["feed"]: one["verdict"] for one in said["feeds"]}) == (3, {"kev": "never", "debian": "fresh"})
    code, _out, err = shop.run("update", "epss")
    assert (code, "names no such feed" in err) == (2, True)


def test_an_unknown_feed_is_wrong_usage(shop: Shop) -> None:
    code, out, err = shop.run("import", "epss", DATA / "epss.csv")
    assert (code, out) == (2, "")
    assert "policy/feeds.yml names no such feed; expected one of: kev, debian" in err


def test_a_feed_is_carried_in_by_hand(shop: Shop) -> None:
    shop.names({"id": "kev", "kind": "kev", "source": "https://feeds.example.org/kev.json"})
    code, said = shop.json("import", "kev", DATA / "kev.json")
    (one,) = said["feeds"]
    assert (code, one["result"], one["state"]["count"]) == (0, "taken", 9)
    assert one["state"]["source"] == str(DATA / "kev.json")
    assert shop.run("status")[0] == 0


def test_a_refused_feed_leaves_with_1_and_one_out_of_reach_with_3(shop: Shop) -> None:
    assert shop.run("update")[0] == 0
    older = json.loads((DATA / "kev.json").read_text(encoding="utf-8"))
    path = shop.root / "older.json"
    path.write_text(json.dumps({**older, "dateReleased": "2026-01-01T00:00:00Z"}), encoding="utf-8")
    code, out, _err = shop.run("import", "kev", path)
    assert (code, "it goes back in time" in out) == (1, True)
    assert shop.run("import", "kev", path, "--allow-older")[0] == 0
    code, out, _err = shop.run("import", "kev", shop.root / "nowhere")
    assert (code, "unreachable" in out) == (3, True)


def test_a_stale_feed_leaves_with_1_and_a_damaged_one_with_3(shop: Shop) -> None:
    assert shop.run("update")[0] == 0
    shop.names({"id": "kev", "kind": "kev", "source": str(DATA / "kev.json"), "max_feed_age_hours": 1})
    code, out, _err = shop.run("status")
    assert (code, "its own date is 2026-08-21" in out) == (1, True)
    code, said = shop.json("status")
    kept = shop.root / "feeds" / "files" / said["feeds"][0]["state"]["sha256"]
    kept.write_bytes(b"{}")
    code, out, _err = shop.run("status")
    assert (code, "has other bytes than were taken" in out) == (3, True)


def test_what_is_rejected_is_shown_and_counted(shop: Shop) -> None:
    lines = (DATA / "dsa" / "list").read_bytes()
    (shop.root / "list").write_bytes(lines + b"[30 Feb 2026] DSA-1-1 toys - \x1b[31mred\n")
    shop.names({"id": "debian", "kind": "debian-list", "source": "list"})
    code, out, _err = shop.run("update")
    assert (code, "6 records, 1 rejected" in out, "\x1b" in out) == (0, True, False)
    assert "debian: rejected line 26: DSA-1-1: found the day" in out
    assert "6 records (1 rejected)" in shop.run("status")[1]


def test_check_names_a_mistake_in_the_feeds(shop: Shop) -> None:
    assert shop.run(verb="check")[0] == 0
    shop.names({"id": "kev", "kind": "kef", "source": "x"})
    code, out, _err = shop.run(verb="check")
    assert (code, 'feeds[0].kind: the text "kef"; expected one of kev' in out) == (2, True), out
