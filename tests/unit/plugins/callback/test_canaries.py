# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that a real play lets out on every path: none is in anything that we write; a naive recorder has them all."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.canaries import PATHS, hits, lay_out, spellings

ROOT = Path(__file__).resolve().parents[4]
BESIDE = Path(sys.executable).parent


def register(site: Path) -> None:
    """Have the site's one host be this machine, reached without SSH."""
    asset = {
        "id": "billing-1", "kind": "server", "owner": "it-operations", "ring": "lab", "address": "127.0.0.1",
        "environment": "lab", "data_class": "ephi", "tier": 1, "baselines": ["debian-server"],
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    }  # fmt: skip
    document = {"plugin": "holdfast.hipaa.register", "assets": [asset]}
    (site / "holdfast.yml").write_text(json.dumps(document), encoding="utf-8")


def play(site: Path, folder: Path, given: str) -> subprocess.CompletedProcess[str]:
    """Run the leaky play in the site, with our recorder and the naive one."""
    words = ["ansible-playbook", str(folder / "play.yml"), "--diff", "-v", "-e", f"@{folder}/canaries.yml"]
    environment = {
        **os.environ,
        "PATH": f"{BESIDE}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": f"{ROOT / 'collections'}",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_CALLBACKS_ENABLED": "holdfast.hipaa.recorder,naive",
        "ANSIBLE_CALLBACK_PLUGINS": str(folder / "plugins"),
        "NAIVE_FILE": str(folder / "naive"),
        "LANG": "C.UTF-8",
    }
    return subprocess.run(
        [*words, "-e", f"given={given}"],
        cwd=site, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each file below a folder with its bytes, and with what envelopes in it hold."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        data = path.read_bytes()
        yield path.name, data
        if path.suffix == ".sqlite":
            for index, stored in Ledger(path).entries():
                yield f"record {index}", base64.b64decode(json.loads(stored)["payload"])


def test_no_canary_is_in_anything_that_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site, folder = tmp_path / "site", tmp_path / "play"
    folder.mkdir()
    canaries = lay_out(folder, sys.executable)
    assert main(["init", str(site), "--host", "127.0.0.1", "--owner", "it-operations"]) == 0
    register(site)
    before = {path for path in site.rglob("*") if path.is_file()}
    done = play(site, folder, canaries["extra_var"])
    assert done.returncode == 2, done.stdout + done.stderr

    ledger = Ledger(site / "ledger" / "ledger.sqlite")
    (deploy,) = [one for one in read_records(ledger) if one.step == "deploy"]
    assert deploy.body["results"][0]["outcome"] == "failed"
    assert deploy.body["results"][0]["roles"] == ["leaky"]
    capsys.readouterr()
    made = site / "made"
    made.mkdir()
    (made / "receipts").mkdir()
    at = ["--site", str(site)]
    for words in (
        ["audit", "--format", "json"], ["audit"], ["ledger", "export", str(made / "tiles")],
        ["ledger", "receipt", str(deploy.index), "--out", str(made / "receipts")],
        ["report", "--output", str(made / "page.html")], ["report", "--format", "json"],
        ["records", "--format", "json"], ["records"], ["results"], ["drift"], ["change", "list"],
    ):  # fmt: skip
        assert main([*words, *at]) in (0, 1, 3), words
    said = capsys.readouterr()
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "holdfast: " in line]
    texts = [*written(site), ("results", said.out.encode()), ("messages", said.err.encode())]
    texts.append(("recorder", "\n".join(ours).encode()))
    assert len({path for path in site.rglob("*") if path.is_file()} - before) > 5
    assert hits(canaries, texts) == set()

    # The positive control: another recorder of the same run got hold of every one of them.
    naive = hits(canaries, [("naive", (folder / "naive").read_bytes())])
    assert {path for path, spelling, _place in naive if spelling == "raw"} == set(PATHS)


@pytest.mark.parametrize("spelling", [name for name, _coded in spellings("CnrySecret12345")])
@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_a_canary_is_found_however_it_is_spelt(spelling: str, before: bytes) -> None:
    secret = "CnrySecret12345"
    coded = dict(spellings(secret))[spelling]
    assert hits({"path": secret}, [("file", before + coded + b"z")])
    whole = base64.b64encode(before + secret.encode() + b"tail")
    assert any("base64" in name for _path, name, _place in hits({"path": secret}, [("file", whole)]))
    assert not hits({"path": secret}, [("file", b"CnrySecret1234")])
