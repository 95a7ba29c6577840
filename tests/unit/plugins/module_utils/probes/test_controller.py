# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site on the machine that runs Holdfast, as a folder: what stands out in it, and what its product's lists say."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import controller
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

PEM = "-----BEGIN PRIVATE KEY-----\nnot one\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site with a key of its own and an empty ledger, all closed to others."""
    for name in ("keys", "ledger", "policy", "units"):
        (tmp_path / name).mkdir(mode=0o700)
    for name, text in {
        "keys/controller.pem": PEM,
        "ledger/ledger.sqlite": "",
        "ansible.cfg": "[defaults]\ncallbacks_enabled = x.y.z, holdfast.hipaa.recorder\n",
        "holdfast.yml": "assets: []\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(controller, "UNITS", str(tmp_path / "units"))
    monkeypatch.setattr(controller, "CRON", str(tmp_path / "cron"))
    return tmp_path


def asked(argument, folder, product=""):
    return controller.answer(argument, controller.State(str(folder), str(product)))


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("callback", "enabled"),
        ("foreign_keys", []),
        ("host_key_checking", "on"),
        ("ledger_mode", "0700"),
        ("log_key", "apart"),
        ("open_keys", []),
        ("open_ledger", []),
        ("root_keys", []),
        ("schedule", "absent"),
        ("secrets", []),
        ("writable_files", []),
    ],
)
def test_a_closed_site_stands_out_nowhere(site, argument, value):
    assert asked(argument, site)[:2] == ("observed", value)


def test_what_others_can_reach_is_named(site):
    for name, mode in {"keys/controller.pem": 0o640, "ledger/ledger.sqlite": 0o644, "holdfast.yml": 0o620}.items():
        (site / name).chmod(mode)
    assert asked("open_keys", site)[1] == [f"0640 {site}/keys/controller.pem"]
    assert asked("open_ledger", site)[1] == [f"0644 {site}/ledger/ledger.sqlite"]
    assert asked("writable_files", site)[1] == [f"0620 {site}/holdfast.yml"]


def test_keys_that_should_lie_elsewhere_are_named(site):
    for name in ("root.pem", "log.pem"):
        (site / "keys" / name).write_text(PEM, encoding="ascii")
    assert asked("root_keys", site)[1] == [f"{site}/keys/root.pem"]
    assert asked("log_key", site)[1] == "beside the others"


@pytest.mark.parametrize(
    ("text", "callback", "checking"),
    [
        ("[defaults]\nhost_key_checking = False\n", "missing", "off"),
        ("[defaults]\ncallbacks_enabled = holdfast.hipaa.recorder_not\n", "missing", "on"),
        ("[inventory]\ncallbacks_enabled = holdfast.hipaa.recorder\n", "missing", "on"),
        ("", "missing", "on"),
    ],
)
def test_settings_of_ansible(site, text, callback, checking):
    (site / "ansible.cfg").write_text(text, encoding="utf-8")
    assert asked("callback", site)[1] == callback
    assert asked("host_key_checking", site)[1] == checking


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("db_password: hunter22", ["holdfast.yml"]),
        ("  api_token: 'abcdef'", ["holdfast.yml"]),
        (PEM, ["holdfast.yml"]),
        ('db_password: "{{ lookup(1) }}"', []),
        ("db_password: !vault |", []),
        ("password_encryption: on", []),
        ("why: A password: none", []),
    ],
)
def test_secrets_are_found_and_never_told(site, text, found):
    (site / "holdfast.yml").write_text(f"{text}\n", encoding="utf-8")
    assert asked("secrets", site) == ("observed", found, "")


def test_a_timer_counts_when_it_is_enabled_and_for_this_site(site):
    (site / "units" / "holdfast-x.timer").touch()
    (site / "units" / "holdfast-x.service").write_text(f"ExecStart=holdfast watch --site {site}\n", encoding="utf-8")
    assert asked("schedule", site)[1] == "absent"
    (site / "units" / "timers.target.wants").mkdir()
    (site / "units" / "timers.target.wants" / "holdfast-x.timer").touch()
    assert asked("schedule", site)[1] == "present"
    assert asked("schedule", site / "policy")[1] == "absent"


@pytest.mark.parametrize("list_of", ["galaxy", "wheel"])
def test_code_that_was_changed_is_named(tmp_path, list_of):
    product = tmp_path / "ansible_collections" / "holdfast" / "hipaa"
    (product / "plugins").mkdir(parents=True)
    for name in ("a.py", "b.py"):
        (product / "plugins" / name).write_text("x = 1\n", encoding="utf-8")
    digest = hashlib.sha256(b"x = 1\n")
    if list_of == "galaxy":
        names = ("plugins/a.py", "plugins/b.py", "plugins/gone.py", "README.md")
        files = [{"name": name, "ftype": "file", "chksum_sha256": digest.hexdigest()} for name in names]
        (product / "FILES.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    else:
        (tmp_path / "holdfast-1.dist-info").mkdir()
        short = urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        rows = [f"ansible_collections/holdfast/hipaa/plugins/{n}.py,sha256={short},6" for n in ("a", "b", "gone")]
        (tmp_path / "holdfast-1.dist-info" / "RECORD").write_text("\n".join(rows), encoding="utf-8")
    (product / "plugins" / "b.py").write_text("x = 2\n", encoding="utf-8")
    assert controller.changed_code(str(product))[:2] == ("observed", ["plugins/b.py", "plugins/gone.py is gone"])


def test_a_checkout_says_nothing_of_its_code_and_no_site_is_not_applicable(tmp_path):
    assert controller.changed_code(str(tmp_path))[0] == "not_measured"
    assert asked("changed_code", "")[0] == "not_measured"
    assert asked("open_keys", "")[0] == "not_applicable"
    assert asked("site", "") == ("observed", None, "nobody has said where the site is")
    with pytest.raises(BadArgumentError):
        controller.check("colour")
