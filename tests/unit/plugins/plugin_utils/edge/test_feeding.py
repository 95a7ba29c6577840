# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds come from files, folders and servers, keep the very bytes, grow old; and a refusal leaves all as it was."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.bounds import BOUNDS, FeedError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.feed_store import FeedStore
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.feeding import Feeds, Outcome, load
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.problems import SiteFilesError

from tests.feed_cases import CASES, DATA, Case
from tests.feed_server import FeedServer, serving

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
COLLECTIONS = Path(__file__).parents[5] / "collections"
KEV = (DATA / "kev.json").read_bytes()


class Shop:
    """A folder with policy/feeds.yml, and a clock that stands where it is put."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = NOW
        self.said: list[str] = []
        (root / "policy").mkdir()

    def feeds(self, *wanted: dict[str, Any]) -> Feeds:
        """The feeds of this site; each is told with what it needs besides a plain life."""
        listed = [{"max_age_hours": 48, **one} for one in wanted]
        (self.root / "policy" / "feeds.yml").write_text(yaml.safe_dump({"feeds": listed}), encoding="utf-8")
        found = Feeds.of(self.root)
        return Feeds(found.root, found.settings, found.store, lambda: self.now)

    def update(self, wanted: dict[str, Any], *, older: bool = False) -> Outcome:
        """Take one feed."""
        feeds = self.feeds(wanted)
        return feeds.update(feeds.settings[0], self.said.append, older=older)

    def state(self) -> dict[str, str]:
        """Everything that is kept, by name, as digests; locks aside."""
        folder = self.root / "feeds"
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "lock"
        }


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as found:
        yield found


def of_file(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": "one", "kind": kind, "source": name, **more}


def kev(**more: Any) -> bytes:
    """The catalogue, a little other than it is."""
    return json.dumps({**json.loads(KEV), **more}).encode()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_feed_is_kept_as_the_bytes_it_is(shop: Shop, case: Case) -> None:
    (shop.root / case.name).write_bytes(case.bytes())
    more = {"ecosystems": list(case.options.ecosystems)} if case.options.ecosystems else {}
    if case.kind == "debian-support":
        more = {"ecosystems": ["debian:12"]}
    done = shop.update(of_file(case.name, case.kind, **more))
    sha256 = hashlib.sha256(case.bytes()).hexdigest()
    assert (done.result, done.state and done.state.sha256) == ("taken", sha256)
    assert (shop.root / "feeds" / "files" / sha256).read_bytes() == case.bytes()
    loaded = load(shop.feeds(of_file(case.name, case.kind, **more)))
    assert loaded.library.digests == {"one": sha256}
    assert [one.verdict for one in loaded.standings] == ["fresh"]


def test_a_folder_is_kept_as_a_listing_of_its_files(shop: Shop) -> None:
    wanted = of_file(str(DATA / "csaf"), "csaf")
    done = shop.update(wanted)
    assert done.state is not None
    assert (done.result, done.state.count, done.state.parts) == ("taken", 5, True)
    # Four of five have a hash beside them, which was checked, and a signature, for which no keys are named.
    assert (done.state.hash, done.state.signature) == ("not-checked", "not-checked")
    listed = json.loads((shop.root / "feeds" / "files" / done.state.sha256).read_bytes())
    assert [one["name"] for one in listed] == sorted(path.name for path in (DATA / "csaf").glob("*.json"))
    assert len(load(shop.feeds(wanted)).library.vendor) == 5
    again = shop.update(wanted)
    assert again.result == "unchanged"


def test_what_was_there_before_can_be_read_again_as_it_was(shop: Shop) -> None:
    source = shop.root / "kev.json"
    source.write_bytes(KEV)
    wanted = of_file("kev.json", "kev")
    first = shop.update(wanted)
    newer = json.loads(KEV)
    newer["vulnerabilities"][1]["dueDate"] = "2030-01-01"
    source.write_bytes(json.dumps({**newer, "dateReleased": "2026-08-22T00:00:00Z"}).encode())
    second = shop.update(wanted)
    assert first.state is not None
    assert second.state is not None
    assert [first.result, second.result] == ["taken", "taken"]
    feeds = shop.feeds(wanted)
    name = newer["vulnerabilities"][1]["cveID"]
    before = load(feeds, {"one": first.state.sha256}).library.vulnerability(name).kev
    after = load(feeds).library.vulnerability(name).kev
    assert before is not None
    assert after is not None
    assert (str(before.due), str(after.due)) == ("2025-10-20", "2030-01-01")
    with pytest.raises(FeedError, match="were never taken here"):
        load(feeds, {"one": "0" * 64})


def earlier(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "dateReleased": "2026-08-20T00:00:00Z"}


def fewer(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "vulnerabilities": data["vulnerabilities"][2:], "count": 7}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (earlier, "goes back in time: it is of 2026-08-20T00:00:00Z, and the one kept of 2026-08-21T17:46:43Z"),
        (fewer, "holds 7 records, and the one kept 9; expected to lose at most 10 %"),
    ],
)
def test_a_feed_that_goes_back_is_refused_unless_that_is_said(
    shop: Shop, change: Callable[[dict[str, Any]], dict[str, Any]], said: str
) -> None:
    source = shop.root / "kev.json"
    source.write_bytes(KEV)
    wanted = of_file("kev.json", "kev")
    assert shop.update(wanted).result == "taken"
    before = shop.state()
    source.write_bytes(json.dumps(change(json.loads(KEV))).encode())
    refused = shop.update(wanted)
    assert (refused.result, shop.state()) == ("refused", before)
    assert said in refused.reason
    assert shop.update(wanted, older=True).result == "taken"
    assert shop.state() != before


def test_a_feed_of_a_day_to_come_is_refused_whatever_is_said(shop: Shop) -> None:
    (shop.root / "kev.json").write_bytes(kev(dateReleased="2026-12-01T00:00:00Z"))
    refused = shop.update(of_file("kev.json", "kev"), older=True)
    assert refused.result == "refused"
    assert "expected a date that has come" in refused.reason
    assert list(shop.state()) == []


def zip_bomb() -> bytes:
    """A small archive that unpacks to more than a document may have."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.json", b" " * (BOUNDS.document + 1))
    return whole.getvalue()


def overlapping_bomb() -> bytes:
    """An archive whose directory names one member many times over, under many names."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("0000.json", b" " * 40 * 2**20)
        info = archive.filelist[0]
        for number in range(1, 200):
            other = zipfile.ZipInfo(f"{number:04}.json")
            other.compress_type, other.CRC = info.compress_type, info.CRC
            other.compress_size, other.file_size, other.header_offset = info.compress_size, info.file_size, 0
            archive.filelist.append(other)
            archive.NameToInfo[other.filename] = other
    return inner.getvalue()


HOSTILE: list[tuple[str, str, Callable[[], bytes], str]] = [
    ("all.zip", "osv", zip_bomb, "unpacks to more than"),
    ("all.zip", "osv", overlapping_bomb, "zip archive"),
    ("kev.json.gz", "kev", lambda: gzip.compress(b" " * (BOUNDS.packed + 1), 1), "unpacks to more than"),
    ("kev.json", "kev", lambda: b"[" * 10**6 + b"]" * 10**6, "nests deeper than|expected at most"),
    ("one.json", "csaf", lambda: b'{"document":' * 10**5, "nests deeper than|no JSON to rely on"),
    ("x.jsonl", "osv", lambda: b"[[[[]]]]\n" * 10**4, "records are not what they should be|no record"),
    ("kev.json", "kev", lambda: KEV[:-40], "no JSON to rely on"),
    ("kev.json", "kev", lambda: KEV.replace(b'"dueDate"', b'"dateAdded"', 1), "stands twice"),
    ("epss.csv", "epss", lambda: b"#model_version:v1,score_date:2026-08-16T00:00:00+0000\ncve,epss\n", "line 2"),
    ("list", "debian-list", lambda: b"\xff\xfe", "no UTF-8"),
]


@pytest.mark.parametrize(("name", "kind", "make", "said"), HOSTILE, ids=[f"{one[0]}-{one[3][:20]}" for one in HOSTILE])
def test_what_is_hostile_is_refused_and_changes_nothing(
    shop: Shop, name: str, kind: str, make: Callable[[], bytes], said: str
) -> None:
    good = {
        "osv": "debian12.osv.jsonl",
        "kev": "kev.json",
        "csaf": "csaf",
        "epss": "epss.csv",
        "debian-list": "dsa/list",
    }
    assert shop.update(of_file(str(DATA / good[kind]), kind)).result == "taken"
    before = shop.state()
    (shop.root / name).write_bytes(make())
    refused = shop.update(of_file(name, kind))
    assert (refused.result, shop.state()) == ("refused", before)
    assert any(part in refused.reason for part in said.split("|")), refused.reason


@pytest.mark.parametrize(("name", "megabytes"), [("kev.json", 300), ("kev.jsonl", 700)])
def test_200_mb_of_nested_json_is_refused_with_little_memory(tmp_path: Path, name: str, megabytes: int) -> None:
    shop = Shop(tmp_path)
    shop.feeds(of_file(name, "osv"))
    (tmp_path / "site.yml").write_text("{}\n", encoding="utf-8")
    with (tmp_path / name).open("wb") as file:
        for bracket in (b"[", b"]"):
            for _turn in range(100):
                file.write(bracket * 10**6)
    command = [sys.executable, "-m", "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli", "feeds", "update"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20))

    done = subprocess.run(
        [*command, "--site", str(tmp_path)], capture_output=True, text=True, check=False, preexec_fn=limit,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
    )  # fmt: skip
    assert (done.returncode, "refused" in done.stdout) == (1, True), done.stderr
    assert "67108864" in done.stdout
    assert shop.state() == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_damaged_feed_is_refused_or_taken_whole_through_the_store(shop: Shop, case: Case) -> None:
    more = {"ecosystems": ["debian:12"]} if case.kind in ("debian-support", "debian-changelogs") else {}
    source = shop.root / case.name
    source.write_bytes(case.bytes())
    wanted = of_file(case.name, case.kind, **more)
    assert shop.update(wanted).result == "taken"
    data = case.bytes()
    results = set()
    for at in range(1, len(data), len(data) // 12 + 1):
        before = shop.state()
        source.write_bytes(data[:at] + bytes([data[at] ^ 0x06]) + data[at + 1 :])
        done = shop.update(wanted)
        results.add(done.result)
        assert (shop.state() == before) is (done.result == "refused")
    source.write_bytes(data[: len(data) // 2])
    before = shop.state()
    assert (shop.update(wanted).result, shop.state() == before) == ("refused", True)


def test_a_server_is_asked_for_what_is_newer_and_its_answer_counts_as_a_look(shop: Shop, server: FeedServer) -> None:
    server.files["/kev.json"] = KEV
    wanted = of_file(f"{server.url}/kev.json?token=canary", "kev")
    first = shop.update(wanted)
    shop.now += timedelta(hours=30)
    second = shop.update(wanted)
    assert (first.result, second.result) == ("taken", "unchanged")
    assert first.state is not None
    assert second.state is not None
    assert second.state.fetched_at == first.state.fetched_at == NOW
    assert second.state.checked_at == NOW + timedelta(hours=30)
    assert "If-None-Match" not in server.asked[0][1]
    assert server.asked[1][1]["If-None-Match"] == first.state.etag
    # What could be a secret stands in no message and no file of ours.
    assert "canary" not in (shop.root / "feeds" / "index.json").read_text(encoding="utf-8")


def test_a_damaged_copy_is_fetched_whole_though_nothing_is_newer(shop: Shop, server: FeedServer) -> None:
    server.files["/kev.json"] = KEV
    wanted = of_file(f"{server.url}/kev.json", "kev")
    state = shop.update(wanted).state
    assert state is not None
    path = shop.root / "feeds" / "files" / state.sha256
    path.write_bytes(KEV[:-1] + b" ")
    feeds = shop.feeds(wanted)
    assert [one.verdict for one in feeds.standings()] == ["damaged"]
    assert load(feeds).library.vulnerabilities == {}
    assert shop.update(wanted).result == "taken"
    assert path.read_bytes() == KEV
    assert [one.verdict for one in feeds.standings()] == ["fresh"]


@pytest.mark.parametrize(
    ("headers", "more", "result", "said"),
    [
        ({}, {"redirect": "http://198.51.100.7/kev.json?key=canary"}, "unreachable", "redirects to 'http://198.51.100.7/kev.json'"),
        ({}, {"cut": 10}, "unreachable", "cut off after|IncompleteRead"),
        ({"Content-Length": str(BOUNDS.document + 1)}, {}, "refused", "expected at most 67108864; it was not fetched"),
        ({"Content-Encoding": "br"}, {}, "refused", "came packed as 'br'"),
        ({"Content-Encoding": "gzip"}, {}, "refused", "no whole gzip file"),
        ({}, {"files": {}}, "unreachable", "answered 404"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_feed_changes_nothing(
    shop: Shop, server: FeedServer, headers: dict[str, str], more: dict[str, Any], result: str, said: str
) -> None:
    server.files["/kev.json"] = KEV
    wanted = of_file(f"{server.url}/kev.json", "kev")
    assert shop.update(wanted).result == "taken"
    before = shop.state()
    server.files["/kev.json"] = kev(catalogVersion="2026.08.22")
    server.headers = headers
    for name, value in more.items():
        setattr(server, name, value)
    done = shop.update(wanted)
    assert (done.result, shop.state()) == (result, before)
    assert any(part in done.reason for part in said.split("|")), done.reason
    assert "canary" not in done.reason


def test_what_a_server_packs_on_its_way_is_kept_unpacked(shop: Shop, server: FeedServer) -> None:
    server.files["/kev.json"] = gzip.compress(KEV)
    server.headers = {"Content-Encoding": "gzip"}
    done = shop.update(of_file(f"{server.url}/kev.json", "kev"))
    assert done.state is not None
    assert done.state.sha256 == hashlib.sha256(KEV).hexdigest()


def test_nobody_who_answers_is_no_feed(shop: Shop) -> None:
    done = shop.update(of_file("http://127.0.0.1:9/kev.json", "kev"))
    assert (done.result, done.state, shop.state()) == ("unreachable", None, {})
    assert shop.update(of_file("nowhere.json", "kev")).result == "unreachable"


def test_a_feed_grows_old_by_its_last_look_and_by_its_own_date(shop: Shop) -> None:
    (shop.root / "kev.json").write_bytes(KEV)
    wanted = of_file("kev.json", "kev", max_feed_age_hours=24 * 100)
    feeds = shop.feeds(wanted)
    assert [one.verdict for one in feeds.standings()] == ["never"]
    shop.update(wanted)
    ages = {}
    for hours in (0, 48, 49, 24 * 8):
        shop.now = NOW + timedelta(hours=hours)
        (standing,) = feeds.standings()
        ages[hours] = (standing.verdict, len(standing.reasons))
    assert ages == {0: ("fresh", 0), 48: ("fresh", 0), 49: ("stale", 1), 24 * 8: ("stale", 2)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"source": "http://feeds.example.org/kev.json"}, "anybody between here and there can change"),
        ({"source": "ftp://example.org/kev.json", "kind": "kevin"}, "did you mean"),
        ({"source": "https://user:secret@example.org/kev.json"}, "without name and password"),
        ({"source": "a", "require": ["signature"]}, "no keyring"),
        ({"source": "a", "signed_by": ["A" * 40]}, "no keyring"),
        ({"source": "a", "kind": "debian-support"}, "no single release"),
        ({"source": "a", "max_age_hours": 0}, "1 to 87600"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(shop: Shop, said: dict[str, Any], expected: str) -> None:
    with pytest.raises(SiteFilesError, match=expected):
        shop.feeds({"id": "one", "kind": "kev", **said})


def test_a_secret_in_an_address_is_in_no_message(shop: Shop) -> None:
    for source in ("https://user:canary@example.org/kev.json", "http://example.org/kev.json?key=canary"):
        with pytest.raises(SiteFilesError) as found:
            shop.feeds({"id": "one", "kind": "kev", "source": source})
        assert "canary" not in str(found.value)


def test_long_reading_is_told(shop: Shop) -> None:
    rows = "".join(f"CVE-2026-{number:06},0.1,0.2\n" for number in range(45_000))
    head = "#model_version:v1,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\n"
    (shop.root / "epss.csv").write_text(head + rows, encoding="utf-8")
    assert shop.update(of_file("epss.csv", "epss")).result == "taken"
    assert shop.said == ["reading", "20000 records read", "40000 records read"]


def test_http_is_taken_where_that_is_said(shop: Shop) -> None:
    feeds = shop.feeds({"id": "one", "kind": "kev", "source": "http://feeds.example.org/x", "insecure_http": True})
    assert feeds.settings[0].is_remote
    with pytest.raises(SiteFilesError, match="a second time"):
        shop.feeds(of_file("a", "kev"), of_file("b", "kev"))


def test_two_updates_at_once_are_one_too_many(shop: Shop) -> None:
    (shop.root / "kev.json").write_bytes(KEV)
    store = FeedStore(shop.root / "feeds")
    with store.held(), pytest.raises(FeedError, match="another update of the feeds is running"):
        shop.update(of_file("kev.json", "kev"))
    assert shop.update(of_file("kev.json", "kev")).result == "taken"


def test_what_was_replaced_long_ago_is_pruned_and_nothing_else(shop: Shop) -> None:
    source = shop.root / "kev.json"
    kinds = [of_file("kev.json", "kev"), {"id": "ics", "kind": "csaf", "source": str(DATA / "csaf")}]
    feeds = shop.feeds(*kinds)
    kept = []
    for number in range(3):
        shop.now = NOW + timedelta(days=10 * number)
        source.write_bytes(kev(catalogVersion=f"2026.08.2{number}"))
        for one in feeds.settings:
            feeds.update(one, shop.said.append)
        state = feeds.store.index().states["one"]
        kept.append(state.sha256)
    (shop.root / "feeds" / "files" / ".new-left").write_bytes(b"of a crash")
    before = shop.state()
    # The first was replaced 10 days ago, the second just now.
    assert feeds.prune(9, dry=True) == (2, len(kev(catalogVersion="2026.08.20")) + 10)
    assert shop.state() == before
    assert feeds.prune(9, dry=False)[0] == 2
    assert sorted(before.keys() - shop.state().keys()) == sorted(["files/.new-left", f"files/{kept[0]}"])
    assert load(feeds, {"one": kept[1]}).library.digests == {"one": kept[1]}
    assert [one.verdict for one in feeds.standings()] == ["fresh", "fresh"]
    with pytest.raises(FeedError, match="never taken here"):
        load(feeds, {"one": kept[0]})


def test_no_link_in_a_folder_is_followed(shop: Shop) -> None:
    folder = shop.root / "csaf"
    folder.mkdir()
    (folder / "one.json").write_bytes((DATA / "csaf" / "icsma-24-249-01.json").read_bytes())
    (folder / "two.json").symlink_to(DATA / "csaf" / "icsma-22-095-01.json")
    (folder / ".hidden.json").write_bytes(b"no JSON")
    done = shop.update(of_file("csaf", "csaf"))
    assert done.state is not None
    assert done.state.count == 1
