# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out what brings a PostgreSQL server to its settings: statements for it to run, and its pg_hba.conf.

Settings go through ALTER SYSTEM: the server itself checks each value, and what it writes outranks its other files.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from typing import Any

from .probes import postgresql as probe

MARK = "# holdfast: "
FIELD = re.compile(r'\s*("[^"]*"|[^\s,"#]+)\s*(,)?')
REPLACED = {"trust", "password", "md5", "ident"}
LOOPBACK = "localhost"


@dataclass
class Wish:
    """What shall hold; None means that it is left alone."""

    settings: dict[str, Any] = field(default_factory=dict)
    weak_rules: bool = False
    plain_rules: bool = False
    flows: list[str] | None = None
    overrides: bool = False
    public_schemas: bool = False


@dataclass
class Work:
    """What is to be done to one server."""

    statements: list[tuple[str, str]] = field(default_factory=list)
    """Database and SQL."""
    rules: str | None = None
    """The new pg_hba.conf, None when it stays."""
    blocked: list[str] = field(default_factory=list)
    """What cannot be done, and what a person must do first."""


def work_for(seen: probe.Seen, rules: str, wish: Wish) -> Work:
    """Hold one server against the wish; `rules` is its pg_hba.conf."""
    work = Work()
    current = seen.facts["settings"]
    settings = dict(wish.settings)
    if wish.flows is not None and not ours(wish.flows, seen.cluster.port) and probe.elsewhere(seen):
        settings["listen_addresses"] = LOOPBACK
    for name, value in sorted(settings.items()):
        if name not in current or kept(name, str(value), current[name][0]):
            continue
        if name == "ssl" and not readable_key(current):
            work.blocked.append(f"{seen.cluster}: ssl: there is no certificate or key where ssl_cert_file says")
            continue
        literal = "'" + str(value).replace("'", "''") + "'"
        work.statements.append(("postgres", f"ALTER SYSTEM SET {name} = {literal}"))
    if wish.overrides:
        work.statements += [("postgres", reset(item)) for item in seen.facts["overrides"] if probe.is_watched(item[2])]
    if wish.public_schemas:
        revoke = "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        work.statements += [(database, revoke) for database in seen.open_schemas]
    text = new_rules(rules, seen, wish, work)
    work.rules = text if text != rules else None
    return work


# Smaller is stricter, and zero means no limit at all.
LIMITS = frozenset(("statement_timeout", "idle_in_transaction_session_timeout", "authentication_timeout"))


def kept(name: str, wished: str, found: str) -> bool:
    """Whether what a server has is what is wished, or stricter."""
    if name in LIMITS and found.isdigit() and wished.isdigit():
        return 0 < int(found) <= int(wished)
    return wished == found


def readable_key(current: dict[str, Any]) -> bool:
    """Whether the files exist without which the server could speak no TLS."""
    return all(os.path.isfile(current[name][0]) for name in ("ssl_cert_file", "ssl_key_file"))


def reset(item: list[Any]) -> str:
    """The statement that takes away a setting of a role, a database, or a role in a database."""
    role, database, pair = item
    name = pair.partition("=")[0]
    if role is None and database is not None:
        return f"ALTER DATABASE {probe.quoted(database)} RESET {name}"
    where = f" IN DATABASE {probe.quoted(database)}" if database is not None else ""
    return f"ALTER ROLE {probe.quoted(role) if role is not None else 'ALL'}{where} RESET {name}"


def ours(flows: list[str], port: int) -> list[str]:
    """The networks that the register lets in at a port; `any` among them stands for all."""
    return [flow.partition(" from ")[2] for flow in flows if flow.partition(" from ")[0] == f"tcp/{port}"]


def new_rules(text: str, seen: probe.Seen, wish: Wish, work: Work) -> str:
    """pg_hba.conf with every rule stronger or, where no flow is for it, as a comment."""
    stored = seen.facts["md5_passwords"]
    lines = []
    for line in text.splitlines():
        words = fields(line)
        if len(words) < 4 or words[0] not in ("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"):
            lines.append(line)
            continue
        lines.append(stronger(line, words, seen.cluster.port, wish))
        if stored and "scram-sha-256" in lines[-1] and "scram-sha-256" not in line:
            lines[-1] = line
            work.blocked.append(
                f"{seen.cluster}: pg_hba.conf: the passwords of {', '.join(stored)} are stored as md5; "
                "let them be set anew, then apply again"
            )
    work.blocked = list(dict.fromkeys(work.blocked))
    return "".join(f"{line}\n" for line in lines)


def stronger(line: str, words: list[str], port: int, wish: Wish) -> str:
    """One rule, rewritten where it is weak."""
    kind, address = words[0], words[3]
    mask = words[4] if len(words) > 5 and re.fullmatch(r"[0-9a-fA-F.:]+", words[4]) else ""
    place = 3 if kind == "local" else 5 if mask else 4
    if len(words) <= place:
        return line
    method = words[place]
    outside = "" if kind == "local" else network_of(address, mask)
    if wish.flows is not None and outside and method != "reject":
        allowed = ours(wish.flows, port)
        if "any" not in allowed and outside not in allowed:
            return MARK + line.strip()
    changed = list(words)
    if wish.weak_rules and method in REPLACED:
        changed[place] = "peer" if kind == "local" else "scram-sha-256"
    if wish.plain_rules and outside and kind in ("host", "hostnossl", "hostnogssenc") and method != "reject":
        changed[0] = "hostssl"
    return line if changed == words else "\t".join(changed)


def network_of(address: str, mask: str) -> str:
    """A rule's network as the register writes it; "" for the loopback."""
    if address == "all":
        return "any"
    try:
        found = ipaddress.ip_network(f"{address}/{mask}" if mask else address, strict=False)
    except ValueError:
        return "" if address == "localhost" else address
    return "" if found.is_loopback else "any" if found.prefixlen == 0 else str(found)


def fields(line: str) -> list[str]:
    """The fields of a rule: words, with lists of words and quotes kept together; none for a comment."""
    found: list[str] = []
    joined, position = False, 0
    while match := FIELD.match(line, position):
        word = match.group(1) + ("," if match.group(2) else "")
        if joined:
            found[-1] += word
        else:
            found.append(word)
        joined, position = bool(match.group(2)), match.end()
    return found
