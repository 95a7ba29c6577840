# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""firewall: what really gets in and through, by walking single packets through all rules of nftables.

One packet stands for every stretch of ports and addresses that no rule tells apart, so the answer is complete.
A condition that cannot be read (a mark, a meter) counts as letting in where the question is what gets in, and as
refusing where the question is what must pass.
"""

from __future__ import annotations

import glob
import ipaddress
import json
import os
from typing import Any, NamedTuple

from ._common import (
    Answer,
    UnreadableError,
    lines_of,
    must_be_one_of,
    not_measured,
    observed,
    output_of,
    program,
)
from ._nft import ACCEPT, DROP, LAST_ADDRESS, LAST_PORT, Packet, Rules, joined, pieces

ASKS = ("input", "forward", "flows", "boot", "loopback", "spoofed", "replies", "invalid", "icmp", "log", "legacy")
OWN_FILE = "/etc/holdfast/firewall.nft"
# What systemd loads at boot, in its order: the unit, and the file that it loads.
LOADERS = (("nftables.service", "/etc/nftables.conf"), ("holdfast-firewall.service", OWN_FILE))
WANTS = "/etc/systemd/system/*.wants/"
ICMP = ("destination-unreachable", "time-exceeded", "parameter-problem", "echo-request")
ICMP6 = (*ICMP, "packet-too-big", "nd-neighbor-solicit", "nd-neighbor-advert", "nd-router-advert")
# The kernel names the tables of iptables-legacy here; those made through nftables are not among them.
LEGACY = ("/proc/net/ip_tables_names", "/proc/net/ip6_tables_names")
MOST_PACKETS = 60000
MOST_PORTS = 32  # a longer stretch of open ports is named as a stretch
LOOPBACK = {4: ipaddress.ip_network("127.0.0.0/8"), 6: ipaddress.ip_network("::1/128")}
# Strangers come with these; the last stands for every protocol that no rule names.
OTHERS = ("tcp", "udp", "sctp", "gre", "esp", "another")
NO_FIREWALL = "no rules of nftables are loaded"


class State(NamedTuple):
    """What one call reads: the rules in force, and those the next boot would load (None: none, or not to be seen)."""

    live: Rules
    stored: Rules | None
    loaders: tuple[str, ...]  # the enabled loaders, in order
    why: str = ""  # why the stored rules cannot be seen


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def collect(asked: list[Any]) -> State:
    """The live rules, and those that the enabled loaders would load at the next boot."""
    live = live_rules()
    loaders = tuple(unit for unit, _file in LOADERS if glob.glob(WANTS + unit))
    if not loaders or not set(asked) & {"input", "forward", "flows", "boot"}:
        return State(live, None, loaders)
    try:
        return State(live, stored_rules([file for unit, file in LOADERS if unit in loaders]), loaders)
    except UnreadableError as error:
        return State(live, None, loaders, str(error))


def live_rules() -> Rules:
    """The rules in force; none where the tool is not installed."""
    nft = program("nft")
    return Rules(json.loads(output_of([nft, "-j", "list", "ruleset"])) if nft else {})


def stored_rules(files: list[str]) -> Rules:
    """What loading these files on an empty host makes: tried in a network namespace that ends with the command."""
    script = "nft=$1; shift; for file; do $nft -f $file || exit; done; exec $nft -j list ruleset"
    argv = [program("unshare"), "--net", "--", "/bin/sh", "-c", script, "sh", program("nft"), *files]
    return Rules(json.loads(output_of(argv)))


def reachable(rules: Rules) -> list[str]:
    """Every flow that gets in from a network: "tcp/22 from 192.0.2.0/24", one a port and network.

    Raises UnreadableError for a rule set with more cases than can be walked in a moment.
    """
    ports = pieces(rules.ports | {1}, LAST_PORT)[1:]
    sources = {family: pieces(rules.addresses[family] | edges(family), LAST_ADDRESS[family]) for family in (4, 6)}
    if len(ports) * (len(sources[4]) + len(sources[6])) * 2 > MOST_PACKETS:
        raise UnreadableError(f"more than {MOST_PACKETS} cases: too many ports and addresses to walk")
    flows: list[str] = []
    for protocol in ("tcp", "udp"):
        open_to: list[tuple[tuple[int, int], tuple[str, ...]]] = []
        for low, high in ports:
            networks = from_where(rules, protocol, low, sources)
            if networks:
                open_to.append(((low, high), networks))
        for (low, high), networks in neighbours_joined(open_to):
            flows.extend(f"{protocol}/{port} from {network}" for port in named(low, high) for network in networks)
    return sorted(flows)


def edges(family: int) -> set[int]:
    """Where the loopback network begins and ends: nothing there comes from a network, whatever a rule says."""
    network = LOOPBACK[family]
    return {int(network.network_address), int(network.broadcast_address) + 1}


def from_where(rules: Rules, protocol: str, port: int, sources: dict[int, list[tuple[int, int]]]) -> tuple[str, ...]:
    """The networks from which one port is reached; "any" for all addresses of both families."""
    whole: list[str] = []
    parts: list[str] = []
    for family, stretches in sources.items():
        inside = int(LOOPBACK[family].network_address)
        let_in = [
            rules.fate("input", Packet(family, protocol, low, port), doubt=True)[0] == ACCEPT
            for low, _high in stretches
        ]
        for index, (low, _high) in enumerate(stretches):  # loopback addresses go with their neighbours
            if low == inside:
                let_in[index] = let_in[index - 1] and let_in[index + 1]
        for low, high in joined([s for s, ok in zip(stretches, let_in) if ok]):
            if (low, high) == (0, LAST_ADDRESS[family]):
                whole.append("0.0.0.0/0" if family == 4 else "::/0")
            else:
                address = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
                parts.extend(str(n) for n in ipaddress.summarize_address_range(address(low), address(high)))
    return tuple(sorted(parts) + (["any"] if len(whole) == 2 else whole))


def neighbours_joined(found: list[Any]) -> list[Any]:
    """Neighbouring stretches of ports with the same networks made one."""
    result: list[Any] = []
    for (low, high), networks in found:
        if result and result[-1][0][1] + 1 == low and result[-1][1] == networks:
            result[-1] = ((result[-1][0][0], high), networks)
        else:
            result.append(((low, high), networks))
    return result


def named(low: int, high: int) -> list[str]:
    """A stretch of ports as single ports, or as one stretch where it is long."""
    return [str(port) for port in range(low, high + 1)] if high - low < MOST_PORTS else [f"{low}-{high}"]


def stranger(rules: Rules, family: int, protocol: str) -> Packet:
    """A packet that no rule has in mind: from an address and to a port that none names."""
    port = next((low for low, high in reversed(pieces(rules.ports, LAST_PORT)) if low > 1024), 40000)
    cuts = rules.addresses[family] | edges(family)
    longest = max(pieces(cuts, LAST_ADDRESS[family]), key=lambda stretch: stretch[1] - stretch[0])
    return Packet(family, protocol, longest[0], port)


def by_family(words: dict[int, str]) -> Any:
    """One word when both families agree, else one text each."""
    if len(set(words.values())) == 1:
        return words[4]
    return [f"IPv{family} {word}" for family, word in sorted(words.items())]


def default(rules: Rules, hook: str) -> Any:
    """What becomes of packets that no rule has in mind."""
    words = {}
    for family in (4, 6):
        fates = {rules.fate(hook, stranger(rules, family, p), doubt=True)[0] for p in OTHERS}
        words[family] = DROP if fates == {DROP} else ACCEPT
    return by_family(words)


def must_pass(rules: Rules, packets: dict[int, Packet]) -> Any:
    """Whether these packets pass for sure."""
    return by_family({family: rules.fate("input", p, doubt=False)[0] for family, p in packets.items()})


def icmp_passing(rules: Rules) -> list[str]:
    """The messages of ICMP and ICMPv6, of those a host cannot do without, that pass for sure."""
    kinds = [("icmp", 4, "icmp", name) for name in ICMP] + [("icmpv6", 6, "ipv6-icmp", name) for name in ICMP6]
    passing = []
    for word, family, protocol, name in kinds:
        packet = stranger(rules, family, protocol)._replace(icmp=name, port=0)
        if rules.fate("input", packet, doubt=False)[0] == ACCEPT:
            passing.append(f"{word}/{name}")
    return passing


def log_rate(rules: Rules) -> Answer:
    """How many lines a minute refused packets may write."""
    rates = [rules.fate("input", stranger(rules, family, "tcp"), doubt=True)[1] for family in (4, 6)]
    if None in rates:
        return observed(None, "refused packets leave no line in the log")
    most = max(rate for rate in rates if rate is not None)
    return observed("unlimited") if most == float("inf") else observed(int(most) if most >= 1 else most)


def legacy_tables() -> list[str]:
    """The tables of the old kind that the kernel holds: "filter", "nat"; none where it does not know them."""
    return sorted({name for path in LEGACY if os.path.exists(path) for name in lines_of(path)})


def at_boot(state: State) -> Answer:
    """enabled when a service loads rules at boot, and they load."""
    if not state.loaders:
        return observed("disabled", "no enabled service loads rules at boot")
    if state.stored is None:
        broken = any(not os.path.exists(file) for unit, file in LOADERS if unit in state.loaders) or "nft" in state.why
        if broken:
            return observed("broken", state.why)
        return not_measured(f"the stored rules were not tried: {state.why}")
    return observed("enabled" if state.stored.base["input"] else "empty")


def now_and_later(state: State, hook: str) -> Any:
    """What becomes of strangers' packets; both words where a boot would change it."""
    now = default(state.live, hook)
    later = default(state.stored, hook) if state.stored else now
    return now if now == later else [f"live {now}", f"stored {later}"]


def flows_now_and_later(state: State) -> list[str]:
    """Every flow that gets in; those that a boot would add or take away are said to be so."""
    now = reachable(state.live)
    later = reachable(state.stored) if state.stored else now
    more = [f"after a boot {flow}" for flow in later if flow not in now]
    return now + more + [f"until a boot {flow}" for flow in now if flow not in later]


def answer(argument: Any, state: State) -> Answer:
    """input, forward, loopback, spoofed, replies, invalid: accept or drop, each family named where they differ."""
    rules = state.live
    strangers = {family: stranger(rules, family, "tcp") for family in (4, 6)}
    if argument == "boot":
        return at_boot(state)
    if argument == "legacy":
        return observed(legacy_tables())
    if argument in ("input", "forward"):
        return observed(now_and_later(state, argument), "" if rules.base[argument] else NO_FIREWALL)
    if argument == "flows":
        return observed(flows_now_and_later(state))
    if argument == "icmp":
        return observed(icmp_passing(rules))
    if argument == "log":
        return log_rate(rules)
    if argument == "replies":
        return observed(must_pass(rules, {f: p._replace(state="established") for f, p in strangers.items()}))
    inside = {family: int(LOOPBACK[family][-1]) for family in strangers}
    if argument == "loopback":
        own = {f: p._replace(source=inside[f], interface="lo") for f, p in strangers.items()}
        return observed(must_pass(rules, own))
    words = {}
    for family in strangers:
        doors = open_doors(rules, family)
        wrong = [
            p._replace(state="invalid") if argument == "invalid" else p._replace(source=inside[family]) for p in doors
        ]
        let_in = any(rules.fate("input", packet, doubt=True)[0] == ACCEPT for packet in wrong)
        words[family] = ACCEPT if let_in else DROP
    return observed(by_family(words))


def open_doors(rules: Rules, family: int) -> list[Packet]:
    """One packet for each port that gets in from somewhere: with it, only what else is wrong with it decides."""
    sources = [s for s, _high in pieces(rules.addresses[family] | edges(family), LAST_ADDRESS[family])]
    sources = [s for s in sources if s != int(LOOPBACK[family][0])][:256]
    found = []
    for protocol in ("tcp", "udp"):
        for port, _high in pieces(rules.ports | {1}, LAST_PORT)[1:]:
            packets = (Packet(family, protocol, source, port) for source in sources)
            good = next((p for p in packets if rules.fate("input", p, doubt=True)[0] == ACCEPT), None)
            found += [good] if good else []
    return found
