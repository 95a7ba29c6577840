# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast pool`, as people use it: only what a plan locks comes in, only what nothing needs goes out."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan, Rollback
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.pool_door import claimed, open_door

from tests.change_cases import package, plan

COLLECTIONS = Path(__file__).parents[5] / "collections"
COMMAND = [sys.executable, "-m", "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli", "pool"]
NEW, OLD = b"the new package", b"the package that is installed now"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Shop:
    """A site with a plan for one host, the two files that it locks, and the command."""

    root: Path
    new: Path
    old: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: object) -> tuple[int, str, str]:
        """Run `holdfast pool` and return exit code, results, and the rest."""
        code = main(["pool", *map(str, words), "--site", str(self.root)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, *words: object) -> Any:
        """Run it for machines."""
        _code, out, _err = self.run(*words, "--format", "json")
        return json.loads(out)


@pytest.fixture
def wanted() -> Plan:
    """A plan of one host and one package, made now."""
    back = Rollback("1.22.1-9", digest(OLD), len(OLD), "nginx_1.22.1-9_amd64.deb")
    line = replace(package(), sha256=digest(NEW), size=len(NEW), rollback=back)
    one = plan(hosts=["lab-1"]).assets[0]
    assets = (replace(one, packages=(line,)),)
    return plan(assets=assets, created_at=utc_now().replace(microsecond=0))


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], wanted: Plan) -> Shop:
    root = tmp_path / "demo"
    assert main(["init", str(root), "--host", "192.0.2.7", "--owner", "ops"]) == 0
    wanted.save(root / "plans")
    (tmp_path / "new.deb").write_bytes(NEW)
    (tmp_path / "old.deb").write_bytes(OLD)
    capsys.readouterr()
    return Shop(root, tmp_path / "new.deb", tmp_path / "old.deb", capsys)


def stored(shop: Shop) -> set[str]:
    return {path.name for path in (shop.root / "pool").glob("sha256/*/*")}


def test_files_that_a_plan_locks_are_taken_in_and_listed_with_their_names(shop: Shop) -> None:
    code, out, _err = shop.run("add", shop.new, shop.old)
    assert code == 0
    assert out.splitlines() == [
        f"{digest(NEW)} nginx_1.22.1-9+deb12u1_amd64.deb",
        f"{digest(OLD)} nginx_1.22.1-9_amd64.deb",
    ]
    assert shop.run("add", shop.new)[1].endswith("(was there)\n")
    listed = shop.json("list")
    assert {one["file"] for one in listed["files"]} == {"nginx_1.22.1-9+deb12u1_amd64.deb", "nginx_1.22.1-9_amd64.deb"}
    assert all("nobody has asked for yet" in one["needed_by"][0] for one in listed["files"])


def test_a_file_no_plan_locks_keeps_every_file_of_the_call_out(shop: Shop, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.deb"
    stranger.write_bytes(NEW[:-1] + b"?")
    code, out, err = shop.run("add", shop.new, stranger)
    assert (code, out) == (1, "")
    assert f"{stranger}: SHA-256 {digest(stranger.read_bytes())} is locked by no plan in {shop.root / 'plans'}" in err
    assert stored(shop) == set()


def test_add_takes_only_what_the_named_plan_locks(shop: Shop, wanted: Plan) -> None:
    other = replace(wanted, title="Another")
    line = replace(other.assets[0].packages[0], sha256="f" * 64, rollback=None)
    other = replace(other, assets=(replace(other.assets[0], packages=(line,)),))
    path = other.save(shop.root / "plans")
    assert shop.run("add", "--plan", path, shop.new)[0] == 1
    assert shop.run("add", shop.new)[0] == 0


def test_verify_names_a_changed_file_and_prune_leaves_what_is_needed(shop: Shop) -> None:
    shop.run("add", shop.new, shop.old)
    assert shop.run("verify")[:2] == (0, "2 of 2 files are what their names say\n")
    path = shop.root / "pool" / "sha256" / digest(NEW)[:2] / digest(NEW)
    path.chmod(0o644)
    path.write_bytes(NEW[:-1] + b"?")
    path.chmod(0o444)
    code, out, _err = shop.run("verify")
    assert code == 1
    assert f"{path}: its content has SHA-256 {digest(path.read_bytes())}" in out
    assert shop.json("prune")["files"] == []
    assert stored(shop) == {digest(NEW), digest(OLD)}


def test_prune_removes_what_nothing_needs_and_says_so_before_it_does(shop: Shop, wanted: Plan) -> None:
    shop.run("add", shop.new, shop.old)
    (shop.root / "plans" / f"{wanted.digest}.json").unlink()
    assert len(shop.json("prune", "--dry-run")["files"]) == 2
    assert len(stored(shop)) == 2
    assert shop.run("prune")[1].endswith(f"2 files, {len(NEW) + len(OLD)} bytes removed\n")
    assert stored(shop) == set()


def test_nothing_is_pruned_while_a_plan_cannot_be_read(shop: Shop, wanted: Plan) -> None:
    shop.run("add", shop.new)
    path = shop.root / "plans" / f"{wanted.digest}.json"
    path.write_bytes(path.read_bytes()[:-1])
    code, _out, err = shop.run("prune")
    assert code == 3
    assert wanted.digest in err
    assert stored(shop) == {digest(NEW)}


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "controller", "", "192.0.2.10:80"])  # noqa: S104 - each is refused
def test_only_one_address_of_one_machine_is_served_on(shop: Shop, address: str) -> None:
    code, _out, err = shop.run("serve", "--address", address)
    assert code == 2
    assert "IP address of this controller" in err


def test_without_an_address_nothing_is_served(shop: Shop) -> None:
    code, _out, err = shop.run("serve")
    assert code == 2
    assert "no address is named" in err


def test_serve_hands_files_out_until_it_is_told_to_end(shop: Shop) -> None:
    shop.run("add", shop.new)
    command = [*COMMAND, "serve", "--address", "127.0.0.1", "--port", "0", "--format", "json", "--site", str(shop.root)]
    environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(f"{url}/sha256/{digest(NEW)[:2]}/{digest(NEW)}", timeout=10) as answer:  # noqa: S310 - our own server
            assert answer.read() == NEW
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"GET /sha256/{digest(NEW)[:2]}/{digest(NEW)}" in err.decode()


def test_a_run_has_one_door_that_shuts_when_the_run_ends(shop: Shop) -> None:
    settings = shop.root / "site.yml"
    settings.write_text(settings.read_text() + "\npool: {address: 127.0.0.1}\n")
    shop.run("add", shop.new)
    site = open_site(shop.root)
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    url = open_door(site, "run_0000000000", run.pid)
    assert open_door(site, "run_0000000000", run.pid) == url
    pid = json.loads((site.pool.folder / "incoming" / "run_0000000000.door").read_text())["pid"]
    with urllib.request.urlopen(f"{url}/sha256/{digest(NEW)[:2]}/{digest(NEW)}", timeout=10) as answer:  # noqa: S310 - our own server
        assert answer.read() == NEW
    run.communicate(b"\n")
    assert os.waitpid(pid, 0)[1] == 0


def test_a_file_is_claimed_by_one_host_at_a_time(tmp_path: Path) -> None:
    with claimed(tmp_path, ["a" * 64, "b" * 64]) as first:
        assert first == ["a" * 64, "b" * 64]
        with claimed(tmp_path, ["b" * 64, "c" * 64]) as second:
            assert second == ["c" * 64]
    with claimed(tmp_path, ["b" * 64]) as third:
        assert third == ["b" * 64]
    assert [*tmp_path.iterdir()] == []
