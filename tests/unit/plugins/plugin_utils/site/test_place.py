# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ledger may lie: paths, and PostgreSQL addresses that hold no password and nothing that weakens them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.place import (
    LedgerPlace,
    fault_of,
    passfile_of,
    place_of,
)

ROOT = Path("/srv/site")
SAFE = "sslmode=verify-full"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://controller@db.example.org/ledger?sslmode=verify-full",
        "postgresql://controller@db.example.org:5433/ledger?sslmode=verify-ca&sslrootcert=keys/ca.pem",
        "postgresql://controller@192.0.2.7/ledger?sslmode=verify-full&connect_timeout=3",
        "postgresql://controller@localhost/ledger",
        "postgresql://controller@127.0.0.1:5432/ledger?passfile=keys/pgpass",
        "postgresql://controller@[::1]/ledger",
        "postgresql://controller@/ledger?host=/run/postgresql&port=5432",
        "postgresql://controller@/ledger?host=%2Frun%2Fpostgresql",
        "postgresql:///ledger?host=/run/postgresql",
    ],
)
def test_sound_address(address: str) -> None:
    assert fault_of(address) is None
    assert list(LedgerPlace().faults(address)) == []
    again = place_of(address, ROOT)
    assert isinstance(again, str)
    assert fault_of(again) is None
    assert place_of(again, ROOT) == again  # once resolved it stays the same


@pytest.mark.parametrize(
    ("address", "found"),
    [
        (f"postgresql://controller:hunter2@db.example.org/ledger?{SAFE}", "a password in the address"),
        (f"postgresql://controller:@db.example.org/ledger?{SAFE}", "a password in the address"),
        (f"postgresql://controller@db.example.org/ledger?{SAFE}&password=hunter2", 'the parameter "password"'),
        (f"postgresql://controller@db.example.org/ledger?{SAFE}&options=-c%20x", 'the parameter "options"'),
        (f"postgresql://controller@db.example.org/ledger?{SAFE}&{SAFE}", "a parameter that is given twice"),
        (f"postgres://controller@db.example.org/ledger?{SAFE}", 'an address of kind "postgres"'),
        ("mysql://controller@db.example.org/ledger", 'an address of kind "mysql"'),
        (f"postgresql://controller@db.example.org/?{SAFE}", "an address without a database's name"),
        (f"postgresql://controller@db.example.org:port/ledger?{SAFE}", "an address that cannot be taken apart"),
        (f"postgresql://controller@db.example.org/ledger?{SAFE}&x", "an address that cannot be taken apart"),
        ("postgresql:///ledger", "an address without a host"),
        ("postgresql://controller@db.example.org/ledger", 'no verified TLS to "db.example.org"'),
        ("postgresql://controller@db.example.org/ledger?sslmode=require", 'no verified TLS to "db.example.org"'),
        ("postgresql://controller@192.0.2.7/ledger", 'no verified TLS to "192.0.2.7"'),
        ("postgresql://controller@localhost/ledger?host=db.example.org", 'no verified TLS to "db.example.org"'),
        ("postgresql://controller@localhost/ledger?host=localhost,db.example.org", "no verified TLS to"),
    ],
)
def test_unsound_address(address: str, found: str) -> None:
    wrong = fault_of(address)
    assert wrong is not None
    assert wrong[0].startswith(found)
    (fault,) = LedgerPlace().faults(address)
    assert fault.found == wrong[0]
    assert "hunter2" not in f"{fault}"


def test_paths_are_from_the_sites_folder() -> None:
    assert place_of("ledger/ledger.sqlite", ROOT) == ROOT / "ledger/ledger.sqlite"
    assert place_of("/var/lib/l.sqlite", ROOT) == Path("/var/lib/l.sqlite")
    there = place_of(
        "postgresql://c@db.example.org/l?sslmode=verify-full&sslrootcert=system&passfile=keys/pgpass", ROOT
    )
    assert there == (
        "postgresql://c@db.example.org/l?sslmode=verify-full&sslrootcert=system&passfile=/srv/site/keys/pgpass"
    )
    assert passfile_of(str(there)) == ROOT / "keys/pgpass"
    assert passfile_of("postgresql:///ledger") is None
    assert [fault.found for fault in LedgerPlace().faults(7)] == ["the number 7"]
