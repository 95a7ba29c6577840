# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast content`, as a publisher uses it; sha256sum, gpg and ansible-sign judge what it writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

Capture = pytest.CaptureFixture[str]
MANIFEST = "site/.ansible-sign/sha256sum.txt"


@pytest.fixture(name="base", scope="module")
def a_site_with_a_publisher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose production wants signed content; `release` may sign it, `records` may not."""
    folder = tmp_path_factory.mktemp("content")
    site = str(folder / "site")
    assert main(["init", site, "--name", "demo"]) == 0
    for name, role in (("release", "publisher"), ("records", "officer")):
        assert main(["key", "new", str(folder / f"{name}.pem"), "--plain"]) == 0
        assert main(["trust", "rotate", "--site", site, "--principal", f"{name}={role}={folder}/{name}.pem"]) == 0
    assert main(["trust", "publish", "--site", site]) == 0
    rings = folder / "site/policy/rings.yml"
    rings.write_text(rings.read_text().replace("  - name: production\n", "  - name: production\n    content: signed\n"))
    return folder


@pytest.fixture(name="desk")
def a_copy(base: Path, tmp_path: Path, capsys: Capture) -> Path:
    """A copy of it."""
    shutil.copytree(base, tmp_path / "all")
    capsys.readouterr()
    return tmp_path / "all"


def run(desk: Path, capsys: Capture, *words: str, by: str | None = None) -> tuple[int, str, str]:
    """Run the command on the site, with a principal's key where one signs."""
    signs = ["--key", str(desk / f"{by}.pem")] if by else []
    code = main(["content", *words, *signs, "--site", str(desk / "site")])
    said = capsys.readouterr()
    return code, said.out, said.err


def told(desk: Path) -> list[Record]:
    return [one for one in read_records(Ledger(desk / "site/ledger/ledger.sqlite")) if one.step == "content"]


def stamps(desk: Path) -> dict[Path, int]:
    """Return when each file of the site was written, but for the ledger's own, which reading touches."""
    files = (path for path in (desk / "site").rglob("*") if path.parent.name != "ledger" and path.is_file())
    return {path: path.stat().st_mtime_ns for path in files}


def test_signing_says_what_is_signed_and_verifying_finds_it_so(desk: Path, capsys: Capture) -> None:
    assert run(desk, capsys, "status")[0] == 1  # production wants it, and there is none
    code, out, err = run(desk, capsys, "sign", by="release")
    assert (code, "nothing else runs in production; signed by release" in out) == (0, True)
    assert "added: policy/rings.yml" in err
    (record,) = told(desk)
    assert record.subject_sha256 in out
    assert (record.body["decision"], record.body["rings"]) == ("sign", ["production"])
    code, out, _err = run(desk, capsys, "verify")
    assert (code, "content: as signed" in out) == (0, True)
    code, out, _err = run(desk, capsys, "status", "--format", "json")
    assert (code, json.loads(out)["rings"], json.loads(out)["unsigned"]) == (0, ["production"], None)


def test_trying_writes_and_records_nothing(desk: Path, capsys: Capture) -> None:
    before = stamps(desk)
    code, out, err = run(desk, capsys, "sign", "--dry-run")
    assert (code, out, "nothing was written or signed" in err) == (0, "", True)
    assert stamps(desk) == before
    assert told(desk) == []


def test_who_may_not_sign_writes_nothing(desk: Path, capsys: Capture) -> None:
    assert main(["content", "sign", "--site", str(desk / "site"), "--key", str(desk / "records.pem")]) == 3
    assert "records is officer, not publisher" in capsys.readouterr().err
    assert not (desk / MANIFEST).exists()
    assert told(desk) == []


def test_a_difference_is_found_and_a_withdrawal(desk: Path, capsys: Capture) -> None:
    run(desk, capsys, "sign", by="release")
    (desk / "site/play.yml").touch()
    code, out, _err = run(desk, capsys, "verify")
    assert (code, "play.yml: not covered" in out, "content: 1 difference" in out) == (1, True, True)
    code, out, _err = run(desk, capsys, "verify", "--format", "json")
    assert (code, json.loads(out)["differences"][0]["path"]) == (1, "play.yml")
    (desk / "site/play.yml").unlink()
    assert run(desk, capsys, "withdraw", by="release")[0] == 0
    code, out, _err = run(desk, capsys, "verify")
    assert (code, "was withdrawn by release" in out) == (1, True)
    assert run(desk, capsys, "withdraw", by="release")[0] == 1
    assert run(desk, capsys, "sign", by="release")[0] == 0
    assert run(desk, capsys, "verify")[0] == 0


def test_signed_again_it_says_what_differs_from_before(desk: Path, capsys: Capture) -> None:
    run(desk, capsys, "sign", by="release")
    (desk / "site/play.yml").touch()
    (desk / "site/README.md").unlink()
    with (desk / "site/overlays.yml").open("a") as file:
        file.write("# reviewed\n")
    code, _out, err = run(desk, capsys, "sign", "--dry-run")
    assert code == 0
    assert [line for line in err.splitlines() if ": removed" in line or ": added" in line or ": changed" in line] == [
        "content: removed: README.md", "content: changed: overlays.yml", "content: added: play.yml",
    ]  # fmt: skip


@pytest.mark.parametrize("days", ["0", "1831", "soon", "-1"])
def test_it_holds_for_a_number_of_days(desk: Path, capsys: Capture, days: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["content", "sign", "--days", days, "--site", str(desk / "site")])
    assert left.value.code == 2
    assert "expected a number of days" in capsys.readouterr().err


def test_without_a_manifest_there_is_nothing_to_verify(desk: Path, capsys: Capture) -> None:
    assert main(["content", "verify", "--site", str(desk / "site")]) == 3
    assert "holdfast content sign" in capsys.readouterr().err


def test_other_tools_take_what_we_sign(desk: Path, capsys: Capture) -> None:
    """sha256sum for both manifests; ansible-sign with a signature by gpg, as AWX does."""
    run(desk, capsys, "sign", by="release")
    site = desk / "site"
    for folder, manifest in ((site, desk / MANIFEST), (PRODUCT, site / "content/holdfast.hipaa.sha256sum.txt")):
        subprocess.run(["sha256sum", "--check", "--quiet", "--strict", manifest], cwd=folder, check=True, timeout=60)
    home = desk / "gpg"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": ""}
    gpg = ["gpg", "--quiet", "--batch", "--passphrase", "", "--pinentry-mode", "loopback"]
    subprocess.run(
        [*gpg, "--quick-gen-key", "release@example.org", "ed25519", "sign", "never"], env=environment, check=True,
        timeout=60, capture_output=True,
    )  # fmt: skip
    signed = [*gpg, "--armor", "--detach-sign", "--output", f"{desk / MANIFEST}.sig", desk / MANIFEST]
    subprocess.run(signed, env=environment, check=True, timeout=60)
    judge = [str(Path(sys.executable).parent / "ansible-sign"), "project", "gpg-verify", str(site)]

    def code() -> int:
        return subprocess.run(judge, env=environment, check=False, timeout=60, capture_output=True).returncode

    try:
        assert code() == 0
        (site / "play.yml").touch()
        assert code() != 0
        (site / "play.yml").unlink()
        assert code() == 0
        with (site / "policy/rings.yml").open("a") as file:
            file.write("\n")
        assert code() != 0
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False, timeout=60)
