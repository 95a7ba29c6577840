# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data flows of the register: what travels from one item to another, and how it is protected on the way.

`flows` of an asset says which doors its firewall opens; a data flow says what goes through one. It opens nothing: one
whose door is shut is refused (register.py), so that there are not two truths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .item import DATA_CLASSES
from .network import PORT, PROTOCOLS
from .structure import Fields, Items, Text, Word, slug

ENCRYPTIONS = ("tls", "mtls", "ssh", "as2", "ipsec", "wireguard", "none")

DATA_FLOWS = Items(
    Fields(
        "a data flow: id, from, to, port, encryption and carries",
        required={
            "id": slug("the data flow's id"),
            "from": slug("the id of the asset or item that opens the connection"),
            "to": slug("the id of the asset or item that accepts it"),
            "port": PORT,
            "encryption": Word(ENCRYPTIONS),
            "carries": Text("what travels on it, in one line, such as 837P claims", most=200),
        },
        optional={
            "protocol": Word(PROTOCOLS),
            "data_class": Word(DATA_CLASSES),
            "payer": Text("the payer whose data it is", r"[A-Za-z0-9][A-Za-z0-9 .,&'()-]{0,98}", 100),
            "vendor": slug("one of the vendors below"),
            "unencrypted_because": Text("why nothing encrypts it, and what protects it instead"),
        },
    ),
    most=10_000,
)
"""What `data_flows` of holdfast.yml may hold."""


@dataclass(frozen=True)
class DataFlow:
    """What one item sends to or fetches from another: the connection goes from `source` to `target`."""

    id: str
    source: str
    target: str
    protocol: str
    port: int
    encryption: str
    """One of ENCRYPTIONS."""
    carries: str
    data_class: str = "ephi"
    payer: str | None = None
    vendor: str | None = None
    """A key of the site's `vendors`."""
    unencrypted_because: str | None = None
    """45 CFR 164.312(e)(2)(ii) is addressable: who does not encrypt says why, and what is done instead."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DataFlow:
        """Read a checked member of the register's `data_flows`."""
        ends = {"source": data["from"], "target": data["to"], "protocol": data.get("protocol", "tcp")}
        return cls(**ends, **{key: value for key, value in data.items() if key not in ("from", "to", "protocol")})

    def to_dict(self) -> dict[str, Any]:
        """Return the data flow as the register writes it, defaults included."""
        ends = {"id": self.id, "from": self.source, "to": self.target}
        rest = {key: value for key, value in vars(self).items() if key not in ("id", "source", "target")}
        return {**ends, **{key: value for key, value in rest.items() if value is not None}}
