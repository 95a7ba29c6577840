# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's throw-away SSH keys, and the client settings that pin every host's key."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from .hosts import Running
from .places import Places
from .process import run


def login_key(places: Places) -> Path:
    """The private key that opens the fleet's hosts, made on first use; the public part is beside it."""
    return _key(places.keys / "id_ed25519", f"holdfast-lab-{places.name}")


def host_key(places: Places, host: str) -> Path:
    """The private host key of `host`, made on first use."""
    return _key(places.keys / f"host-{host}", host)


def _key(path: Path, comment: str) -> Path:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return path


def write_client_files(places: Places, hosts: Iterable[Running]) -> None:
    """Write known_hosts, ssh_config, hosts.json and an Ansible inventory for `hosts`."""
    running = list(hosts)
    known = places.folder / "known_hosts"
    lines = []
    for host in running:
        kind, key, *_ = host_key(places, host.name).with_suffix(".pub").read_text().split()
        lines.append(f"{host.name},[{host.address}]:{host.port} {kind} {key}\n")
    _replace(known, "".join(lines))
    _replace(places.ssh_config, "".join(_stanza(places, host, known) for host in running))
    _replace(places.hosts_json, json.dumps([host.to_dict() for host in running], indent=2) + "\n")
    variables = {
        host.name: {
            # Ansible shares connections by this name: with the host's alone, a play for one fleet's lab-1
            # would travel over a connection to another's.
            "ansible_host": _alias(places, host),
            # And with the port, since another checkout may have a fleet of the same name.
            "ansible_port": host.port,
            "ansible_user": host.user,
            "ansible_ssh_common_args": f'-F "{places.ssh_config}"',
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        for host in running
    }
    _replace(places.inventory, json.dumps({"all": {"hosts": variables}}, indent=2) + "\n")


def _alias(places: Places, host: Running) -> str:
    """A name for a host that no other fleet's host has."""
    return f"{host.name}.{places.name}"


def _stanza(places: Places, host: Running, known: Path) -> str:
    return (
        f"Host {host.name} {_alias(places, host)}\n"
        f"  HostName {host.address}\n"
        f"  Port {host.port}\n"
        f"  HostKeyAlias {host.name}\n"
        f"  User {host.user}\n"
        f'  IdentityFile "{login_key(places)}"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{known}"\n'
        "  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n"
        "  PasswordAuthentication no\n"
        "\n"
    )


def _replace(path: Path, text: str) -> None:
    """Write whole or not at all: another process may be reading."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(text)
    scratch.replace(path)
