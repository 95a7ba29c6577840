# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that lead to the hosts are read by ssh itself as they are meant; and an image's recipe names it."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from lab import image, keys
from lab.fleet import Fleet
from lab.hosts import Running
from lab.mirrors import Mirrors
from lab.places import Places

HOST = Running("prod-1", "bookworm", "127.0.0.1", 40022, "root", "c", "192.0.2.7")
MIRRORS = Mirrors("http://mirror.example.org/debian", "http://mirror.example.org/debian-security")

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="the SSH client is not on this machine")


@needs_ssh
def test_ssh_reads_the_settings_as_meant_even_with_a_space_in_the_path(tmp_path):
    places = Places("unit", tmp_path / "my checkout")
    keys.write_client_files(places, [HOST])
    said = subprocess.run(["ssh", "-G", "-F", places.ssh_config, "prod-1"], check=True, capture_output=True, text=True)
    settings = dict(line.split(" ", 1) for line in said.stdout.splitlines())
    assert settings["hostname"] == "127.0.0.1"
    assert settings["port"] == "40022"
    assert settings["user"] == "root"
    assert settings["stricthostkeychecking"] in ("yes", "true")
    assert settings["identityfile"].strip('"') == str(keys.login_key(places))
    assert settings["userknownhostsfile"].strip('"') == str(places.folder / "known_hosts")
    found = subprocess.run(
        ["ssh-keygen", "-F", "prod-1", "-f", places.folder / "known_hosts"], check=True, capture_output=True, text=True
    )
    assert keys.host_key(places, "prod-1").with_suffix(".pub").read_text().split()[1] in found.stdout


@needs_ssh
def test_hosts_come_back_from_their_file(tmp_path):
    fleet = Fleet("unit", root=tmp_path)
    assert fleet.hosts() == ()
    keys.write_client_files(fleet.places, [HOST])
    assert fleet.hosts() == (HOST,)
    variables = json.loads(fleet.inventory.read_text())["all"]["hosts"]["prod-1"]
    assert variables["ansible_user"] == "root"
    assert variables["ansible_port"] == 40022, "kept connections of two checkouts would be taken for each other's"


@needs_ssh
def test_ansible_never_takes_one_fleet_for_another(tmp_path):
    names = []
    for name in ("one", "two"):
        fleet = Fleet(name, root=tmp_path)
        keys.write_client_files(fleet.places, [HOST])
        names.append(json.loads(fleet.inventory.read_text())["all"]["hosts"]["prod-1"]["ansible_host"])
        argv = ["ssh", "-G", "-F", fleet.ssh_config, names[-1]]
        assert "\nport 40022\n" in subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert names == ["prod-1.one", "prod-1.two"]


@needs_ssh
def test_keys_are_made_once_and_kept_private(tmp_path):
    places = Places("unit", tmp_path)
    key = keys.login_key(places)
    text = key.read_text()
    assert key.stat().st_mode & 0o077 == 0
    assert keys.login_key(places).read_text() == text


def test_an_image_is_named_by_all_that_goes_into_it():
    bookworm = image.recipe("bookworm", MIRRORS)
    assert bookworm.tag == image.recipe("bookworm", MIRRORS).tag
    others = [image.recipe("trixie", MIRRORS), image.recipe("bookworm", Mirrors(MIRRORS.main, "http://x.example.org"))]
    assert len({bookworm.tag, *(other.tag for other in others)}) == 3
