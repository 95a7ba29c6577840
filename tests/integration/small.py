# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose own baseline has a few controls that one command breaks: policy shows on it as on a large one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab.fleet import Fleet
from tests.integration.conftest import _fleet, _up
from tests.integration.sites import ROOT, SiteUnderTest, lay_out

HOSTS = ("lab-1", "lab-2")
FOLDERS = {"clinic-01": "/etc/cron.d", "clinic-02": "/etc/cron.daily"}
"""The controls, and the folder whose rights each is about."""

BASELINE = {
    "id": "clinic",
    "title": "What a clinic's server needs",
    "version": "1.0.0",
    "controls": [
        {
            "id": control,
            "title": f"Only root reads the jobs of {folder}",
            "why": "A line there runs as root.",
            "severity": "high",
            "hipaa": ["164.312(a)(1)"],
            "role": "files",
            "variable": f"files_cron_{folder.rpartition('.')[2]}_mode",
            "value": "0700",
            "probe": {"file": {"path": folder, "ask": "mode"}},
            "compare": "within_mode",
        }
        for control, folder in FOLDERS.items()
    ],
}


@pytest.fixture(scope="module")
def pair() -> Iterator[Fleet]:
    """Two hosts of one ring, one of each Debian."""
    with _fleet("pair") as fleet:
        _up(fleet, [f"{HOSTS[0]}=bookworm", f"{HOSTS[1]}=trixie"])
        yield fleet


@pytest.fixture
def clinic(pair: Fleet, tmp_path: Path) -> SiteUnderTest:
    """A site for the two, whose every control passes."""
    site = narrowed(lay_out(tmp_path / "site", pair))
    for host in HOSTS:
        pair.exec(host, ["chmod", "0700", *FOLDERS.values()])
    return site


def narrowed(site: SiteUnderTest, **variables: str) -> SiteUnderTest:
    """Give a site only these two hosts and only this baseline; `variables` take the place of their connection's."""
    register = yaml.safe_load((site.root / "holdfast.yml").read_text(encoding="utf-8"))
    assets = [asset for asset in register["assets"] if asset["id"] in HOSTS]
    for asset in assets:
        asset.update({"baselines": ["clinic"], "health": []}, **({"vars": dict(variables)} if variables else {}))
        asset.pop("flows", None)
    write(site, "holdfast.yml", {"plugin": register["plugin"], "assets": assets})
    (site.root / "baselines").mkdir()
    write(site, "baselines/clinic.yml", BASELINE)
    return site


def write(site: SiteUnderTest, name: str, data: object) -> None:
    """Write one of the site's files, as JSON: what YAML would write bare has two meanings."""
    (site.root / name).write_text(json.dumps(data), encoding="utf-8")


def open_up(site: SiteUnderTest, host: str, control: str) -> None:
    """Break a control on a host."""
    site.fleet.exec(host, ["chmod", "0755", FOLDERS[control]])


def modes(site: SiteUnderTest, host: str) -> dict[str, str]:
    """Return the rights of each control's folder, as the host itself says."""
    said = site.fleet.exec(host, ["stat", "-c", "%a", *FOLDERS.values()]).stdout.split()
    return dict(zip(FOLDERS, said, strict=True))


def steps(site: SiteUnderTest, step: str) -> list[dict[str, object]]:
    """Return the bodies of all records of a step."""
    return [s["predicate"]["step"] for s in site.records() if s["predicateType"].split("/")[-2] == step]


def other_product(site: SiteUnderTest, folder: Path) -> Path:
    """Let the site run with a copy of the collection, and return the copy, which a test may change."""
    copy = folder / "ansible_collections" / "holdfast" / "hipaa"
    shutil.copytree(
        ROOT / "collections" / "ansible_collections" / "holdfast" / "hipaa", copy, symlinks=False,
        ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache", "inventories"),
    )  # fmt: skip
    settings = site.root / "ansible.cfg"
    text = re.sub(r"(?m)^collections_path = .*$", f"collections_path = {folder}", settings.read_text("utf-8"))
    settings.write_text(text, encoding="utf-8")
    return copy
