# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module is blocked only when its first install line does nothing; blacklisting alone blocks nobody who asks."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import module

# As `modprobe --showconfig` of kmod 30 and 34 prints it; what follows the configuration is not ours to read.
SHOWN = """\
options bonding max_bonds=0
install usb_storage /bin/false
install sctp /usr/bin/true
install sctp /sbin/modprobe --ignore-install sctp
install tipc /sbin/modprobe --ignore-install tipc
install tipc /bin/false
install hfs* /bin/false
install rds /bin/false || true
blacklist dccp
softdep uhci_hcd pre: ehci-hcd

# End of configuration files. Dumping indexes now:

install udf /bin/false
alias symbol:udf udf
"""


def state(**more):
    plain = {
        "loaded": frozenset(("tipc", "hfs")),
        "builtin": frozenset(("cramfs",)),
        "installs": module.installs_of(SHOWN.splitlines(keepends=True)),
        "refused": frozenset(("jffs2",)),
        "modprobe": True,
        "container": False,
    }
    return module.State(**{**plain, **more})


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("usb_storage", "blocked"),
        ("usb-storage", "blocked"),
        ("sctp", "blocked"),
        ("tipc", "loaded and loadable"),
        ("hfs", "loaded and blocked"),
        ("hfsplus", "blocked"),
        ("rds", "loadable"),
        ("dccp", "loadable"),
        ("udf", "loadable"),
        ("jffs2", "blocked"),
        ("cramfs", "built in"),
    ],
)
def test_a_module_is_what_modprobe_and_the_kernel_say(name, word):
    status, actual, _why = module.answer(name, state())
    assert (status, actual) == ("observed", word)


def test_in_a_container_the_kernel_is_not_its_own():
    assert module.answer("sctp", state(container=True)) == (
        "not_measured",
        None,
        "the module sctp belongs to the kernel of the machine that runs this container",
    )


def test_without_modprobe_nobody_loads_anything():
    assert module.answer("sctp", state(modprobe=False))[0] == "not_applicable"


def test_the_kernel_command_line_and_the_list_of_what_is_built_in_are_read():
    line = "root=/dev/vda module_blacklist=a-b,c quiet modprobe.blacklist=d"
    assert module.refused_of(line) == {"a_b", "c"}
    assert module.builtin_of(["kernel/fs/ext4/ext4.ko", "kernel/x/a-b.ko", ""]) == {"ext4", "a_b"}


def script(tmp_path, text):
    path = tmp_path / "modprobe"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_reading_ends_with_the_configuration_however_much_follows(tmp_path):
    endless = script(
        tmp_path, f"echo 'install a /bin/false'; echo '{module.INDEXES}'; while :; do echo alias x y; done"
    )
    assert module.configured(endless) == [("a", "/bin/false")]


def test_a_modprobe_that_says_nothing_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    with pytest.raises(subprocess.TimeoutExpired):
        module.configured(script(tmp_path, "exec sleep 60"))


def test_what_is_loaded_is_read_from_this_kernel(monkeypatch):
    monkeypatch.setattr(module, "in_container", lambda: False)
    monkeypatch.setattr(module, "program", lambda name: "")
    if not os.path.exists(module.LOADED):
        pytest.skip("this kernel has no modules")
    found = module.collect(["sctp"])
    assert all(name and "-" not in name for name in found.loaded)
