# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a packet meets in a rule set of nftables: `nft -j list ruleset`, read and walked for single packets.

All tables count, not only ours: a packet gets in when every base chain of the hook lets it in (nft(8): accept ends
one chain, drop ends everything). What this file cannot read (marks, meters, extensions of iptables) is neither a
match nor none; the caller says which way such a doubt is to fall.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from typing import Any, NamedTuple

ACCEPT, DROP, GO_ON = "accept", "drop", "continue"
LAST_PORT = 65535
LAST_ADDRESS = {4: 2**32 - 1, 6: 2**128 - 1}
# How nft names the fields of a packet in JSON -> ours.
META = {"l4proto": "protocol", "nfproto": "family", "iif": "interface", "iifname": "interface"}
FAMILIES = {"ipv4": 4, "ipv6": 6}
PROTOCOLS = {"ip": 4, "ip6": 6}
HARMLESS = ("counter", "log", "mangle", "notrack", "set", "comment", "meta", "secmark", "last")


class Packet(NamedTuple):
    """One packet that wants to come in or through."""

    family: int  # 4 or 6
    protocol: str  # tcp, udp, icmp, ipv6-icmp, or another
    source: int
    port: int = 0
    interface: str = "a network"
    state: str = "new"
    icmp: str = ""


class Test(NamedTuple):
    """One condition of a rule: a field, the values that match (ranges or words), and whether it is turned round."""

    field: str
    family: int  # 0: either
    protocol: str  # "": any
    ranges: tuple[tuple[int, int], ...]
    words: tuple[str, ...]
    negated: bool

    def holds(self, packet: Packet) -> bool:
        """Whether this packet meets the condition."""
        if (self.family and packet.family != self.family) or (self.protocol and packet.protocol != self.protocol):
            return False
        if self.field == "source":
            found = any(low <= packet.source <= high for low, high in self.ranges)
        elif self.field == "port":
            if packet.protocol not in ("tcp", "udp"):
                return False
            found = any(low <= packet.port <= high for low, high in self.ranges)
        elif self.field == "family":
            found = packet.family in {FAMILIES.get(word, 0) for word in self.words}
        else:
            value = str(getattr(packet, self.field))
            found = any(fnmatch.fnmatchcase(value, word) for word in self.words)
        return found != self.negated


class Step(NamedTuple):
    """One part of a rule. what: match, maybe, never, log, verdict or map."""

    what: str
    test: Test | None = None
    verdict: str = ""
    target: str = ""
    pairs: tuple[tuple[Test, str, str], ...] = ()


class Limit(NamedTuple):
    """How many log lines a minute a rule writes."""

    per_minute: float


class Rules:
    """A rule set: its base chains by hook, its rules compiled, and every port and address that a rule names."""

    def __init__(self, listing: dict[str, Any]) -> None:
        self.chains: dict[tuple[str, str, str], list[list[Step]]] = {}
        self.rates: dict[int, float] = {}  # id of a compiled rule that logs -> lines a minute, infinity without limit
        self.base: dict[str, list[tuple[int, tuple[str, str, str], str]]] = {"input": [], "forward": []}
        self.ports: set[int] = set()
        self.addresses: dict[int, set[int]] = {4: set(), 6: set()}
        self._sets: dict[tuple[str, str, str], list[Any]] = {}
        objects = listing.get("nftables", [])
        for entry in objects:
            for kind in ("set", "map"):
                if kind in entry:
                    item = entry[kind]
                    self._sets[(item["family"], item["table"], item["name"])] = item.get("elem", [])
            if "chain" in entry:
                self._chain(entry["chain"])
        for entry in objects:
            if "rule" in entry:
                self._rule(entry["rule"])
        for hook in self.base.values():
            hook.sort(key=lambda chain: chain[0])

    def _chain(self, chain: dict[str, Any]) -> None:
        key = (chain["family"], chain["table"], chain["name"])
        self.chains[key] = []
        if chain.get("type") == "filter" and chain.get("hook") in self.base and key[0] in ("inet", "ip", "ip6"):
            self.base[chain["hook"]].append((int(chain.get("prio", 0)), key, chain.get("policy", ACCEPT)))

    def _rule(self, rule: dict[str, Any]) -> None:
        table = (rule["family"], rule["table"])
        steps: list[Step] = []
        rate = float("inf")
        logs = False
        for part in rule.get("expr", []):
            kind, body = next(iter(part.items()))
            if kind == "limit" and not body.get("inv"):
                rate = body["rate"] * {"second": 60, "minute": 1, "hour": 1 / 60, "day": 1 / 1440}.get(body["per"], 1)
            if kind == "log":
                logs = True
                steps.append(Step("log"))
            else:
                steps.extend(self._step(kind, body, table))
        self.chains.setdefault((*table, rule["chain"]), []).append(steps)
        if logs:
            self.rates[id(steps)] = rate

    def _step(self, kind: str, body: Any, table: tuple[str, str]) -> list[Step]:
        if kind in (ACCEPT, DROP, "return"):
            return [Step("verdict", verdict=kind)]
        if kind == "reject":
            return [Step("verdict", verdict=DROP)]
        if kind in ("jump", "goto"):
            return [Step("verdict", verdict=kind, target=body["target"])]
        if kind == "match":
            test = self._test(body["left"], body["right"], body.get("op", "=="), table)
            return [Step("match", test=test) if test else Step("maybe")]
        if kind == "limit":  # under the rate everything matches; over it, what one packet meets is nothing
            return [Step("never")] if body.get("inv") else []
        if kind == "vmap":
            return [self._map(body, table)]
        return [] if kind in HARMLESS else [Step("maybe")]

    def _map(self, body: dict[str, Any], table: tuple[str, str]) -> Step:
        data = body["data"]
        pairs = self._named(data, table) if isinstance(data, str) else data.get("set", [])
        found = []
        for value, verdict in pairs:
            test = self._test(body["key"], value, "==", table)
            word, argument = next(iter(verdict.items())) if isinstance(verdict, dict) else (verdict, None)
            if test is None:
                return Step("maybe")
            found.append((test, DROP if word == "reject" else word, (argument or {}).get("target", "")))
        return Step("map", pairs=tuple(found))

    def _named(self, name: str, table: tuple[str, str]) -> list[Any]:
        return self._sets.get((*table, name.lstrip("@")), [])

    def _test(self, left: Any, right: Any, operator: str, table: tuple[str, str]) -> Test | None:
        """A condition as ours, None for one that this file cannot read."""
        if operator not in ("==", "!=", "in"):
            return None
        field, family, protocol = field_of(left)
        if not field:
            return None
        values = []
        for value in self._values(right, table):
            values.append(value)
        ranges: list[tuple[int, int]] = []
        words: list[str] = []
        for value in values:
            if field in ("source", "port"):
                pair = range_of(value)
                if pair is None:
                    return None
                ranges.append(pair)
                (self.ports if field == "port" else self.addresses[family]).update((pair[0], pair[1] + 1))
            elif isinstance(value, (str, int)):
                words.append(str(value))
            else:
                return None
        return Test(field, family, protocol, tuple(ranges), tuple(words), operator == "!=")

    def _values(self, right: Any, table: tuple[str, str]) -> list[Any]:
        if isinstance(right, str) and right.startswith("@"):
            right = self._named(right, table)
        if isinstance(right, dict) and "set" in right:
            right = right["set"]
        found = right if isinstance(right, list) else [right]
        return [v["elem"]["val"] if isinstance(v, dict) and "elem" in v else v for v in found]

    def fate(self, hook: str, packet: Packet, doubt: bool) -> tuple[str, float | None]:
        """accept or drop, and how many lines a minute the refusal may log (None: none).

        doubt: whether a rule that cannot be read is taken to let the packet in rather than to refuse it.
        """
        logged: list[float] = []
        for _priority, key, policy in self.base[hook]:
            if key[0] != "inet" and PROTOCOLS[key[0]] != packet.family:
                continue
            end = self._walk(key, packet, doubt, logged, 0)
            if (policy if end == GO_ON else end) == DROP:
                return DROP, (max(logged) if logged else None)
        return ACCEPT, None

    def _walk(self, key: tuple[str, str, str], packet: Packet, doubt: bool, logged: list[float], depth: int) -> str:
        if depth > 16:  # nft(8) refuses deeper jumps itself
            return GO_ON
        for rule in self.chains.get(key, []):
            verdict, target, sure = self._meet(rule, packet, logged)
            if verdict in ("jump", "goto"):
                end = self._walk((key[0], key[1], target), packet, doubt, logged, depth + 1)
                if end == GO_ON and verdict == "goto" and sure:
                    return GO_ON
                verdict = end
            if verdict == "return" and sure:
                return GO_ON
            if verdict == ACCEPT and (sure or doubt):
                return ACCEPT
            if verdict == DROP and (sure or not doubt):
                return DROP
        return GO_ON

    def _meet(self, rule: list[Step], packet: Packet, logged: list[float]) -> tuple[str, str, bool]:
        """What one rule does with the packet: verdict, its target, and whether all its conditions were read."""
        sure = True
        for step in rule:
            if step.what == "never" or (step.test is not None and not step.test.holds(packet)):
                return GO_ON, "", True
            if step.what == "maybe":
                sure = False
            elif step.what == "log" and packet.state == "new":
                logged.append(self.rates[id(rule)])
            elif step.what == "verdict":
                return step.verdict, step.target, sure
            elif step.what == "map":
                for test, verdict, target in step.pairs:
                    if test.holds(packet):
                        return verdict, target, sure
        return GO_ON, "", True


def field_of(left: Any) -> tuple[str, int, str]:
    """Our name of the field that a condition looks at, the family and the protocol it implies; "" for others."""
    if not isinstance(left, dict):
        return "", 0, ""
    if "meta" in left:
        return META.get(left["meta"]["key"], ""), 0, ""
    if "ct" in left:
        return ("state" if left["ct"].get("key") == "state" else ""), 0, ""
    payload = left.get("payload", {})
    protocol, field = payload.get("protocol"), payload.get("field")
    if field == "saddr" and protocol in PROTOCOLS:
        return "source", PROTOCOLS[protocol], ""
    if field == "dport" and protocol in ("tcp", "udp", "th"):
        return "port", 0, "" if protocol == "th" else protocol
    if field == "type" and protocol in ("icmp", "icmpv6"):
        return "icmp", 0, "icmp" if protocol == "icmp" else "ipv6-icmp"
    if (protocol, field) in (("ip", "protocol"), ("ip6", "nexthdr")):
        return "protocol", PROTOCOLS[protocol], ""
    return "", 0, ""


def range_of(value: Any) -> tuple[int, int] | None:
    """A port, an address, a prefix or a range as numbers; None for anything else."""
    try:
        if isinstance(value, dict) and "range" in value:
            low, high = (range_of(end) for end in value["range"])
            return (low[0], high[1]) if low and high else None
        if isinstance(value, dict) and "prefix" in value:
            network = ipaddress.ip_network("{addr}/{len}".format(**value["prefix"]), strict=False)
            return int(network.network_address), int(network.broadcast_address)
        number = value if isinstance(value, int) else int(ipaddress.ip_address(value))
    except ValueError:
        return None
    return number, number


def pieces(cuts: set[int], last: int) -> list[tuple[int, int]]:
    """The stretches from 0 to last between cuts: within one, no rule tells two members apart."""
    starts = sorted({0} | {cut for cut in cuts if 0 <= cut <= last})
    return list(zip(starts, [start - 1 for start in starts[1:]] + [last]))


def joined(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring stretches made one."""
    result: list[tuple[int, int]] = []
    for low, high in found:
        if result and result[-1][1] + 1 == low:
            result[-1] = (result[-1][0], high)
        else:
            result.append((low, high))
    return result
