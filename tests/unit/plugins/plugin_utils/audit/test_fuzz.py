# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short fuzz of every parser of what strangers hand us; `python -m tests.fuzzing` does it for ten minutes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fuzz_targets import Target, targets
from tests.fuzzing import bounded, search

NAMES = (
    "envelope", "stored-envelope", "checkpoint", "cosignature", "receipt", "request", "inclusion", "consistency",
    "tile", "trust", "audited-trust",
)  # fmt: skip


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    """The targets by name."""
    return {one.name: one for one in targets(tmp_path_factory.mktemp("fuzz"))}


def test_every_target_is_fuzzed(every: dict[str, Target]) -> None:
    assert tuple(every) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_no_mutant_crashes_a_parser_or_is_taken_for_anything(every: dict[str, Target], name: str) -> None:
    target = every[name]
    for seed in target.seeds:
        assert target.fault(seed) is None
    search(target, 20 if name == "tile" else 120)


@pytest.mark.parametrize("name", ["envelope", "checkpoint", "receipt", "request", "inclusion", "consistency", "tile"])
def test_true_input_is_taken(every: dict[str, Target], name: str) -> None:
    """What refuses everything would pass the test above."""
    assert all(every[name].take(seed) is not None for seed in every[name].seeds)


def test_fault_crash_and_hang_are_seen(every: dict[str, Target], monkeypatch: pytest.MonkeyPatch) -> None:
    target = every["inclusion"]
    with pytest.raises(AssertionError, match="was taken for"):
        search(replace(target, take=bytes), 50)
    with pytest.raises(IndexError):
        search(replace(target, take=lambda data: data[40]), 200)

    def hangs(data: bytes) -> None:
        while True:
            pass

    monkeypatch.setattr("tests.fuzzing.LONGEST", 1)
    with pytest.raises(TimeoutError, match="no answer within 1 s"):
        bounded(replace(target, take=hangs), b"x")
