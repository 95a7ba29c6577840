# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules are loaded, and by what they are used, as /proc/modules says it; the virtual machine shows the rest."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.modules import kernel_modules

LOADED = """\
udf 135168 0 - Live 0x0000000000000000
crc_itu_t 16384 1 udf, Live 0x0000000000000000
sctp 479232 4 - Live 0x0000000000000000
libcrc32c 16384 2 sctp,xfs, Live 0x0000000000000000
short
"""


def test_users_are_named(tmp_path):
    path = tmp_path / "modules"
    path.write_text(LOADED, encoding="ascii")
    assert kernel_modules.users(str(path)) == {"udf": "", "crc_itu_t": "udf", "sctp": "", "libcrc32c": "sctp,xfs"}


def test_a_kernel_without_modules_has_none_loaded(tmp_path):
    assert kernel_modules.users(str(tmp_path / "modules")) == {}
