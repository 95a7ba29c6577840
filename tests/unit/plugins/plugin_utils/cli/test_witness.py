# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast witness`, and what `holdfast ledger` gives to others, as people run them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main

NAME = "compliance.example.org"
MODULE = "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli"


class Desk:
    """A site, and a folder for a witness, with the words one types."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.site, self.witness, self.log = folder / "clinic", folder / "witness", folder / "log"
        assert main(["init", str(self.site)]) == 0
        assert main(["key", "new", str(self.witness / "witness.pem"), "--plain"]) == 0
        assert self.run("ledger", "export", self.log, "--site", self.site)[0] == 0

    def run(self, *words: object) -> tuple[int, str, str]:
        """Run the command; return its exit code and what it said."""
        self.capsys.readouterr()
        code = main([str(word) for word in words])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def told(self, *words: object) -> Any:
        """Run the command for machines, and return what it told them."""
        return json.loads(self.run(*words, "--format", "json")[1])

    @property
    def vkey(self) -> str:
        """The log's key."""
        return self.run("ledger", "vkey", "--site", self.site)[1].strip()

    def init(self, *more: object) -> tuple[int, str, str]:
        """Make the witness."""
        words = ("witness", "init", self.witness, "--name", NAME, "--log", self.vkey, "--head", self.log / "checkpoint")
        return self.run(*words, *more)

    def name_witness(self, url: str) -> str:
        """Write the witness into site.yml; return its key."""
        key = str(self.told("witness", "show", self.witness)["witness"])
        with (self.site / "site.yml").open("a") as file:
            file.write(f'witnesses:\n  - {{key: "{key}", url: "{url}"}}\n')
        return key

    def publish(self, version: int) -> None:
        """Make the ledger grow by one record."""
        path = self.site / "trust.yml"
        text = path.read_text().replace(f"version: {version - 1}", f"version: {version}")
        old, new = ("[requester]", "[requester, approver]")[:: 1 if version % 2 == 0 else -1]
        path.write_text(text.replace(old, new, 1))
        assert self.run("trust", "publish", "--site", self.site)[0] == 0


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A site with one record, exported."""
    return Desk(tmp_path, capsys)


def serving(folder: Path) -> list[str]:
    """Return the words that serve a witness on this machine."""
    words = [sys.executable, "-m", MODULE, "witness", "serve", str(folder), "--address", "127.0.0.1"]
    return [*words, "--format", "json"]


def surroundings() -> dict[str, str]:
    """Return the environment of a process that finds the product where this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def not_served(folder: Path) -> str:
    """Return what is said where no witness can serve; one that did would never end by itself."""
    done = subprocess.run(serving(folder), capture_output=True, text=True, env=surroundings(), timeout=60, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    return done.stderr


@contextmanager
def served(folder: Path, end: int = signal.SIGTERM) -> Iterator[str]:
    """Serve a witness as a process of its own, ended with that signal; give its address."""
    process = subprocess.Popen(
        serving(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings()
    )
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.send_signal(end)
        assert process.wait(60) == (0 if end == signal.SIGTERM else -end)
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()


def test_witness_from_nothing_to_a_refused_rewrite(desk: Desk, tmp_path: Path) -> None:
    assert desk.init()[0] == 0
    with served(desk.witness) as url:
        key = desk.name_witness(url)
        desk.publish(2)
        code, out, _err = desk.run("ledger", "witness", "--site", desk.site)
        assert (code, out) == (0, f"{NAME} cosigned 2 entries\n")
        report = desk.told("audit", "--site", desk.site)
        assert (report["ok"], report["cosigned"]) == (True, {NAME: 2})
        assert not [line for line in report["could_not_check"] if "put back" in line]
        kept = (desk.site / "ledger/ledger.sqlite").read_bytes()
        desk.publish(3)  # shown to the witness by itself: a revocation must not be taken back unseen
        assert desk.told("audit", "--site", desk.site)["cosigned"] == {NAME: 3}
        for name in desk.site.glob("ledger/ledger.sqlite*"):
            name.unlink()
        (desk.site / "ledger/ledger.sqlite").write_bytes(kept)
        code, out, _err = desk.run("ledger", "witness", "--site", desk.site)
        assert (code, out.startswith(f"FOUND: {NAME} has cosigned 3 entries and this")) == (1, True), out
        report = desk.told("audit", "--site", desk.site)
        assert [one["code"] for one in report["findings"]] == ["rolled-back"]
        offline = desk.told("audit", "--site", desk.site, "--offline")
        assert (offline["ok"], any(f"{NAME} was not asked" in line for line in offline["could_not_check"])) == (
            True,
            True,
        )
    # By hand, with what the witness shows on its own machine.
    seen = tmp_path / "seen"
    seen.write_text(desk.run("witness", "show", desk.witness, "--checkpoint", "org-clinic")[1])
    ledger = desk.site / "ledger/ledger.sqlite"
    code, out, _err = desk.run("audit", "--ledger", ledger, "--witness", key, "--head", seen)
    assert (code, "rolled-back" in out, f"witness  {NAME} cosigned" in out) == (1, True, True)
    code, out, _err = desk.run("ledger", "witness", "--site", desk.site)
    assert (code, "no cosignature was had" in out) == (3, True)
    report = desk.told("audit", "--site", desk.site)
    assert any("did not answer" in line for line in report["could_not_check"])
    code, out, _err = desk.run("witness", "show", desk.witness)
    assert (code, "size   3" in out) == (0, True)


def test_witness_is_not_made_from_what_does_not_fit(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert main(["init", str(other / "clinic")]) == 0
    stranger = desk.run("ledger", "vkey", "--site", other / "clinic")[1].strip()
    words = ("witness", "init", desk.witness, "--name", NAME, "--head", desk.log / "checkpoint")
    for more, code, said in (
        (("--log", stranger), 3, "not signed by the key of org-clinic"),
        (("--log", "nonsense"), 3, "expected NAME+HASH+KEY"),
        (("--log", desk.vkey, "--name", "two words"), 2, "without spaces"),
        (("--log", desk.vkey, "--head", tmp_path / "none"), 2, "expected a checkpoint"),
    ):
        found, _out, err = desk.run(*words, *more)
        assert (found, said in err) == (code, True), err
    assert not (desk.witness / "witness.sqlite").exists()
    assert "has no memory" in not_served(desk.witness)
    code, _out, err = desk.init("--dry-run")
    assert (code, "nothing was written" in err) == (0, True)
    assert not (desk.witness / "witness.sqlite").exists()
    assert desk.init()[0] == 0
    assert (desk.witness / "witness.sqlite").stat().st_mode & 0o777 == 0o600
    assert desk.init()[0] == 3
    assert "exists already" in desk.init("--dry-run")[2]
    code, _out, err = desk.run("witness", "serve", desk.witness, "--address", "0.0.0.0")  # noqa: S104 - it is refused
    assert (code, "no single interface" in err) == (2, True)
    (desk.witness / "witness.pem").unlink()
    assert main(["key", "new", str(desk.witness / "witness.pem"), "--plain"]) == 0
    assert "is not the key of this witness" in not_served(desk.witness)


def test_second_log_and_second_key(desk: Desk, tmp_path: Path) -> None:
    assert desk.init()[0] == 0
    other = tmp_path / "other" / "practice"
    assert main(["init", str(other)]) == 0
    stranger = desk.run("ledger", "vkey", "--site", other)[1].strip()
    assert desk.run("ledger", "export", tmp_path / "log2", "--site", other)[0] == 0
    add = ("witness", "add", desk.witness, "--log", stranger)
    assert desk.run(*add)[0] == 3, "a log that is not known needs a first head"
    assert desk.run(*add, "--head", tmp_path / "log2/checkpoint", "--dry-run")[0] == 0
    assert len(desk.told("witness", "show", desk.witness)["logs"]) == 1
    assert desk.run(*add, "--head", tmp_path / "log2/checkpoint")[0] == 0
    assert desk.run(*add)[0] == 0
    assert [one["origin"] for one in desk.told("witness", "show", desk.witness)["logs"]] == [
        "org-clinic",
        "org-practice",
    ]
    assert desk.run("witness", "show", desk.witness, "--checkpoint", "org-none")[0] == 2


def test_receipt_is_verified_without_site_and_ledger(desk: Desk, tmp_path: Path) -> None:
    desk.publish(2)
    told = desk.told("ledger", "receipt", "0", "--out", tmp_path / "given", "--site", desk.site)
    verify = ("ledger", "verify-receipt", told["receipt"], told["record"], "--log", desk.vkey)
    code, out, err = desk.run(*verify)
    assert (code, out) == (0, "entry 0 is in the log org-clinic, whose signed head covers 2 entries\n")
    assert "not checked: whether others saw this head" in err
    witness = desk.told("witness", "init", desk.witness, "--name", NAME, "--log", desk.vkey, "--head",
                        desk.log / "checkpoint")["witness"]  # fmt: skip
    code, out, _err = desk.run(*verify, "--witness", witness)
    assert (code, out) == (1, "FOUND: 0 of the witnesses named cosigned the head; expected 1\n")
    with served(desk.witness) as url:
        desk.name_witness(url)
        assert desk.run("ledger", "witness", "--site", desk.site)[0] == 0
    desk.run("ledger", "receipt", "0", "--out", tmp_path / "given", "--site", desk.site)
    code, out, err = desk.run(*verify, "--witness", witness)
    assert (code, f"cosigned by {NAME} at " in out, err) == (0, True, "")
    report = desk.told(*verify, "--witness", witness)
    assert (report["ok"], [*report["cosigned"]]) == (True, [NAME])
    record = Path(told["record"])
    record.write_bytes(record.read_bytes().replace(b"payload", b"paylaod", 1))
    assert desk.run(*verify)[0] == 1
    assert desk.run("ledger", "receipt", "rec_none", "--site", desk.site)[0] == 2
    assert desk.run("ledger", "receipt", "7", "--site", desk.site)[0] == 3
    Path(told["receipt"]).write_text("c2sp.org/tlog-proof@v2\n")
    assert desk.run(*verify)[0] == 3


def test_export_goes_on_and_never_over_another_history(desk: Desk, tmp_path: Path) -> None:
    first = {path.relative_to(desk.log): path.read_bytes() for path in desk.log.rglob("*") if path.is_file()}
    assert {str(name) for name in first} == {"checkpoint", "log.vkey", "tile/0/000.p/1", "tile/entries/000.p/1"}
    desk.publish(2)
    told = desk.told("ledger", "export", desk.log, "--site", desk.site)
    assert (told["size"], told["written"]) == (2, 2)
    assert (desk.log / "tile/0/000.p/2").stat().st_size == 64
    again = desk.told("ledger", "export", desk.log, "--site", desk.site)
    assert again["written"] == 0
    other = tmp_path / "other" / "clinic"
    assert main(["init", str(other)]) == 0
    code, _out, err = desk.run("ledger", "export", desk.log, "--site", other)
    assert (code, "holds another history" in err) == (3, True)
    assert desk.run("ledger", "witness", "--site", other)[0] == 2


def test_witness_that_is_killed_remembers_what_it_cosigned(desk: Desk) -> None:
    assert desk.init()[0] == 0
    desk.publish(2)
    with served(desk.witness, signal.SIGKILL) as url:
        desk.name_witness(url)
        assert desk.run("ledger", "witness", "--site", desk.site)[0] == 0
    told = desk.told("witness", "show", desk.witness)
    assert [(one["origin"], one["size"]) for one in told["logs"]] == [("org-clinic", 2)]
    with served(desk.witness) as url:
        text = (desk.site / "site.yml").read_text()
        (desk.site / "site.yml").write_text(re.sub(r"http://127.0.0.1:[0-9]+", url, text))
        assert desk.run("ledger", "witness", "--site", desk.site)[0] == 0
