# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast assets`: results on stdout, all else on stderr; an import proposes and writes over nothing."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.reading import read_yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import load_site

from tests.site_cases import CASES, EXAMPLE, GOOD

TABLE = """\
id,kind,owner,location,environment,exposure,data_class,tier,ring,address,baselines
mail,application,office,cloud,production,internet,internal,2,,,
web-1,server,platform,east,production,internet,ephi,1,lab,192.0.2.11,clinic-server
web-2,server,platform,east,production,internet,ephi,1,lab,192.0.2.12,
lab-1,server,platform-team,,lab,,none,3,lab,192.0.2.10,clinic-server
renamed,server,platform-team,east,lab,none,none,4,lab,prod-1.example.org,clinic-server
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOOD, tmp_path / "site"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "assets.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["assets", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.skipif(not EXAMPLE.is_dir(), reason="only a checkout has the example")
def test_a_register_that_says_all_is_counted_and_leaves_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "check", "--site", EXAMPLE)
    assert code == 0
    assert out.splitlines()[0] == "30 items, 15 of them hosts under Holdfast's care; 18 data flows, 8 vendors"
    assert out.splitlines()[-1] == "0 to settle"


def test_what_is_left_to_settle_leaves_with_1(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "check", "--site", site)
    assert code == 1
    assert "lab-1 (platform-team): no exposure; add the line `exposure: ...`" in out.splitlines()
    code, out, _err = run(capsys, "check", "--site", site, "--format", "json")
    said = json.loads(out)
    assert (code, said["ok"], said["counts"]["hosts"], len(said["gaps"])) == (1, False, 2, 5)


def test_an_unsound_site_leaves_with_2(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "holdfast.yml").write_text("plugin: x\n")
    code, out, err = run(capsys, "check", "--site", site)
    assert (code, out) == (2, "")
    assert "holdfast.yml:1: plugin" in err


def test_a_table_is_proposed_and_compared_and_the_register_stays(
    site: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (site / "holdfast.yml").read_bytes()
    code, out, err = run(capsys, "import", "csv", table, "--site", site)
    assert code == 1
    assert err.splitlines() == [
        f"{table}:4: web-2: missing baselines",
        f"{table}:5: lab-1: tier: the register says the number 4, this says the number 3; nothing was changed",
        f"{table}:6: renamed: the register has its address, prod-1.example.org, as prod-1; nothing was changed",
        "3 new, 2 of them whole; 0 as registered; 2 to decide; 0 not taken",
    ]
    proposed = site / "proposed.yml"
    proposed.write_text(out, encoding="utf-8")
    data = read_yaml(proposed)
    assert [one["id"] for one in data["assets"]] == ["web-1", "web-2"]
    assert [one["id"] for one in data["items"]] == ["mail"]
    assert (site / "holdfast.yml").read_bytes() == before


def test_a_proposal_that_is_completed_is_a_sound_register(
    site: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _out, err = run(
        capsys, "import", "csv", table, "--set", "baselines=clinic-server", "--set", "exposure=none",
        "--set", "location=east", "--out", site / "new.yml",
    )  # fmt: skip
    assert (code, err.splitlines()) == (
        0,
        [
            "5 new, 5 of them whole; 0 as registered; 0 to decide; 0 not taken",
            "no site here: everything is new; name one with --site to compare with its register",
        ],
    )
    (site / "new.yml").replace(site / "holdfast.yml")
    for other in ("exceptions.yml", "overlays.yml", "roster.yml"):
        (site / other).unlink(missing_ok=True)
    assert len(load_site(site, PRODUCT).items) == 5


def test_nothing_is_written_over(site: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (site / "holdfast.yml").read_bytes()
    for words in (["import", "csv", table], ["export", "--as", "json"], ["export", "--as", "csv"]):
        code, out, err = run(capsys, *words, "--site", site, "--out", site / "holdfast.yml")
        assert (code, out) == (2, "")
        assert "exists already; nothing is overwritten" in err
    assert (site / "holdfast.yml").read_bytes() == before


def test_a_proposal_is_data_for_machines(site: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "import", "csv", table, "--site", site, "--format", "json")
    said: dict[str, Any] = json.loads(out)
    assert code == 1
    assert [(one["data"]["id"], one["part"], one["missing"]) for one in said["new"]] == [
        ("mail", "items", []),
        ("web-1", "assets", []),
        ("web-2", "assets", ["baselines"]),
    ]
    assert [one["name"] for one in said["differs"]] == ["lab-1", "renamed"]


def test_words_of_another_list_are_translated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("Name,Criticality,Data\nmail,Mission critical,PHI\n", encoding="utf-8")
    _code, out, _err = run(
        capsys, "import", "csv", tmp_path / "a.csv", "--column", "id=Name", "--column", "tier=Criticality",
        "--column", "data_class=Data", "--word", "tier:mission critical=1", "--word", "data_class:PHI=ephi",
        "--format", "json",
    )  # fmt: skip
    assert json.loads(out)["new"][0]["data"] == {"id": "mail", "data_class": "ephi", "tier": 1}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["csv", "nothing.csv"], "nothing.csv: No such file or directory; expected a file to import"),
        (["csv", "TABLE", "--set", "colour=red"], '--set: the text "colour" is no key; expected one of kind, '),
        (["csv", "TABLE", "--set", "tier"], '--set: the text "tier" is no KEY=VALUE'),
        (["csv", "TABLE", "--word", "tier=1"], '--word: the text "tier=1" is no KEY:WORD=VALUE'),
        (["csv", "TABLE", "--column", "colour=id"], '--column: the text "colour" is no key'),
        (["csv", "TABLE", "--site", "nowhere"], "holds no site.yml"),
        (["netbox"], "expected files of answers, or --url, and not both"),
        (["netbox", "--url", "http://netbox.example.org", "--token-file", "nothing"], "cannot be read as a token"),
        (["netbox", "x.json", "--role", "x=y"], "--role: "),
        (["ansible"], "expected a list of ansible-inventory, or --run INVENTORY, and not both"),
        (["ansible", "TABLE", "--group", "web"], "--group: "),
        (["ansible", "TABLE"], "found no JSON to rely on"),
        (["ansible", "--run", "nothing"], "no such file or folder; expected an Ansible inventory"),
    ],
)
def test_wrong_usage_is_refused_with_2_and_nothing_on_stdout(
    words: list[str], message: str, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "import", *[str(table) if word == "TABLE" else word for word in words])
    assert (code, out) == (2, "")
    assert message in err


def test_netbox_is_imported_from_files_and_stdin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = (CASES / "netbox/virtual-machines.json").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(machines)))
    code, out, _err = run(
        capsys, "import", "netbox", CASES / "netbox/devices.json", "-", "--role", "patch-panel=skip", "--format", "json"
    )
    assert code == 1
    assert [one["data"]["id"] for one in json.loads(out)["new"]] == [
        "edge-fw-01", "core-sw-01", "db-01", "bill-app-1", "two-homed", "lonely",
    ]  # fmt: skip


def test_what_is_exported_as_a_table_is_all_as_registered(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "export", "--as", "csv", "--site", site, "--out", tmp_path / "out.csv")[:2] == (0, "")
    code, _out, err = run(capsys, "import", "csv", tmp_path / "out.csv", "--site", site)
    assert (code, err.splitlines()) == (
        0,
        ["0 new, 0 of them whole; 2 as registered; 0 to decide; 0 not taken"],
    )


def test_what_is_exported_as_json_is_the_register(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = load_site(site, PRODUCT).items
    code, out, _err = run(capsys, "export", "--as", "json", "--site", site)
    assert code == 0
    (site / "holdfast.yml").write_text(out, encoding="utf-8")
    assert load_site(site, PRODUCT).items == before
