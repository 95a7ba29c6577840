# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m lab`: results on stdout, progress on stderr.

Exit 0 when all is as asked, 1 when `status` finds a host that does not answer, 2 for wrong usage,
3 when the lab could not do it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

from .errors import LabError
from .fleet import Fleet, HostStatus
from .vm import Machine


def main(words: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(words)
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"lab [{time.monotonic() - started:5.1f} s] {line}", file=sys.stderr, flush=True)

    try:
        code: int = options.verb((Machine if options.machine else Fleet)(options.name, say=say), options)
    except LabError as exc:
        print(f"lab: {exc}", file=sys.stderr)
        return exc.exit_code
    return code


def _up(fleet: Fleet, options: argparse.Namespace) -> int:
    fleet.up(options.hosts, fresh=options.fresh)
    _FORMATS[options.format](fleet, fleet.status())
    return 0


def _status(fleet: Fleet, options: argparse.Namespace) -> int:
    hosts = fleet.status()
    _FORMATS[options.format](fleet, hosts)
    return 0 if hosts and all(host.ok for host in hosts) else 1


def _image(fleet: Fleet, options: argparse.Namespace) -> int:
    for release, tag in fleet.prepare().items():
        print(f"{release}: {tag}")
    return 0


def _down(fleet: Fleet, options: argparse.Namespace) -> int:
    fleet.down()
    if options.images:
        fleet.forget_images()
    return 0


def _publish(fleet: Fleet, options: argparse.Namespace) -> int:
    offered = fleet.publish(options.version, only=options.only)
    print(f"claimsd on offer: {', '.join(offered)}")
    return 0


def _vm_up(machine: Machine, options: argparse.Namespace) -> int:
    machine.up()
    print(f"ssh -F {machine.ssh_config} machine")
    return 0


def _vm_image(machine: Machine, options: argparse.Namespace) -> int:
    print(machine.prepare().folder)
    return 0


def _vm_down(machine: Machine, options: argparse.Namespace) -> int:
    machine.down()
    if options.images:
        machine.forget_disks()
    return 0


def _text(fleet: Fleet, hosts: Sequence[HostStatus]) -> None:
    if not hosts:
        print(f"fleet {fleet.name}: no hosts")
        return
    rows = [("host", "release", "debian", "ssh", "state", "systemd", "claimsd")]
    for h in hosts:
        state = "up" if h.ok else "does not answer" if h.running else "stopped"
        rows.append((h.name, h.release, h.debian, f"{h.address}:{h.port}", state, h.system, h.claimsd))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())
    print(f"ssh -F {fleet.ssh_config} {hosts[0].name}")


def _json(fleet: Fleet, hosts: Sequence[HostStatus]) -> None:
    described = {
        "fleet": fleet.name,
        "ssh_config": str(fleet.ssh_config),
        "inventory": str(fleet.inventory),
        "offered": list(fleet.archive.offered()),
        "hosts": [host.to_dict() for host in hosts],
    }
    print(json.dumps(described, indent=2))


_FORMATS: dict[str, Callable[[Fleet, Sequence[HostStatus]], None]] = {"text": _text, "json": _json}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="Throw-away Debian hosts on this machine.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, does: Callable[[Fleet, argparse.Namespace], int], help_text: str) -> argparse.ArgumentParser:
        one = verbs.add_parser(name, help=help_text, description=help_text)
        one.add_argument("--name", default="demo", metavar="FLEET", help="which fleet (default: demo)")
        one.set_defaults(verb=does, machine=False)
        return one

    up = verb("up", _up, "bring hosts up; those that run are kept")
    up.add_argument("--hosts", type=_words, metavar="A,B", help="only these; NAME=RELEASE for others")
    up.add_argument("--fresh", action="store_true", help="make the hosts anew, untouched")
    status = verb("status", _status, "say which hosts are up")
    for one in (up, status):
        one.add_argument("--format", choices=sorted(_FORMATS), default="text")
    publish = verb("publish", _publish, "put versions of the toy package on offer")
    publish.add_argument("version", help="the newest version on offer: 1.0, 1.1 (broken) or 1.2")
    publish.add_argument("--only", action="store_true", help="earlier versions leave the archive")
    verb("image", _image, "make the hosts' images, so that `up` needs no network")
    down = verb("down", _down, "remove the fleet: its containers, its network, its files")
    down.add_argument("--images", action="store_true", help="also the images that no container uses")
    vm = verbs.add_parser("vm", help="a virtual machine with a kernel of its own (Debian 12)")
    machine_verbs = vm.add_subparsers(required=True, metavar="VERB")
    for name, does, help_text in (
        ("up", _vm_up, "start it from clean disks"),
        ("image", _vm_image, "make its disks, so that `up` needs no network"),
        ("down", _vm_down, "end it, and remove what it wrote"),
    ):
        one = machine_verbs.add_parser(name, help=help_text, description=help_text)
        one.add_argument("--name", default="vm", metavar="NAME", help="which machine (default: vm)")
        one.set_defaults(verb=does, machine=True)
        if does is _vm_down:
            one.add_argument("--images", action="store_true", help="also the disks; no other machine may run")
    return parser


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


if __name__ == "__main__":
    sys.exit(main())
