# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done to bring units to their state; that systemctl then does it, the roles' own tests show."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.systemd import SystemdError, needed, wish

RUNS = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"}
OFF = {"LoadState": "loaded", "ActiveState": "inactive", "UnitFileState": "disabled"}
GONE = {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}
MASKED = {"LoadState": "masked", "ActiveState": "inactive", "UnitFileState": "masked"}
STATIC = {"LoadState": "loaded", "ActiveState": "inactive", "UnitFileState": "static"}
ON, DOWN, SHUT = {"enabled": True, "active": True}, {"enabled": False, "active": False}, {"masked": True}


def asked(**more):
    return wish({"name": "x.service", "enabled": None, "active": None, "masked": None, **more})


@pytest.mark.parametrize(
    ("is_now", "wanted", "todo"),
    [
        (RUNS, ON, []),
        (RUNS, DOWN, ["stop", "disable"]),
        (RUNS, SHUT, ["stop", "mask"]),
        (OFF, ON, ["enable", "start"]),
        (OFF, DOWN, []),
        (OFF, {"active": True}, ["start"]),
        (GONE, DOWN, []),
        (GONE, ON, ["enable", "start"]),
        (GONE, SHUT, ["mask"]),
        (MASKED, SHUT, []),
        (MASKED, {"masked": False, **ON}, ["unmask", "enable", "start"]),
        (STATIC, {"enabled": True}, []),
        ({**RUNS, "UnitFileState": "enabled-runtime"}, {"enabled": True}, ["enable"]),
        (RUNS, {}, []),
    ],
)
def test_only_what_is_not_as_wished_is_done(is_now, wanted, todo):
    assert list(needed([asked(**wanted)], {"x.service": is_now})) == todo


@pytest.mark.parametrize(
    ("option", "says"),
    [({"name": "ssh"}, "no full unit name"), ({"name": "-x.service"}, "no full"), ({**ON, **SHUT}, "choose one")],
)
def test_a_contradiction_is_refused(option, says):
    with pytest.raises(SystemdError, match=says):
        asked(**option)
