# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast exception`, and runs that want exceptions signed: a real site, real keys, a real ledger."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.running import Particulars, open_journal
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

Capture = pytest.CaptureFixture[str]
ENTRY = {
    "id": "old-client",
    "control": "ssh-07",
    "scope": {"all": True},
    "reason": "The claims client is silent for ten minutes.",
    "approver": "ana",
    "compensating": {"none": "Nothing else."},
    "expires": "2099-03-31T18:00:00Z",
}


@pytest.fixture(name="base", scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two approvers and an exception that names one of them, which wants exceptions signed."""
    folder = tmp_path_factory.mktemp("exception")
    root = folder / "site"
    for name in ("ana", "ben"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    approvers = [f"--approver={name}={folder / name}.pub" for name in ("ana", "ben")]
    assert main(["init", str(root), "--name", "demo", "--host", "192.0.2.10", "--owner", "ops", *approvers]) == 0
    write(root)
    with (root / "site.yml").open("a", encoding="utf-8") as file:
        file.write("exceptions: signed\n")
    return folder


@pytest.fixture(name="desk")
def a_copy(base: Path, tmp_path: Path, capsys: Capture) -> Path:
    """A copy of it."""
    shutil.copytree(base, tmp_path / "all")
    capsys.readouterr()
    return tmp_path / "all"


def write(root: Path, **more: object) -> None:
    """Write the exception down, changed as said."""
    text = yaml.safe_dump({"exceptions": [{**ENTRY, **more}]})
    (root / "exceptions.yml").write_text(text, encoding="utf-8")


def told(desk: Path) -> list[Record]:
    return read_records(Ledger(desk / "site/ledger/ledger.sqlite"))


def run(desk: Path, capsys: Capture, *words: str, by: str | None = None) -> tuple[int, str, str]:
    signs = ["--ssh-key", str(desk / by)] if by else []
    code = main(["exception", *words, *signs, "--site", str(desk / "site")])
    said = capsys.readouterr()
    return code, said.out, said.err


def start(desk: Path) -> None:
    """Open a check, as the recorder does, and close it."""
    (host,) = yaml.safe_load((desk / "site/holdfast.yml").read_text(encoding="utf-8"))["assets"]
    particulars = Particulars(
        kind="check",
        check=False,
        hosts=(host["id"],),
        change=None,
        playbook=Path(__file__),
        forks=5,
        limited=False,
    )
    open_journal(desk / "site", particulars).close(0)


def refused(desk: Path) -> None:
    size = len(told(desk))
    with pytest.raises(PolicyError, match="old-client: is not signed as it is now"):
        start(desk)
    assert len(told(desk)) == size


def test_no_run_opens_before_the_exception_is_signed_and_every_change_is_signed_anew(
    desk: Path, capsys: Capture
) -> None:
    refused(desk)
    assert run(desk, capsys, "list")[0] == 1
    code, _out, err = run(desk, capsys, "approve", "old-client", "--dry-run")
    assert (code, "ana would approve it; nothing was recorded" in err) == (0, True)
    assert len(told(desk)) == 1
    assert run(desk, capsys, "approve", "old-client", by="ana")[0] == 0
    record = told(desk)[-1]
    assert (record.step, record.principal, record.body["control"]) == ("exception", "ana", "ssh-07")
    code, out, _err = run(desk, capsys, "list")
    assert (code, "signed by ana, record 1" in out) == (0, True)
    start(desk)
    code, _out, err = run(desk, capsys, "approve", "old-client", by="ana")
    assert (code, "is signed as it is now; record 1" in err) == (1, True)

    write(desk / "site", expires="2099-04-30T18:00:00Z")
    refused(desk)
    assert run(desk, capsys, "approve", "old-client", by="ana")[0] == 0
    start(desk)
    assert run(desk, capsys, "withdraw", "old-client", by="ana")[0] == 0
    refused(desk)
    main(["audit", "--site", str(desk / "site")])  # it finds that these runs looked at nothing
    assert "exception-" not in capsys.readouterr().out


def test_only_the_approver_it_names_signs_it(desk: Path, capsys: Capture) -> None:
    code, _out, err = run(desk, capsys, "approve", "old-client", by="ben")
    assert (code, "names ana as its approver; the key is ben's" in err) == (1, True)
    assert len(told(desk)) == 1
    assert run(desk, capsys, "approve", "old-client", by="ana")[0] == 0
    write(desk / "site", approver="ben")
    refused(desk)


def test_one_that_has_ended_needs_no_signature_and_gets_none(desk: Path, capsys: Capture) -> None:
    write(desk / "site", expires="2020-01-01T00:00:00Z")
    start(desk)
    code, _out, err = run(desk, capsys, "approve", "old-client", by="ana")
    assert (code, "write a later end first" in err) == (1, True)
    assert run(desk, capsys, "withdraw", "old-client", by="ana")[0] == 1
    assert run(desk, capsys, "approve", "unknown", by="ana")[0] == 2


def test_without_the_setting_runs_open_as_ever(desk: Path) -> None:
    path = desk / "site/site.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("exceptions: signed\n", ""), encoding="utf-8")
    start(desk)


def officer(desk: Path) -> None:
    """Give `ben` the office of the Compliance Officer."""
    (key,) = [one for one in (desk / "ben.pub").read_text(encoding="utf-8").splitlines() if one]
    assert key
    site = ["--site", str(desk / "site")]
    trust = desk / "site/trust.yml"
    text = trust.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    text, count = re.subn(r"(- id: ben\b[^\n]*\n\s+roles: )\[approver\]", r"\1[approver, compliance-officer]", text)
    assert count == 1
    trust.write_text(text, encoding="utf-8")
    assert main(["trust", "publish", *site]) == 0


def test_a_third_renewal_is_escalated_and_the_first_due_date_is_kept(desk: Path, capsys: Capture) -> None:
    due = {"first_due": "2026-10-01T00:00:00Z"}
    for month in range(1, 5):
        write(desk / "site", expires=f"2099-0{month}-01T00:00:00Z", **due)
        assert run(desk, capsys, "approve", "old-client", by="ana")[0] == 0
        if month < 4:
            start(desk)
    size = len(told(desk))
    with pytest.raises(PolicyError, match="in its renewal 3, and the Compliance Officer has not signed it besides ana"):
        start(desk)
    assert len(told(desk)) == size
    code, out, err = run(desk, capsys, "list")
    assert (code, "renewal 3" in out, "the Compliance Officer has not signed it" in err) == (1, True, True)
    code, _out, err = run(desk, capsys, "approve", "old-client", by="ben")
    assert (code, "nobody holds that office" in err) == (1, True)
    officer(desk)
    capsys.readouterr()
    code, _out, err = run(desk, capsys, "approve", "old-client", by="ben")
    assert code == 0, err
    start(desk)
    assert "signed by ana, ben" in run(desk, capsys, "list")[1]
    assert run(desk, capsys, "review", "old-client", by="ana")[0] == 0

    write(desk / "site", expires="2099-05-01T00:00:00Z", first_due="2026-11-01T00:00:00Z")
    code, _out, err = run(desk, capsys, "approve", "old-client", by="ana")
    assert (code, "its finding was first due 2026-10-01" in err) == (1, True)
