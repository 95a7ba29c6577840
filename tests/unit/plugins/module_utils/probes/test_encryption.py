# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data is encrypted when everything it lies on is; the kernel's folders and LUKS headers as real hosts have them."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import encryption
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes.encryption import Device, State

DISK = Device("vda1", "", ())
LUKS = Device("dm-0", "CRYPT-LUKS2-0123456789abcdef-data", (DISK,))
ON_LUKS = Device("dm-1", "LVM-abc", (LUKS,))
HALF = Device("dm-2", "LVM-def", (LUKS, DISK))


def kernel(tmp_path, devices):
    """Lay out /sys/dev/block for devices: number -> (name, uuid, numbers below)."""
    for number, (name, uuid, below) in devices.items():
        folder = tmp_path / "devices" / name
        (folder / "slaves").mkdir(parents=True, exist_ok=True)
        (folder / "dev").write_text(f"{number}\n", encoding="ascii")
        if uuid:
            (folder / "dm").mkdir()
            (folder / "dm" / "uuid").write_text(f"{uuid}\n", encoding="ascii")
        for one in below:
            (folder / "slaves" / devices[one][0]).symlink_to(tmp_path / "devices" / devices[one][0])
        (tmp_path / "block").mkdir(exist_ok=True)
        (tmp_path / "block" / number).symlink_to(folder)
    return str(tmp_path / "block")


def test_a_volume_is_followed_down_to_its_disks(tmp_path):
    root = kernel(
        tmp_path,
        {
            "254:1": ("dm-1", "LVM-abc", ["254:0"]),
            "254:0": ("dm-0", "CRYPT-LUKS2-0123456789abcdef-data", ["8:1"]),
            "8:1": ("vda1", "", []),
        },
    )
    assert encryption.device("254:1", root) == ON_LUKS
    with pytest.raises(FileNotFoundError):
        encryption.device("9:9", root)


@pytest.mark.parametrize(
    ("one", "is_encrypted"),
    [(DISK, False), (LUKS, True), (ON_LUKS, True), (HALF, False), (Device("zram0", "", ()), True)],
)
def test_all_that_data_lies_on_must_be_encrypted(one, is_encrypted):
    assert encryption.encrypted(one) == is_encrypted


TABLE = encryption.mounts(
    [
        "27 1 254:0 / / rw - ext4 /dev/vda rw",
        "28 27 0:9 / /srv rw - tmpfs tmpfs rw",
        "29 27 254:1 / /srv/a\\040b rw - ext4 /dev/dm-1 rw",
        "30 27 254:2 / /srv rw - xfs /dev/dm-2 rw",
    ]
)


@pytest.mark.parametrize(
    ("path", "source"),
    [("/srv/a b/c", "/dev/dm-1"), ("/srv", "/dev/dm-2"), ("/srv/ab", "/dev/dm-2"), ("/srvx", "/dev/vda")],
)
def test_a_path_lies_on_the_nearest_mount_above_it(path, source):
    assert encryption.mount_of(path, TABLE)[1] == source


# What `cryptsetup luksDump --dump-json-metadata` says, but for what nobody asks.
HEADER = {
    "keyslots": {
        "0": {"type": "luks2", "key_size": 64, "kdf": {"type": "argon2id", "memory": 32}},
        "1": {"type": "luks2", "key_size": 64, "kdf": {"type": "pbkdf2"}},
    },
    "segments": {"0": {"type": "crypt", "encryption": "aes-xts-plain64", "sector_size": 512}},
}
ONE_SLOT = {"keyslots": {"0": {}}, "segments": {"0": {"type": "linear"}}}


def ask(question, **more):
    state = {"where": {}, "swaps": [], "headers": [], "container": False, **more}
    return encryption.answer(question, State(**state))[:2]


def test_each_path_in_the_clear_is_named_with_what_it_lies_on():
    where = {"/a": DISK, "/b": ON_LUKS, "/c": "tmpfs", "/d": "overlay", "/e": HALF}
    question = {"ask": "unencrypted", "paths": ["/a", "/b", "/c", "/d", "/e", "/none"]}
    assert ask(question, where=where) == ("observed", ["/a on vda1", "/d on overlay", "/e on dm-2"])
    assert ask({**question, "paths": ["/b", "/none"]}, where=where) == ("observed", [])


def test_swap_on_a_disk_is_named_and_none_at_all_is_fine():
    swaps = [("/dev/dm-0", LUKS), ("/swapfile", DISK)]
    assert ask({"ask": "unencrypted_swap"}, swaps=swaps) == ("observed", ["/swapfile on vda1"])
    assert ask({"ask": "unencrypted_swap"}) == ("observed", [])


def test_formats_come_from_the_mappings():
    where = {"/a": LUKS, "/b": Device("dm-3", "CRYPT-PLAIN-x", (DISK,)), "/c": ON_LUKS}
    assert ask({"ask": "formats"}, where=where) == ("observed", ["LUKS2", "PLAIN"])
    assert ask({"ask": "formats"}, where={"/a": DISK})[0] == "not_applicable"


def test_headers_tell_slots_ciphers_and_how_passwords_are_stretched():
    headers = [HEADER, ONE_SLOT]
    assert ask({"ask": "least_slots"}, headers=headers) == ("observed", 1)
    assert ask({"ask": "ciphers"}, headers=headers) == ("observed", ["aes-xts-plain64", "linear"])
    assert ask({"ask": "key_functions"}, headers=[HEADER]) == ("observed", ["argon2id", "pbkdf2"])
    assert ask({"ask": "ciphers"})[0] == "not_applicable"


def test_the_disks_of_a_container_are_the_machines():
    for question in ({"ask": "unencrypted", "paths": ["/"]}, {"ask": "unencrypted_swap"}, {"ask": "formats"}):
        assert ask(question, container=True)[0] == "not_measured"


@pytest.mark.parametrize(
    "argument",
    ["unencrypted", {"ask": "unencrypted"}, {"ask": "unencrypted", "paths": []}, {"ask": "unencrypted", "paths": ["x"]},
     {"ask": "formats", "paths": ["/"]}, {"ask": "other"}, {}],
)  # fmt: skip
def test_a_question_it_cannot_answer_is_refused(argument):
    with pytest.raises(BadArgumentError):
        encryption.check(argument)


def test_this_machine_says_what_its_root_lies_on(monkeypatch):
    monkeypatch.setattr(encryption, "in_container", lambda: False)
    question = {"ask": "unencrypted", "paths": ["/", "/proc/no-such-path"]}
    status, actual, _why = encryption.answer(question, encryption.collect([question]))
    assert status == "observed"
    assert len(actual) <= 1
