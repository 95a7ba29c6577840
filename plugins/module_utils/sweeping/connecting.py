# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own sweep: a TCP connection to each port of each address, so many begun in a second, for so long at most."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from typing import Any

SECONDS_EACH = 1.0
"""How long a connection may take; a host in the same building answers in milliseconds."""
AT_ONCE = 200
"""Connections that wait for an answer at one time; a process may have 1024 files open."""


class Answers:
    """What answered: open ports by address, and addresses that refused, for somebody is there too."""

    def __init__(self) -> None:
        self.open: dict[str, list[int]] = {}
        self.refused: set[str] = set()
        self.untried = 0


def sweep(addresses: list[Any], ports: list[int], per_second: int, seconds: float) -> Answers:
    """Try every port of every address; what the time was not enough for is counted, not forgotten."""
    return asyncio.run(_sweep([str(one) for one in addresses], ports, per_second, seconds))


async def _sweep(addresses: list[str], ports: list[int], per_second: int, seconds: float) -> Answers:
    answers = Answers()
    began = time.monotonic()
    room = asyncio.Semaphore(AT_ONCE)
    running = set()
    # Port by port, not address by address: no host gets all of its connections at one moment.
    for number, (port, address) in enumerate((port, address) for port in ports for address in addresses):
        wait = began + number / per_second - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        if time.monotonic() - began > seconds:
            answers.untried = len(ports) * len(addresses) - number
            break
        await room.acquire()
        task = asyncio.ensure_future(_ask(address, port, answers, room))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(running)
    for found in answers.open.values():
        found.sort()
    return answers


async def _ask(address: str, port: int, answers: Answers, room: asyncio.Semaphore) -> None:
    """Connect and hang up; nothing is ever sent."""
    try:
        _reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), SECONDS_EACH)
        answers.open.setdefault(address, []).append(port)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    except ConnectionRefusedError:
        answers.refused.add(address)
    except (asyncio.TimeoutError, TimeoutError):
        pass
    except OSError as error:
        if error.errno == errno.ECONNRESET:
            answers.refused.add(address)
    finally:
        room.release()
