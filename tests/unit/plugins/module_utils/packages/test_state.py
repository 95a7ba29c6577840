# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else is at is not read half done; what nobody is at is not waited for."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dpkg import Package
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.state import settled


def _host(status: str) -> dict[tuple[str, str], Package]:
    package = Package("toyd", "all", "1.1", "toyd", "1.1", "install", "ok", status)
    return {package.key: package}


TORN, WHOLE = _host("unpacked"), _host("installed")


def _told(*answers):
    """What is told one after the other; a question too many is an error."""
    left = iter(answers)
    return lambda: next(left)


def test_work_that_another_process_is_at_is_waited_for():
    assert settled(60, _told(TORN, TORN, WHOLE), _told("apt-get", None, "apt-get", None)) == WHOLE


def test_work_that_ended_between_the_looks_is_looked_at_anew():
    assert settled(60, _told(TORN, WHOLE), _told("apt-get", None)) == WHOLE


def test_work_that_began_between_the_looks_is_waited_for():
    assert settled(60, _told(TORN, WHOLE), _told(None, "apt-get", None)) == WHOLE


def test_work_that_nobody_is_at_is_told_at_once():
    assert settled(60, _told(TORN), _told(None, None)) == TORN


def test_a_whole_host_is_told_whoever_holds_the_lock():
    assert settled(60, _told(WHOLE), _told("apt-get")) == WHOLE


def test_the_wait_ends():
    assert settled(0, _told(TORN), _told("apt-get")) == TORN
