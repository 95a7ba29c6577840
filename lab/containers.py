# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's containers and network: made, looked at and removed, only ever by the fleet's own labels."""

from __future__ import annotations

import hashlib
import io
import ipaddress
import json
import tarfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import archive as archive_module
from . import keys
from .hosts import Host
from .places import LABEL_HOST, Places
from .process import run
from .runtime import Runtime

ARCHIVE_HOST = "archive"
LABEL_RELEASE = "holdfast.lab.release"
_SSH_PORT = 2222


@dataclass(frozen=True)
class Container:
    """One container of the fleet as podman sees it; its sshd is published at `address`, `port` ("" and 0: nowhere)."""

    name: str
    host: str
    release: str
    image: str
    running: bool
    address: str
    port: int


def listed(places: Places) -> dict[str, Container]:
    """The fleet's containers, running or not, by host name."""
    said = run(["podman", "ps", "--all", *places.filters(), "--format", "json"]).stdout
    found = {}
    for entry in json.loads(said or "[]"):
        labels = entry["Labels"]
        ssh = next((port for port in entry["Ports"] or [] if port["container_port"] == 22), None)
        found[labels[LABEL_HOST]] = Container(
            name=entry["Names"][0],
            host=labels[LABEL_HOST],
            release=labels.get(LABEL_RELEASE, ""),
            image=entry["Image"],
            running=entry["State"] == "running",
            address=ssh["host_ip"] if ssh else "",
            port=ssh["host_port"] if ssh else 0,
        )
    return found


def network_addresses(places: Places, names: list[str]) -> dict[str, str]:
    """Container name -> its address in the fleet's network."""
    if not names:
        return {}
    entries = json.loads(run(["podman", "inspect", "--type", "container", *names]).stdout)
    return {e["Name"]: e["NetworkSettings"]["Networks"][places.network]["IPAddress"] for e in entries}


def ensure_network(places: Places) -> str:
    """Make the fleet's network unless it exists; return the address kept for its archive.

    Without podman's own name server: the hosts use the machine's, and find the archive in /etc/hosts.
    """
    if run(["podman", "network", "exists", places.network], check=False).returncode != 0:
        run(["podman", "network", "create", "--disable-dns", *places.labels(), places.network])
    described = json.loads(run(["podman", "network", "inspect", places.network]).stdout)[0]
    subnet = ipaddress.ip_network(described["subnets"][0]["subnet"])
    return str(subnet.broadcast_address - 1)


def loopback_address(container: str) -> str:
    """The container's own address in 127.0.0.0/8, made from its name.

    A free port of 127.0.0.1 would have to be chosen when the container is made, and some outgoing connection may
    hold it when the container is started. Of 2**24 addresses two containers hardly ever get the same.
    """
    digest = hashlib.sha256(container.encode()).digest()
    return f"127.{digest[0]}.{digest[1]}.{2 + digest[2] % 253}"


def start_archive(places: Places, runtime: Runtime, image: str, served: Path, address: str) -> None:
    """Serve `served` over HTTP inside the fleet's network."""
    options = [*places.labels(ARCHIVE_HOST), "--network", places.network, "--ip", address]
    options += [*runtime.plain_options(), "--volume", f"{served}:/var/www/html:ro"]
    command = [image, "nginx", "-g", "daemon off;"]
    run(runtime.podman("run", "--detach", "--name", places.container(ARCHIVE_HOST), *options, *command))


def create(places: Places, runtime: Runtime, host: Host, image: str, archive: archive_module.Archive,
           archive_address: str) -> None:  # fmt: skip
    """Create `host` (not started), with the files that make it this fleet's."""
    name = places.container(host.name)
    options = [*places.labels(host.name), "--label", f"{LABEL_RELEASE}={host.release}"]
    options += ["--hostname", host.name, "--network", places.network]
    options += ["--publish", f"{loopback_address(name)}:{_SSH_PORT}:22"]
    options += ["--add-host", f"{archive_module.SERVER_NAME}:{archive_address}", *runtime.system_options()]
    run(runtime.podman("create", "--name", name, *options, image, *runtime.init()))
    private = keys.host_key(places, host.name)
    files = {
        "etc/hostname": (host.name.encode() + b"\n", 0o644),
        "etc/machine-id": (uuid.uuid4().hex.encode() + b"\n", 0o444),
        "etc/ssh/ssh_host_ed25519_key": (private.read_bytes(), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (private.with_suffix(".pub").read_bytes(), 0o644),
        "root/.ssh/authorized_keys": (keys.login_key(places).with_suffix(".pub").read_bytes(), 0o600),
    }
    files |= {path: (data, 0o644) for path, data in archive.host_files(host.release).items()}
    run(runtime.podman("cp", "-", f"{name}:/"), stdin=_tar(files))


def _tar(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """A tar archive of `files` (path -> content, mode), all root's, and as old as the host: keys have an age."""
    buffer, now = io.BytesIO(), time.time()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        folder = tarfile.TarInfo("root/.ssh")
        folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o700, now
        tar.addfile(folder)
        for path, (data, mode) in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(data), mode, now
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def remove(places: Places, hosts: set[str] | None = None) -> list[str]:
    """Remove the fleet's containers (all, or those of `hosts`) and return their names."""
    names = [c.name for host, c in listed(places).items() if hosts is None or host in hosts]
    if names:
        run(["podman", "rm", "--force", "--time", "0", *names])
    return names


def remove_network(places: Places) -> None:
    said = run(["podman", "network", "ls", *places.filters(), "--quiet"]).stdout
    for name in said.split():
        run(["podman", "network", "rm", name])
