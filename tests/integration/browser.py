# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Chromium, driven over its debugging pipe: load a file, ask the page, listen to what it does.

Only tests need it. The protocol is JSON messages ended by a zero byte, on the browser's file descriptors 3 and 4.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE_SECONDS = 60


def find() -> str | None:
    """Return the browser's path, or None where this machine has none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Browser:
    """One browser with one page; everything it says while a page loads is kept in `events`."""

    def __init__(self, program: str, profile: Path) -> None:
        ours_in, theirs_out = _pipe()
        theirs_in, ours_out = _pipe()
        quiet = os.open(os.devnull, os.O_RDWR)
        actions = [
            (os.POSIX_SPAWN_DUP2, quiet, 1),
            (os.POSIX_SPAWN_DUP2, quiet, 2),
            (os.POSIX_SPAWN_DUP2, theirs_in, 3),
            (os.POSIX_SPAWN_DUP2, theirs_out, 4),
        ]
        argv = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        # A group of its own, so that its helpers can be ended with it.
        self._pid = os.posix_spawn(program, argv, os.environ, file_actions=actions, setpgroup=0)
        for theirs in (theirs_in, theirs_out, quiet):
            os.close(theirs)
        self._in, self._out = ours_in, ours_out
        self._buffer = b""
        self._last = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = str(self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser and everything it started."""
        try:
            os.killpg(self._pid, signal.SIGKILL)
        finally:
            os.waitpid(self._pid, 0)
            os.close(self._in)
            os.close(self._out)

    def open(self, page: Path, width: int, *, scheme: str = "light", media: str = "") -> None:
        """Load a file at a window's width, and forget what was said before; returns when it has loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        self._until(lambda: any(event["method"] == "Page.loadEventFired" for event in self.events))

    def ask(self, script: str) -> Any:
        """Evaluate a script in the page and return its value; what the script throws is an AssertionError."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def requests(self) -> list[str]:
        """The addresses asked for since the page was opened."""
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """Everything on the console since the page was opened: the page's, the browser's, and errors."""
        said = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(event["params"]) for event in self.events if event["method"] in said]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; a refusal is an AssertionError."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        found: list[dict[str, Any]] = []
        self._until(lambda: bool(found), self._last, found)
        assert "error" not in found[0], f"{method}: {found[0]['error']}"
        result: dict[str, Any] = found[0]["result"]
        return result

    def _until(self, done: Any, wanted: int | None = None, found: list[dict[str, Any]] | None = None) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            left = deadline - time.monotonic()
            assert left > 0, f"the browser did not answer within {PATIENCE_SECONDS} s"
            if b"\0" not in self._buffer:
                ready, _, _ = select.select([self._in], [], [], left)
                if ready:
                    more = os.read(self._in, 1 << 16)
                    assert more, "the browser ended"
                    self._buffer += more
                continue
            raw, self._buffer = self._buffer.split(b"\0", 1)
            message = json.loads(raw)
            if "method" in message:
                self.events.append(message)
            elif found is not None and message.get("id") == wanted:
                found.append(message)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are above 10, so that giving the browser 3 and 4 cannot close them, and not inherited."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]
