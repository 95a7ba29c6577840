# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands bring accounts to the rules, and whom they leave alone."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.account_moves import MoveError, homes, moves, read

TODAY = 20000
HASH = "$y$j9T$abc$def"
PASSWD = """root:x:0:0::/root:/bin/bash
toor:x:0:0::/root:/bin/bash
games:x:5:60::/usr/games:/bin/bash
irc:x:39:39::/run:/usr/sbin/nologin
lena:x:1000:1000::/home/none:/bin/bash
omar:x:1001:1001::/home/none:
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
broken line
""".splitlines()
SHADOW = f"""root:*:19000:0:99999:7:::
toor:!:19000:0:99999:7:::
games::19000:0:99999:7:::
irc:{HASH}:19000:0:99999:7:::
lena:{HASH}:19990:0:99999:7:::
omar:{HASH}:19990:0:200:7:30::
""".splitlines()
NOTHING = {
    "superusers": None, "system_shells": None, "without_password": None, "service_passwords": None,
    "max_days": None, "inactive_days": None, "home_mode": None, "operator": "",
}  # fmt: skip


def commands(**asked):
    return [" ".join(move.argv) for move in moves(read(PASSWD, SHADOW), {**NOTHING, **asked}, TODAY)]


@pytest.mark.parametrize(
    ("asked", "done"),
    [
        ({}, []),
        ({"superusers": ["root"]}, ["usermod --shell /usr/sbin/nologin toor"]),
        ({"system_shells": []}, ["usermod --shell /usr/sbin/nologin games"]),
        ({"system_shells": ["games"]}, []),
        ({"without_password": []}, ["passwd --lock games"]),
        ({"without_password": ["games"]}, []),
        ({"service_passwords": []}, ["passwd --lock irc"]),
        ({"max_days": 365}, ["chage --maxdays 365 irc", "chage --maxdays 365 lena"]),
        ({"inactive_days": 30}, ["chage --inactive 30 irc", "chage --inactive 30 lena"]),
        ({"inactive_days": 10}, [f"chage --inactive 10 {name}" for name in ("irc", "lena", "omar")]),
    ],
)
def test_a_rule_moves_those_it_is_for_and_null_nobody(asked, done):
    assert commands(**asked) == done


def test_whoever_runs_this_does_not_lose_a_password_that_is_older_than_the_rule():
    with pytest.raises(MoveError, match="lena runs this, and its password is older than 5 days"):
        commands(max_days=5, operator="lena")
    assert "chage --maxdays 5 lena" in commands(max_days=5, operator="omar2")


def test_an_account_that_no_password_opens_does_not_age():
    assert not any("root" in line or "toor" in line for line in commands(max_days=30, inactive_days=30))


def test_homes_lose_rights_and_get_none(tmp_path):
    line = f"lena:x:{os.getuid()}:1000::{tmp_path}:/bin/bash"
    (account,) = read([line], [])
    tmp_path.chmod(0o715)
    assert [(move.home, move.mode) for move in homes(account, 0o750)] == [(str(tmp_path), 0o710)]
    tmp_path.chmod(0o700)
    assert homes(account, 0o750) == []
