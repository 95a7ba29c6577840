# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""postgresql: settings in effect (pg_settings), who may log in how (pg_hba_file_rules), and what everybody may do.

Asked as the operating system user postgres over the local socket, which needs no password; nothing secret is read.
"""

from __future__ import annotations

import glob
import ipaddress
import json
import os
import re
import socket
import stat
from typing import Any, NamedTuple

from ._common import (
    Answer,
    BadArgumentError,
    UnreadableError,
    lines_of,
    not_applicable,
    not_measured,
    observed,
    output_of,
    program,
)

CLUSTERS = "/etc/postgresql/*/*/postgresql.conf"
SOCKETS = "/var/run/postgresql"
LISTS = ("flows", "md5_passwords", "overrides", "plain_rules", "public_schemas", "superusers", "waiting", "weak_rules",
         "writable_files")  # fmt: skip
SINGLE = ("data_directory", "tls")
SETTING = re.compile(r"[a-z][a-z0-9_]{2,60}")
# pg_hba.conf's methods that prove nothing, or send or store what can be replayed.
WEAK = frozenset(("trust", "password", "md5", "ident"))
TLS_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # the protocol's SSLRequest

QUESTION = """
SELECT json_build_object(
 'settings', (SELECT json_object_agg(name, json_build_array(setting, source, pending_restart)) FROM pg_settings),
 'rules', (SELECT coalesce(json_agg(json_build_object('line', line_number, 'type', type, 'database', database,
   'user', user_name, 'address', address, 'netmask', netmask, 'method', auth_method, 'error', error)
   ORDER BY line_number), '[]') FROM pg_hba_file_rules),
 'superusers', (SELECT json_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolsuper),
 'md5_passwords', (SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]') FROM pg_authid
   WHERE rolcanlogin AND rolpassword LIKE 'md5%'),
 'overrides', (SELECT coalesce(json_agg(json_build_array(r.rolname, d.datname, s)), '[]') FROM pg_db_role_setting o
   CROSS JOIN unnest(o.setconfig) s LEFT JOIN pg_roles r ON r.oid = o.setrole
   LEFT JOIN pg_database d ON d.oid = o.setdatabase),
 'databases', (SELECT json_agg(datname ORDER BY datname) FROM pg_database WHERE datallowconn))
"""
# In an access list PUBLIC has no name before the equals sign; C is the right to create.
OPEN_SCHEMA = """SELECT count(*) FROM pg_namespace n, aclexplode(n.nspacl) a
 WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE'"""


class Cluster(NamedTuple):
    """One server: Debian's version and name of it, and its port; 0 when it does not run."""

    version: str
    name: str
    port: int

    def __str__(self) -> str:
        return f"{self.version}/{self.name}"

    @property
    def folder(self) -> str:
        """Where its configuration lies."""
        return f"/etc/postgresql/{self.version}/{self.name}"

    @property
    def unit(self) -> str:
        """Its unit of systemd."""
        return f"postgresql@{self.version}-{self.name}.service"


class Seen(NamedTuple):
    """What one running server says."""

    cluster: Cluster
    facts: dict[str, Any]
    open_schemas: list[str]


def check(argument: Any) -> None:
    """The argument is one of LISTS or SINGLE, or {setting: a name in pg_settings}."""
    if argument in LISTS or argument in SINGLE:
        return
    name = argument.get("setting") if isinstance(argument, dict) and list(argument) == ["setting"] else None
    if not isinstance(name, str) or not SETTING.fullmatch(name):
        known = ", ".join(sorted((*LISTS, *SINGLE)))
        raise BadArgumentError(f"{argument!r} is not known; expected one of {known}, or {{setting: a name}}")


def clusters() -> list[Cluster]:
    """The servers that Debian's tools know, with the port at which each answers."""
    ports = {}
    for lock in glob.glob(SOCKETS + "/.s.PGSQL.*.lock"):
        lines = lines_of(lock)
        if len(lines) > 3 and os.path.exists(f"/proc/{lines[0].strip()}"):
            ports[lines[1]] = int(lines[3])
    found = []
    for path in sorted(glob.glob(CLUSTERS)):
        version, name = path.split("/")[3:5]
        data = next((os.path.realpath(word) for word in data_directories(path)), "")
        port = next((ports[folder] for folder in ports if os.path.realpath(folder) == data), 0)
        found.append(Cluster(version, name, port))
    return found


def data_directories(path: str) -> list[str]:
    """What a main file says of the data directory."""
    said = (re.match(r"\s*data_directory\s*=?\s*'([^']+)'", line) for line in lines_of(path))
    return [match.group(1) for match in said if match]


def psql(cluster: Cluster, commands: list[str], database: str = "postgres") -> str:
    """What the server answers to commands, each on its own. Raises UnreadableError, subprocess.TimeoutExpired."""
    return output_of(command(cluster, commands, database))


def command(cluster: Cluster, commands: list[str], database: str = "postgres") -> list[str]:
    """The program and arguments that ask a server as the operating system user postgres."""
    argv = ["psql", "-X", "-w", "-q", "-tA", "-v", "ON_ERROR_STOP=1", "-h", SOCKETS, "-p", str(cluster.port)]
    argv += ["-d", database, *(word for command in commands for word in ("-c", command))]
    # runuser stays in the present folder, and postgres may not be allowed there.
    prefix = ["runuser", "-u", "postgres", "--", "env", "-C", "/", "PGAPPNAME=holdfast"]
    return [*prefix, *argv] if os.geteuid() == 0 else argv


def quoted(name: str) -> str:
    """An identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def see(cluster: Cluster) -> Seen:
    """Ask one running server."""
    facts = json.loads(psql(cluster, [QUESTION]))
    names = facts["databases"]
    commands = [word for name in names for word in (f"\\c {quoted(name)}", OPEN_SCHEMA)]
    counts = psql(cluster, commands).split()
    return Seen(cluster, facts, [name for name, count in zip(names, counts) if count != "0"])


def collect(asked: Any) -> list[Seen] | None:
    """What all servers of the host say; None when there is none. Raises UnreadableError for one that does not run."""
    known = clusters()
    if not known or not program("psql"):
        return None
    for cluster in known:
        if not cluster.port:
            raise UnreadableError(f"the database server {cluster} does not run")
    return [see(cluster) for cluster in known]


def setting(name: str, state: list[Seen]) -> Answer:
    """A setting as new sessions get it, with where it comes from."""
    values = {str(seen.cluster): seen.facts["settings"].get(name) for seen in state}
    known = {place: value for place, value in values.items() if value is not None}
    if not known:
        return not_applicable(f"this PostgreSQL knows no setting {name}")
    if len({value[0] for value in known.values()}) == 1:
        value, source, _waits = next(iter(known.values()))
        return observed(value, f"source: {source}")
    return observed([f"{value[0]} in {place}" for place, value in known.items()])


def network(rule: dict[str, Any]) -> str:
    """The network of a rule: `any`, an address with its length, a word such as samenet, "" for the loopback."""
    address = rule["address"] or ""
    if address == "all":
        return "any"
    try:
        text = f"{address}/{rule['netmask']}" if ":" not in address else f"{address}/{length(rule['netmask'])}"
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return str(address)
    return "" if found.is_loopback else "any" if found.prefixlen == 0 else str(found)


def length(netmask: str | None) -> int:
    """The length of an IPv6 mask, which pg_hba_file_rules writes as an address."""
    return bin(int(ipaddress.IPv6Address(netmask or "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))).count("1")


def elsewhere(seen: Seen) -> bool:
    """Whether the server listens beyond the loopback."""
    words = [word.strip() for word in seen.facts["settings"]["listen_addresses"][0].split(",")]
    return any(word not in ("", "localhost", "127.0.0.1", "::1") for word in words)


def flows(seen: Seen) -> list[str]:
    """From where the server lets clients in, as the register writes it."""
    if not elsewhere(seen):
        return []
    rules = [r for r in seen.facts["rules"] if (r["type"] or "").startswith("host") and r["method"] != "reject"]
    networks = sorted({network(rule) for rule in rules} - {""})
    return [f"tcp/{seen.cluster.port} from {name}" for name in networks] or [
        f"tcp/{seen.cluster.port} open, though no rule lets anybody in"
    ]


def rule_text(rule: dict[str, Any]) -> str:
    """A rule for a reader: its line, its type and its method."""
    return f"line {rule['line']}: {rule['type']} {rule['method']}"


def weak_rules(seen: Seen) -> list[str]:
    """Rules of pg_hba.conf that let in without a proof worth the name, and lines that mean nothing."""
    faulty = [f"line {rule['line']}: not understood" for rule in seen.facts["rules"] if rule["error"]]
    return faulty + [rule_text(rule) for rule in seen.facts["rules"] if rule["method"] in WEAK]


def plain_rules(seen: Seen) -> list[str]:
    """Rules that let clients of other hosts in without TLS."""
    rules = [rule for rule in seen.facts["rules"] if rule["type"] in ("host", "hostnossl", "hostnogssenc")]
    return [rule_text(rule) for rule in rules if network(rule) and rule["method"] != "reject"]


def waiting(seen: Seen) -> list[str]:
    """Settings that are written and come into effect with the next restart."""
    return sorted(name for name, (_value, _source, waits) in seen.facts["settings"].items() if waits)


def overrides(seen: Seen) -> list[str]:
    """Settings of the log and of time limits that a role or a database has to itself."""
    watched = [item for item in seen.facts["overrides"] if is_watched(item[2])]
    return sorted(f"{item[2].partition('=')[0]} of {item[0] or item[1] or 'everybody'}" for item in watched)


def is_watched(item: str) -> bool:
    """Whether a `name=value` would undo what the server's own settings say of logs, time limits and passwords."""
    return item.startswith(("log_", "statement_timeout=", "idle_", "password_encryption="))


def writable_files(seen: Seen) -> list[str]:
    """Files of the configuration that others than root and postgres may write: mode and path."""
    found = []
    for folder, _folders, names in os.walk(seen.cluster.folder):
        for path in [folder, *(os.path.join(folder, name) for name in names)]:
            status = os.stat(path)
            if stat.S_IMODE(status.st_mode) & 0o022 or owner(status.st_uid) not in ("root", "postgres"):
                found.append(f"{stat.S_IMODE(status.st_mode):04o} {path}")
    return sorted(found)


def owner(uid: int) -> str:
    """A name for a user id."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def tls(seen: Seen) -> str:
    """`offered` when the server agrees to TLS on its own port and a handshake succeeds, else `refused`."""
    from .nginx_answers import TIMEOUT, context

    with socket.create_connection(("127.0.0.1", seen.cluster.port), timeout=TIMEOUT) as channel:
        channel.sendall(TLS_REQUEST)
        if channel.recv(1) != b"S":
            return "refused"
        with context().wrap_socket(channel):
            return "offered"


def data_directory(seen: Seen) -> str:
    """The mode of the folder with the data."""
    return f"{stat.S_IMODE(os.stat(seen.facts['settings']['data_directory'][0]).st_mode):04o}"


def answer(argument: Any, state: list[Seen] | None) -> Answer:
    """A setting's value, or one of LISTS or SINGLE; findings of several servers name theirs."""
    if state is None:
        return not_applicable("there is no PostgreSQL server on this host")
    if isinstance(argument, dict):
        return setting(argument["setting"], state)
    if argument in SINGLE:
        if argument == "tls" and any(not seen.facts["settings"]["listen_addresses"][0] for seen in state):
            return not_applicable("a server listens at no network address")
        values = {str(seen.cluster): {"tls": tls, "data_directory": data_directory}[argument](seen) for seen in state}
        if len(set(values.values())) == 1:
            return observed(next(iter(values.values())))
        return observed([f"{value} in {place}" for place, value in values.items()])
    found: list[str] = []
    for seen in state:
        said = read_list(argument, seen)
        if said is None:
            return not_measured(f"{seen.cluster} does not say")
        found.extend(said if len(state) == 1 else [f"{item} in {seen.cluster}" for item in said])
    return observed(found)


def read_list(argument: str, seen: Seen) -> list[str] | None:
    """One of LISTS for one server."""
    if argument in ("superusers", "md5_passwords"):
        names: list[str] = seen.facts[argument]
        return names
    if argument == "public_schemas":
        return seen.open_schemas
    asks = {"flows": flows, "overrides": overrides, "plain_rules": plain_rules, "waiting": waiting,
            "weak_rules": weak_rules, "writable_files": writable_files}  # fmt: skip
    return asks[argument](seen)
