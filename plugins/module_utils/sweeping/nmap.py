# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sweep by nmap(1) where it is installed, and its XML read without trust: no entities, no more than fits.

Expat alone, for xml.etree would expand what a document declares of itself (CWE-776).
"""

from __future__ import annotations

import re
import subprocess
from typing import Any
from xml.parsers import expat

from ..probes._common import PROGRAM_PATH, program
from .addresses import SweepError

LARGEST = 32 * 1024 * 1024
"""Bytes of an answer; a whole /16 has some ten."""
_DEEPEST = 20
_MAC = re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")


def installed() -> bool:
    """Whether this host has nmap."""
    return bool(program("nmap"))


def argv_of(networks: list[Any], ports: list[int], per_second: int) -> list[str]:
    """The command: no names asked of any server, whole connections, no scripts, no guesses at systems."""
    return [
        program("nmap"), "-n", "-sT", "--max-rate", str(per_second), "--max-retries", "1", "-oX", "-",
        "-p", ",".join(map(str, ports)), "--", *(str(one) for one in networks if one.version == 4),
    ]  # fmt: skip


def sweep(networks: list[Any], ports: list[int], per_second: int, seconds: float) -> list[dict[str, Any]]:
    """The hosts that nmap found. Raises SweepError where it does not end in time, or says what is no answer."""
    try:
        done = subprocess.run(
            argv_of(networks, ports, per_second), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds,
            env={"LC_ALL": "C", "PATH": PROGRAM_PATH}, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SweepError(f"nmap was not done within {seconds:.0f} s; give the sweep more minutes") from None
    except OSError as error:
        raise SweepError(f"nmap cannot be run: {error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise SweepError(f"nmap left with {done.returncode}: {said[-1][:200]}")
    return parse(done.stdout)


def parse(data: bytes) -> list[dict[str, Any]]:
    """The hosts that are up in nmap's XML, as {address, mac, ports}. Raises SweepError for what is none of nmap's."""
    if len(data) > LARGEST:
        raise SweepError(f"nmap said {len(data)} bytes; expected at most {LARGEST}")
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise SweepError(f"nmap's answer is no XML: {error}") from error
    if not reader.whole:
        raise SweepError("nmap's answer is not whole; it was stopped, or this is no answer of nmap")
    return reader.hosts


class _Reader:
    """Builds the hosts from the parser's events."""

    def __init__(self) -> None:
        self.hosts: list[dict[str, Any]] = []
        self.whole = False
        self._depth = 0
        self._host: dict[str, Any] = {}
        self._up = False
        self._port = 0
        self.parser = expat.ParserCreate()
        self.parser.EntityDeclHandler = self._refuse
        self.parser.ExternalEntityRefHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _refuse(self, *_details: Any) -> int:
        raise SweepError("nmap's answer declares entities; nmap never does, so this is no answer of its own")

    def _start(self, name: str, said: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST or (self._depth == 1 and name != "nmaprun"):
            raise SweepError(f"nmap's answer has {name[:40]!r} where no answer of nmap has it")
        if name == "host":
            self._host, self._up = {"address": "", "mac": "", "ports": []}, False
        elif name == "status":
            self._up = said.get("state") == "up"
        elif name == "address":
            text = said.get("addr", "").lower()
            if said.get("addrtype") == "mac":
                self._host["mac"] = text if _MAC.fullmatch(text) else ""
            else:
                self._host["address"] = text
        elif name == "port":
            text = said.get("portid", "")
            self._port = int(text) if text.isdigit() and len(text) < 6 else 0
        elif name == "state" and said.get("state") == "open" and 0 < self._port < 65536:
            self._host["ports"].append(self._port)
        elif name == "finished":
            self.whole = said.get("exit", "success") == "success"

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "host" and self._up and self._host["address"]:
            self._host["ports"].sort()
            self.hosts.append(self._host)
