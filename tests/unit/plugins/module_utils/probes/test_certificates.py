# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates made by openssl are read as openssl reads them; keys in the wrong hands are named."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _x509, certificates
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates of this test")


def make(folder, name, *options, days=30):
    """A key and a certificate for it; returns the certificate's path."""
    crt = folder / f"{name}.crt"
    argv = ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=x", "-days", str(days), "-out", str(crt)]
    key = folder / f"{name}.key"
    subprocess.run([*argv, "-keyout", str(key), *options], check=True, capture_output=True)
    key.chmod(0o600)
    return crt


def seen(monkeypatch, folder):
    monkeypatch.setattr(certificates, "PLACES", str(folder / "places"))
    monkeypatch.setattr(certificates, "HOST_KEYS", str(folder / "ssh_host_*_key.pub"))
    (folder / "places").write_text(f"# where\n{folder}/*\n", encoding="utf-8")
    return certificates.collect(None)


def actual(argument, state):
    status, value, _why = certificates.answer(argument, state)
    assert status == "observed"
    return value


@pytest.mark.parametrize(
    ("options", "weak"),
    [
        (["-newkey", "rsa:2048"], ""),
        (["-newkey", "rsa:1024"], "RSA with 1024 bits"),
        (["-newkey", "rsa:2048", "-sha1"], "signed with SHA-1 or older"),
        (["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ""),
        (["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp224r1"], "a curve with 224 bits"),
        (["-newkey", "ed25519"], ""),
    ],
)
def test_what_is_weak_is_named(tmp_path, options, weak):
    (found,) = _x509.certificates(make(tmp_path, "x", *options).read_text(encoding="ascii"))
    assert found.weak == weak
    assert found.ends - found.begins == 30 * 86400


def test_the_first_to_end_counts_and_ended_ones_are_negative(tmp_path, monkeypatch):
    make(tmp_path, "long", "-newkey", "ed25519", days=300)
    make(tmp_path, "short", "-newkey", "ed25519", days=10)
    state = seen(monkeypatch, tmp_path)
    assert actual("days_left", state) == 9
    assert certificates.answer("days_left", state)[2] == f"the first to end is in {tmp_path}/short.crt"
    assert actual("weak", state) == []
    assert actual("key_day", state) == 1
    assert actual("places", state) == [f"{tmp_path}/*"]


def test_keys_that_others_may_read_and_folders_that_others_may_write_are_named(tmp_path, monkeypatch):
    make(tmp_path, "x", "-newkey", "ed25519")
    tmp_path.chmod(0o755)
    assert actual("open_keys", seen(monkeypatch, tmp_path)) == []
    assert actual("writable", seen(monkeypatch, tmp_path)) == []
    (tmp_path / "x.key").chmod(0o644)
    tmp_path.chmod(0o775)
    assert actual("open_keys", seen(monkeypatch, tmp_path)) == [f"0644 {tmp_path}/x.key"]
    assert actual("writable", seen(monkeypatch, tmp_path)) == [f"0775 {tmp_path}"]


@pytest.mark.parametrize(
    ("mode", "gid", "far"), [(0o600, 0, 0), (0o640, 0, 1), (0o640, 5, 0), (0o660, 5, 1), (0o604, 5, 1)]
)
def test_a_key_may_have_a_group_that_reads(mode, gid, far):
    assert certificates.reaches_too_far(os.stat_result((0o100000 | mode, 0, 0, 1, 0, gid, 0, 0, 0, 0))) == bool(far)


@pytest.mark.parametrize(("bits", "weak"), [("1024", "RSA with 1024 bits"), ("3072", "")])
def test_short_host_keys_are_named(tmp_path, monkeypatch, bits, weak):
    key = tmp_path / "ssh_host_rsa_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", bits, "-N", "", "-f", str(key)], check=True)
    assert actual("weak_host_keys", seen(monkeypatch, tmp_path)) == ([f"{weak}: {key}.pub"] if weak else [])
    assert actual("host_key_day", seen(monkeypatch, tmp_path)) == 1


def test_a_damaged_certificate_is_not_measured_and_none_is_not_applicable(tmp_path, monkeypatch):
    state = seen(monkeypatch, tmp_path)
    for argument in ("days_left", "weak", "open_keys", "key_day", "writable", "host_key_day", "weak_host_keys"):
        assert certificates.answer(argument, state)[0] == "not_applicable"
    (tmp_path / "x.crt").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", encoding="ascii")
    assert certificates.answer("days_left", seen(monkeypatch, tmp_path))[0] == "not_measured"
    with pytest.raises(BadArgumentError):
        certificates.check("colour")
