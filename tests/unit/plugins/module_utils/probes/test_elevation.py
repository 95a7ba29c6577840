# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which grants of root have ended, how long they last, and who is in the group for good."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import elevation
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes.elevation import Grant, State

NOW = 10_000


def actual(argument, *grants, limit=240, members=()):
    status, value, _why = elevation.answer(argument, State(list(grants), NOW, limit, list(members)))
    assert status == "observed"
    return value


@pytest.mark.parametrize(("end", "expired"), [(NOW - 1, ["lena"]), (NOW, ["lena"]), (NOW + 1, [])])
def test_a_grant_has_ended_at_its_very_second(end, expired):
    assert actual("expired", Grant("lena", 9000, end)) == expired


@pytest.mark.parametrize(("seconds", "minutes"), [(60, 240), (14_400, 240), (14_401, 241), (60_000, 1000)])
def test_the_longest_grant_counts_when_it_is_longer_than_the_limit(seconds, minutes):
    assert actual("longest_minutes", Grant("lena", 0, seconds)) == minutes


def test_without_the_command_there_is_no_limit_to_see():
    status, value, why = elevation.answer("longest_minutes", State([], NOW, None, []))
    assert (status, value) == ("observed", None)
    assert "missing" in why


def test_a_file_that_says_nothing_about_itself_has_ended(tmp_path):
    path = tmp_path / "holdfast-elevated-lena"
    path.write_text("lena ALL=(ALL:ALL) ALL\n")
    assert elevation.read(str(path)) == Grant("lena", 0, 0)
    path.write_text("# lena from 100 until 200 by chg_1\nlena ALL=(ALL:ALL) NOTAFTER=19700101000320Z ALL\n")
    assert elevation.read(str(path)) == Grant("lena", 100, 200)


def test_members_are_those_of_the_list_and_those_whose_own_group_it_is():
    groups = ["root:x:0:", "sudo:x:27:omar,lena"]
    passwd = ["root:x:0:0::/root:/bin/sh", "dora:x:1002:27::/:/bin/sh", "carl:x:1003:1003::/:/bin/sh"]
    assert elevation.members_of("sudo", groups, passwd) == ["dora", "lena", "omar"]


def test_a_question_that_no_host_answers_is_refused():
    with pytest.raises(BadArgumentError):
        elevation.check("everybody")
