# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A door that is silent once is not waited for again, for a baseline has dozens of questions."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import nginx_answers
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes.nginx_answers import Door, connect


@pytest.fixture
def full():
    """A listener whose queue is full: the next connection gets no answer at all."""
    nginx_answers.SILENT.clear()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.create_connection(address)]
        yield Door("127.0.0.1", address[1], True, "billing.example.org"), listener
        for one in waiting:
            one.close()
    nginx_answers.SILENT.clear()


def test_a_silent_door_is_asked_once(full):
    door, listener = full
    with pytest.raises(TimeoutError, match="timed out"):
        connect(door)
    listener.accept()[0].close()
    with pytest.raises(TimeoutError, match=r"at port .* does not answer"):
        connect(door)


def test_a_refusal_is_no_silence():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        connect(Door("127.0.0.1", port, False, ""))
    assert not nginx_answers.SILENT
