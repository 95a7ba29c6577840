# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan's files come from the first source that has them, whole and right, or not at all; and why is said."""

from __future__ import annotations

import hashlib
import http.server
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import staging
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.delivery import Delivery
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lines import Deb, Line
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.stagedir import Stage
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.locked import Locked
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool import Pool
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool_server import PoolServer

COLLECTIONS = Path(__file__).parents[5] / "collections"


def deb(version: str) -> tuple[bytes, Deb]:
    """A file of the plan, and what the plan says of it."""
    content = f"toy {version}".encode() * 1000
    name = f"toy_{version}_all.deb"
    return content, Deb("toy", "all", version, hashlib.sha256(content).hexdigest(), len(content), name)


NEW, OLD = deb("1.1"), deb("1.0")
LINES = (Line("toy", "all", "1.0", NEW[1], OLD[1]),)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """An empty stage, on a host that has fetched and repacked nothing."""
    monkeypatch.setattr(staging, "PLANNING", tmp_path / "planning")
    monkeypatch.setattr(staging, "REPACKED", tmp_path / "repacked")
    (tmp_path / "stage").mkdir(mode=0o700)
    return Stage(tmp_path / "stage" / "plan")


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    pool = Pool(tmp_path / "pool")
    for content, one in (NEW, OLD):
        (tmp_path / "arrived").write_bytes(content)
        pool.take(tmp_path / "arrived", Locked(one.file, one.size, one.sha256))
    return pool


@pytest.fixture
def url(pool: Pool) -> Iterator[str]:
    with PoolServer(pool, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


def archive_of(*contents: tuple[bytes, Deb], why: str = "no such version in this host's archives"):
    """An archive that has these files."""
    having = {one.file: content for content, one in contents}

    def bring(debs: tuple[Deb, ...], stage: Stage) -> dict[str, str]:
        for one in debs:
            if one.file in having:
                arrived = stage.path.parent / "arrived"
                arrived.write_bytes(having[one.file])
                assert stage.take(arrived, one) is None
        return {one.file: why for one in debs if one.file not in having}

    return bring


def fill(stage: Stage, delivery: Delivery, archive=None, *, check: bool = False) -> staging.Staged:
    return staging.stage_plan(LINES, stage, delivery, archive or archive_of(), check=check)


def came_from(staged: staging.Staged) -> dict[str, str]:
    return {one["file"]: one["from"] for one in staged.to_dict()["origins"]}


def test_each_file_comes_from_the_first_source_that_has_it(stage: Stage, url: str) -> None:
    staged = fill(stage, Delivery(("archive", "pool"), pool=url), archive_of(NEW))
    assert came_from(staged) == {NEW[1].file: "archive", OLD[1].file: "pool"}
    assert staged.tried == {OLD[1].file: ["archive: no such version in this host's archives"]}
    assert stage.look([NEW[1], OLD[1]]) == ((), ())
    assert not fill(stage, Delivery(("archive",))).missing


def test_the_order_is_what_was_asked_for(stage: Stage, url: str) -> None:
    staged = fill(stage, Delivery(("pool", "archive"), pool=url), archive_of(NEW, OLD))
    assert set(came_from(staged).values()) == {"pool"}


@pytest.mark.parametrize("source", ["pool", "copy"])
def test_it_ends_early_where_the_controller_must_do_something(stage: Stage, source: str) -> None:
    staged = fill(stage, Delivery(("archive", source), tried={"x": ["earlier"]}), archive_of(NEW))
    said = staged.to_dict()
    assert said["asks"] == [{"file": OLD[1].file, "sha256": OLD[1].sha256, "size": OLD[1].size}]
    assert said["sources_left"] == [source]
    assert said["tried"]["x"] == ["earlier"]


def test_copies_are_taken_by_their_digest(stage: Stage, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    copied.mkdir()
    for content, one in (NEW, OLD):
        (copied / one.sha256).write_bytes(content)
    staged = fill(stage, Delivery(("copy",), copied=copied))
    assert set(came_from(staged).values()) == {"copy"}
    assert stage.look([NEW[1], OLD[1]]) == ((), ())


def test_a_copy_with_one_other_byte_is_refused_by_line(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / NEW[1].sha256).write_bytes(b"T" + NEW[0][1:])
    with pytest.raises(
        PackageError, match=r"copied is not what the plan locks; toy \(all\): found toy_1.1_all.deb with"
    ):
        fill(stage, Delivery(("copy", "archive"), copied=tmp_path), archive_of(NEW, OLD))
    assert [*stage.path.iterdir()] == []


def test_a_link_in_the_place_of_a_copy_is_not_followed(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(NEW[0])
    (tmp_path / NEW[1].sha256).symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic link"):
        fill(stage, Delivery(("copy",), copied=tmp_path))


def test_a_pool_with_one_other_byte_is_refused_and_not_got_around(stage: Stage, pool: Pool, url: str) -> None:
    path = pool.path(NEW[1].sha256)
    path.chmod(0o644)
    path.write_bytes(b"T" + NEW[0][1:])
    with pytest.raises(PackageError, match=f"pool sent is not what the plan locks; .* expected {NEW[1].sha256}"):
        fill(stage, Delivery(("pool", "archive"), pool=url), archive_of(NEW, OLD))
    assert not stage.file(NEW[1]).exists()


def test_what_no_source_has_is_refused_by_line_with_what_each_one_said(stage: Stage, pool: Pool, url: str) -> None:
    pool.remove(OLD[1].sha256)
    with pytest.raises(PackageError) as caught:
        fill(stage, Delivery(("archive", "pool"), pool=url), archive_of(NEW))
    (refusal,) = caught.value.refused
    assert refusal.package == "toy (all)"
    assert refusal.found == "1.0 nowhere (archive: no such version in this host's archives; pool: not in the pool)"
    assert refusal.expected == f"{OLD[1].file} with SHA-256 {OLD[1].sha256}"
    assert "holdfast pool add FILE" in refusal.do


class _Trouble(http.server.BaseHTTPRequestHandler):
    """A server that ends too early, sends somebody elsewhere, or fails."""

    def do_GET(self) -> None:
        how = self.server.how
        self.send_response({"redirect": 302, "error": 500}.get(how, 200))
        if how == "redirect":
            self.send_header("Location", self.server.elsewhere)
        if how == "short":
            self.send_header("Content-Length", str(NEW[1].size))
        self.end_headers()
        if how in ("short", "silent end"):
            self.wfile.write(NEW[0][:100])

    def log_message(self, *_unused: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("how", ["short", "silent end", "redirect", "error"])
def test_a_pool_in_trouble_is_passed_over_with_the_reason(stage: Stage, url: str, how: str) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Trouble) as server:
        server.how, server.elsewhere = how, f"{url}/sha256/{NEW[1].sha256[:2]}/{NEW[1].sha256}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        staged = fill(stage, Delivery(("pool", "archive"), pool=address), archive_of(NEW, OLD))
        server.shutdown()
    assert set(came_from(staged).values()) == {"archive"}
    assert staged.tried[NEW[1].file][0].startswith("pool: ")
    assert sorted(path.name for path in stage.path.iterdir()) == [OLD[1].file, NEW[1].file]


def test_a_pool_nobody_answers_for_is_asked_once(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    staged = fill(stage, Delivery(("pool", "archive"), pool=f"http://127.0.0.1:{port}"), archive_of(NEW, OLD))
    assert {said[0].split(":")[-1].strip() for said in staged.tried.values()} == {"[Errno 111] Connection refused"}


@pytest.mark.parametrize(
    "address", ["https://192.0.2.1:80", "http://", "http://a@b", "file:///etc", "http://192.0.2.1:80/x", "http://a\nb"]
)
def test_a_pool_is_an_address_and_a_port_and_nothing_else(address: str) -> None:
    with pytest.raises(PackageError, match="pool_url: found"):
        Delivery.of({"pool_url": address, "copied": None, "sources": ["pool"], "tried": None})


def test_what_was_fetched_for_its_changelog_or_repacked_is_taken_over(stage: Stage, tmp_path: Path) -> None:
    for name, (content, one) in (("planning", NEW), ("repacked", OLD)):
        (tmp_path / name).mkdir()
        (tmp_path / name / one.file).write_bytes(content)
    staged = fill(stage, Delivery(()))
    assert came_from(staged) == {NEW[1].file: "planning", OLD[1].file: "repacked"}
    assert [path.name for path in (tmp_path / "planning").iterdir()] == []
    assert [path.name for path in (tmp_path / "repacked").iterdir()] == [OLD[1].file]


def test_a_changelogs_file_with_another_byte_is_left_where_it_is(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "planning").mkdir()
    (tmp_path / "planning" / NEW[1].file).write_bytes(b"T" + NEW[0][1:])
    staged = fill(stage, Delivery(("archive",)), archive_of(NEW, OLD))
    assert set(came_from(staged).values()) == {"archive"}


def test_check_mode_asks_nobody_and_makes_nothing(stage: Stage) -> None:
    staged = fill(stage, Delivery(("pool", "copy", "archive")), check=True)
    assert [one.file for one in staged.missing] == [NEW[1].file, OLD[1].file]
    assert (staged.asks, stage.path.exists()) == ((), False)


def test_a_disk_without_room_is_said_before_anything_is_fetched(stage: Stage) -> None:
    huge = (replace(LINES[0], deb=replace(NEW[1], size=2**60)),)
    with pytest.raises(PackageError, match=r"no room for the plan's files; .* bytes free; expected \d{19}"):
        staging.stage_plan(huge, stage, Delivery(("archive",)), archive_of(NEW, OLD), check=False)


def test_a_disk_that_fills_up_meanwhile_is_said_with_the_file_and_leaves_no_half_of_it(
    stage: Stage, tmp_path: Path
) -> None:
    stage.make()
    (tmp_path / "arrived").write_bytes(NEW[0])
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lines import Deb\n"
        "from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.stagedir import PackageError, Stage\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (100, {resource.getrlimit(resource.RLIMIT_FSIZE)[1]}))\n"
        "try:\n"
        f"    Stage(Path(sys.argv[1])).take(Path(sys.argv[2]), {NEW[1]!r})\n"
        "except PackageError as error:\n"
        "    sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", code, str(stage.path), str(tmp_path / "arrived")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(COLLECTIONS)})
    assert done.returncode == 1
    assert (
        "toy (all): found File too large; expected room for toy_1.1_all.deb, 7000 bytes; free some space" in done.stderr
    )
    assert [*stage.path.iterdir()] == []


def test_staged_files_are_handed_out_to_whoever_logged_in(stage: Stage, tmp_path: Path) -> None:
    fill(stage, Delivery(("archive",)), archive_of(NEW, OLD))
    out = tmp_path / "out"
    out.mkdir()
    assert staging.hand_out([NEW[1].sha256], (NEW[1], OLD[1]), stage, out) == [NEW[1].sha256]
    (copy,) = out.iterdir()
    assert (copy.name, copy.read_bytes()) == (NEW[1].sha256, NEW[0])
    assert (copy.stat().st_mode & 0o777, copy.stat().st_uid) == (0o400, out.stat().st_uid)


def test_nothing_is_handed_out_that_the_plan_does_not_lock_or_into_what_is_no_folder(
    stage: Stage, tmp_path: Path
) -> None:
    fill(stage, Delivery(("archive",)), archive_of(NEW, OLD))
    with pytest.raises(PackageError, match="locked by no line of the plan"):
        staging.hand_out(["../../../etc/shadow"], (NEW[1],), stage, tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(PackageError, match="expected a folder of the connection's user"):
        staging.hand_out([NEW[1].sha256], (NEW[1],), stage, tmp_path / "link")
    (tmp_path / NEW[1].sha256).symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        staging.hand_out([NEW[1].sha256], (NEW[1],), stage, tmp_path)
    assert not os.path.lexists(tmp_path / "victim")


def test_two_that_fill_one_stage_do_it_one_after_the_other(stage: Stage, url: str) -> None:
    def fill_it() -> staging.Staged:
        start.wait()
        return fill(Stage(stage.path), Delivery(("pool",), pool=url))

    for _turn in range(5):
        start = threading.Barrier(4)
        with ThreadPoolExecutor(4) as threads:
            done = [one.result() for one in [threads.submit(fill_it) for _unused in range(4)]]
        assert sum(len(one.origins) for one in done) == 2
        assert stage.look([NEW[1], OLD[1]]) == ((), ())
        for path in stage.path.iterdir():
            path.unlink()


def test_a_stage_that_stays_in_use_is_said(stage: Stage) -> None:
    stage.make()
    said = r"the stage is in use; .* filled it for 0 s"
    with stage.alone(), pytest.raises(PackageError, match=said), Stage(stage.path).alone(0):
        pass
