# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""toyd: a small service whose installation can be held up, made to hang, or starved of memory while it goes on.

Files on the host decide, `@` being the version: as long as /run/toy-wait-preinst-@ is there, its unpacking waits, and
says so with /run/toy-reached-preinst-@; postinst alike. /run/toy-eat-@ lets its configuration eat memory until the
kernel ends dpkg. /run/toy-hang-stop keeps the service from stopping. /etc/toy-reboot makes it ask for a reboot.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.integration.toys import WAIT, Toy

NAME, PORT = "toyd", 8090
OLD, NEW, WRONG = "1.0", "1.1", "1.2"
"""OLD and NEW give the right answer; WRONG starts as cleanly, answers its port, and says another sum."""

ANSWER = {OLD: "60.00", NEW: "60.00", WRONG: "59.94"}

PROGRAM = """#!/usr/bin/python3
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = b"toyd @VERSION@: the claim comes to @ANSWER@\\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("", @PORT@), Handler).serve_forever()
"""

SERVICE = """[Unit]
Description=Toy service of the Holdfast lab

[Service]
ExecStart=/usr/bin/toyd
ExecStop=/bin/sh -c 'while [ -e /run/toy-hang-stop ]; do sleep 0.2; done'
TimeoutStopSec=900

[Install]
WantedBy=multi-user.target
"""

SLEEPER = """[Unit]
Description=Toy that goes on running a replaced file

[Service]
ExecStart=/usr/lib/toyd/toy-sleep infinity

[Install]
WantedBy=multi-user.target
"""

EAT = """if [ -e /run/toy-eat-@ ]; then
  rm /run/toy-eat-@
  echo 1000 > /proc/$PPID/oom_score_adj
  exec /usr/bin/python3 -c 'eaten = [bytearray(1 << 22) for number in range(4096)]'
fi"""
"""The kernel takes the process that scores highest: dpkg, which this names, and then the eater itself."""

START = """if [ "$1" = configure ]; then
  if [ -e /etc/toy-reboot ]; then
    touch /run/reboot-required
    echo toyd >> /run/reboot-required.pkgs
  fi
  systemctl daemon-reload
  systemctl -q enable toyd.service toy-sleeper.service
  systemctl restart toyd.service
  systemctl start toy-sleeper.service
fi"""


def toyd(version: str) -> Toy:
    """Return one version of the package."""
    sleep = Path(shutil.which("sleep") or "/bin/sleep").read_bytes()
    program = PROGRAM.replace("@VERSION@", version).replace("@ANSWER@", ANSWER[version]).replace("@PORT@", str(PORT))
    held = {name: WAIT.replace("@", f"{name}-{version}") for name in ("preinst", "postinst")}
    return Toy(
        NAME,
        version,
        control=("Depends: python3",),
        scripts={
            "preinst": held["preinst"],
            "postinst": "\n".join((held["postinst"], EAT.replace("@", version), START)),
        },
        conffiles={"/etc/toyd.conf": "rate = 10.00\n"},
        files={
            "/usr/bin/toyd": (program.encode(), 0o755),
            # The same program, and yet another file in every version.
            "/usr/lib/toyd/toy-sleep": (sleep + version.encode(), 0o755),
            "/lib/systemd/system/toyd.service": (SERVICE.encode(), 0o644),
            "/lib/systemd/system/toy-sleeper.service": (SLEEPER.encode(), 0o644),
            "/opt/toyd/data": (_noise(version, 600_000), 0o644),
        },
    )


def _noise(seed: str, size: int) -> bytes:
    """Return bytes that do not compress, the same for the same seed."""
    blocks = (hashlib.sha256(f"{seed} {number}".encode()).digest() for number in range(size // 32))
    return b"".join(blocks)
