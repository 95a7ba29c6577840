# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""interaction: settings that are each in order and together hurt the host or shut its people out.

Each answer lists what would happen, in words; an empty list is good. What is judged is what is in effect: free space,
rules in force, who can really log in; not what other controls say.
"""

from __future__ import annotations

import glob
import os
import re
import time
from typing import Any, NamedTuple

from . import audit, firewall, systemd_config
from ._common import Answer, lines_of, must_be_one_of, not_applicable, not_measured, observed, output_of, program
from ._nft import ACCEPT, DROP, LAST_ADDRESS, Packet, pieces

ASKS = (
    "audit_stop",
    "log_space",
    "mfa_enrolment",
    "ssh_shut",
    "password_end",
    "faillock",
    "vpn_paths",
    "temporary",
    "containers",
)
MIB = 1024 * 1024
AUDIT_LOGS = "/var/log/audit"
JOURNAL = "/var/log/journal"
STOPS = ("suspend", "single", "halt")
ACTIONS = ("space_left_action", "admin_space_left_action", "disk_full_action")
ADMIN_GROUPS = ("sudo", "wheel", "admin")
SHELLS = re.compile(r".*/(nologin|false|sync)$")
LOCKED = ("!", "*")
SOON = 30  # days
NEVER = 9999  # shadow(5): days that many administrators write for "no end"
PAM = "/etc/pam.d"
SSHD = "/etc/ssh/sshd_config"
MOUNTS = "/proc/self/mountinfo"
WIREGUARD = "/etc/wireguard/*.conf"
BRIDGES = ("docker0", "podman[0-9]*", "cni*", "br-*", "virbr*", "lxcbr*")


class Administrator(NamedTuple):
    """Somebody who may become root, and how they can log in."""

    name: str
    home: str
    password: bool  # has one that works
    ends: int | None  # in how many days it ends; None: never
    key: bool


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def collect(_asked: list[Any]) -> float:
    """Nothing is read before it is asked for; the moment is the same for all."""
    return time.time()


def administrators(now: float, root: str = "/") -> list[Administrator]:
    """The accounts in an administrators' group that have a shell; root itself is not among them."""
    passwd = [line.split(":") for line in lines_of(os.path.join(root, "etc/passwd")) if line.count(":") >= 6]
    groups = [line.split(":") for line in lines_of(os.path.join(root, "etc/group")) if line.count(":") >= 3]
    shadow = {line.split(":")[0]: line.split(":") for line in lines_of(os.path.join(root, "etc/shadow"))}
    of_admins = [group for group in groups if group[0] in ADMIN_GROUPS]
    members = {name for group in of_admins for name in group[3].split(",")}
    numbers = {group[2] for group in of_admins}
    found = []
    for name, _secret, uid, gid, _gecos, home, shell in (fields[:7] for fields in passwd):
        if uid == "0" or SHELLS.match(shell) or not (name in members or gid in numbers):
            continue
        entry = shadow.get(name, [name, "!", "", "", "", "", "", "", ""])
        keys = [os.path.join(root, home.lstrip("/"), ".ssh", file) for file in ("authorized_keys", "authorized_keys2")]
        key = any(os.path.exists(path) and any(not_comment(line) for line in lines_of(path)) for path in keys)
        works = bool(entry[1]) and not entry[1].startswith(LOCKED)
        found.append(Administrator(name, home, works, days_to_end(entry, now), key))
    return found


def not_comment(line: str) -> bool:
    """Whether a line of authorized_keys holds a key."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def days_to_end(entry: list[str], now: float) -> int | None:
    """In how many days a password ends (shadow(5)); None when it does not."""
    changed, most = entry[2], entry[4]
    if not changed.isdigit() or not most.isdigit() or int(most) >= NEVER:
        return None
    return int(changed) + int(most) - int(now // 86400)


def size_of(path: str) -> int:
    """Bytes of the file system that holds a path, or would."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    told = os.statvfs(path)
    return told.f_blocks * told.f_frsize


def device_of(path: str) -> int:
    """Which file system holds a path, or would."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.stat(path).st_dev


def audit_bytes(config: dict[str, str]) -> int:
    """How much the logs of auditd may grow to, by its settings."""
    size = int(config.get("max_log_file", "8")) * MIB
    return size * int(config.get("num_logs", "5"))


def audit_stop() -> Answer:
    """A small partition and an action that stops the record or the host."""
    if not os.path.exists(audit.MAIN):
        return not_applicable("auditd is not installed")
    config = audit.settings(audit.MAIN)
    stops = [f"{action} is {config[action]}" for action in ACTIONS if config.get(action) in STOPS]
    room, wanted = size_of(AUDIT_LOGS), audit_bytes(config)
    if not stops or room >= 2 * wanted:
        return observed([])
    return observed([f"{text}, and audit logs may take {wanted // MIB} of {room // MIB} MB" for text in stops])


def number_of(text: str) -> int:
    """A size of systemd's, such as 1G, in bytes; 0 for a percentage or nothing, which bound themselves."""
    match = re.fullmatch(r"(\d+)([KMGT]?)", text or "")
    return int(match.group(1)) * 1024 ** " KMGT".index(match.group(2) or " ") if match else 0


def log_space() -> Answer:
    """Journal and audit logs that together may take more than their file system has."""
    journal = systemd_config.read("journald.conf")
    wants = {"the journal": (JOURNAL, number_of(journal.get(("Journal", "SystemMaxUse"), "")))}
    if os.path.exists(audit.MAIN):
        wants["audit logs"] = (AUDIT_LOGS, audit_bytes(audit.settings(audit.MAIN)))
    by_device: dict[int, list[str]] = {}
    for name, (path, _size) in wants.items():
        by_device.setdefault(device_of(path), []).append(name)
    found = []
    for names in by_device.values():
        room, wanted = size_of(wants[names[0]][0]), sum(wants[name][1] for name in names)
        if wanted > room * 0.9:
            found.append(f"{' and '.join(names)} may take {wanted // MIB} of {room // MIB} MB")
    return observed(found)


def pam_lines(service: str, depth: int = 0) -> list[list[str]]:
    """The words of every line of a PAM service, includes in their place."""
    path = os.path.join(PAM, service)
    if depth > 4 or not os.path.exists(path):
        return []
    found = []
    for line in lines_of(path):
        words = line.split("#", 1)[0].split()
        if len(words) == 2 and words[0] == "@include":
            found.extend(pam_lines(words[1], depth + 1))
        elif len(words) >= 3:
            found.append(words)
    return found


def mfa_enrolment(now: float) -> Answer:
    """Administrators who are asked for a code and have no secret to make one."""
    asked = [words for words in pam_lines("sshd") if "pam_google_authenticator.so" in " ".join(words)]
    if not asked:
        return not_applicable("SSH asks for no code")
    options = asked[0]
    if "nullok" in options:
        return observed([])
    secret = next(
        (word.split("=", 1)[1] for word in options if word.startswith("secret=")), "${HOME}/.google_authenticator"
    )
    found = []
    for person in administrators(now):
        path = secret.replace("${HOME}", person.home).replace("~", person.home).replace("${USER}", person.name)
        if not os.path.exists(path):
            found.append(f"{person.name} is asked for a code and has none")
    return observed(found)


def ssh_ports() -> list[int]:
    """The ports of the SSH server by its files; asking the server itself costs as much as all the rest here."""
    files = [SSHD, *sorted(glob.glob(SSHD + ".d/*.conf"))]
    found = {
        int(match.group(1))
        for path in files
        if os.path.exists(path)
        for match in (re.match(r"\s*Port[\s=]+(\d+)", line, re.IGNORECASE) for line in lines_of(path))
        if match
    }
    return sorted(found) or [22]


def ssh_shut() -> Answer:
    """A firewall that refuses what nothing lets in, and lets nobody in to the SSH server."""
    if not program("sshd"):
        return not_applicable("there is no SSH server on this host")
    rules = firewall.live_rules()
    if DROP not in str(firewall.default(rules, "input")):
        return observed([])
    ports = ssh_ports()
    doors = []
    for port in ports:
        for family in (4, 6):
            starts = pieces(rules.addresses[family], LAST_ADDRESS[family])
            packets = (Packet(family, "tcp", low, port) for low, _high in starts)
            doors += [port for packet in packets if rules.fate("input", packet, doubt=False)[0] == ACCEPT]
    shown = ", ".join(f"tcp/{port}" for port in ports)
    return observed([] if doors else [f"the firewall lets nobody in to {shown}, where SSH listens"])


def password_end(now: float) -> Answer:
    """A password that ends soon, of the only administrator, who has no key."""
    people = [person for person in administrators(now) if person.password or person.key]
    if len(people) != 1 or people[0].key or people[0].ends is None or people[0].ends > SOON:
        return observed([])
    return observed([f"{people[0].name} is the only administrator, and the password ends in {people[0].ends} days"])


def faillock(now: float) -> Answer:
    """Accounts that wrong passwords lock, where the only administrator has nothing else."""
    locks = [words for words in pam_lines("sshd") if any("pam_faillock.so" in word for word in words)]
    if not locks:
        return not_applicable("wrong passwords lock no account")
    people = [person for person in administrators(now) if person.password or person.key]
    if len(people) != 1 or people[0].key:
        return observed([])
    return observed([f"anybody can lock out {people[0].name}, the only administrator, who has no key"])


def vpn_paths() -> Answer:
    """Strict checks of the way back, on an interface whose peers stand for all addresses."""
    found = []
    for path in sorted(glob.glob(WIREGUARD)):
        name = os.path.basename(path)[: -len(".conf")]
        if not any(re.match(r"\s*AllowedIPs\s*=.*\b0\.0\.0\.0/0", line, re.IGNORECASE) for line in lines_of(path)):
            continue
        strict = max(live("net/ipv4/conf/all/rp_filter"), live(f"net/ipv4/conf/{name}/rp_filter"))
        if strict == 1 and not live("net/ipv4/conf/all/src_valid_mark"):
            found.append(f"{name} takes all addresses, and strict rp_filter drops the answers (src_valid_mark is 0)")
    return observed(found) if glob.glob(WIREGUARD) else not_applicable("there is no WireGuard interface")


def live(key: str) -> int:
    """A kernel setting in effect; 0 where there is none."""
    path = os.path.join("/proc/sys", key)
    return int(lines_of(path)[0]) if os.path.exists(path) else 0


def temporary() -> Answer:
    """Folders in which apt runs scripts, on a file system that runs nothing."""
    mounts = [line.split() for line in lines_of(MOUNTS)]
    closed = {fields[4] for fields in mounts if "noexec" in fields[5].split(",")}
    if not closed & {"/tmp", "/var/tmp"}:  # noqa: S108 -- looked at, not used
        return observed([])
    told = output_of(["apt-config", "dump", "APT::ExtractTemplates::TempDir"])
    match = re.search(r'TempDir "([^"]*)"', told)
    folder = match.group(1) if match and match.group(1) else "/tmp"  # noqa: S108 -- apt's own default
    if folder.rstrip("/") not in closed:
        return observed([])
    return observed([f"apt runs questions of packages in {folder}, which is mounted noexec"])


def containers() -> Answer:
    """Networks of containers on a host whose firewall passes nothing on."""
    bridges = sorted({os.path.basename(path) for name in BRIDGES for path in glob.glob(f"/sys/class/net/{name}")})
    if not bridges:
        return not_applicable("there are no networks of containers here")
    if firewall.default(firewall.live_rules(), "forward") != DROP:
        return observed([])
    return observed([f"the firewall passes nothing on, and {', '.join(bridges)} live by it"])


def answer(argument: Any, state: float) -> Answer:
    """What would happen, one text a conflict."""
    if os.geteuid() != 0:
        return not_measured("needs root")
    by_people = {"mfa_enrolment": mfa_enrolment, "password_end": password_end, "faillock": faillock}
    if argument in by_people:
        return by_people[argument](state)
    by_host = {
        "audit_stop": audit_stop,
        "log_space": log_space,
        "ssh_shut": ssh_shut,
        "vpn_paths": vpn_paths,
        "temporary": temporary,
        "containers": containers,
    }
    return by_host[argument]()
