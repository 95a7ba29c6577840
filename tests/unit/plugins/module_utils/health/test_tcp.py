# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tcp check against a real socket."""

from __future__ import annotations

import socket

from ansible_collections.holdfast.hipaa.plugins.module_utils.health import tcp
from ansible_collections.holdfast.hipaa.plugins.module_utils.health.answer import HELD


def test_a_port_somebody_listens_on_holds_and_a_closed_one_fails():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert tcp.check({"port": port}, 5) == HELD
        assert tcp.check({"port": port, "host": "127.0.0.1"}, 5) == HELD
    answer = tcp.check({"port": port}, 5)
    assert answer.why == f"127.0.0.1 port {port}: Connection refused"


def test_a_host_that_does_not_exist_fails():
    assert not tcp.check({"port": 80, "host": "no.such.host.invalid"}, 5).passed
