# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzes the parsers of tests/fuzz_targets.py: no crash, no hang, no mutated input taken for something.

    python -m tests.fuzzing [--engine hypothesis|atheris] [--seconds 600] [--target NAME]

Time is shared equally among the targets. `atheris` (pip install atheris) looks at which code an input reaches.
Exit 0; 1 at the first fault, with the input.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.fuzz_targets import Target

LONGEST = 10
"""Seconds that a parser may take for one input before it counts as hung."""
ENGINE = "ansible_collections.holdfast.hipaa.plugins.plugin_utils"


def mutants(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy of true inputs with a few edits, and of inputs that are nothing at all."""
    longest = max(map(len, seeds))
    place = st.integers(0, longest)
    pieces = st.binary(max_size=6) | st.sampled_from(
        [b"\n", b"\n\n", b'"', b"{}", b"=", b"A", b"\xe2\x80\x94 ", b"\\u0041", b"0", b"-1", b"9" * 30, b"[" * 40, b" ",
         bytes(32), b"null", b',"x":1', b"1e5", b"\xff"]
    )  # fmt: skip
    edit = st.one_of(
        st.tuples(st.just("flip"), place, st.integers(1, 255)),
        st.tuples(st.just("cut"), place, st.integers(1, 40)),
        st.tuples(st.just("put"), place, pieces),
        st.tuples(st.just("twice"), place, st.integers(1, 40)),
        st.tuples(st.just("end"), place, st.just(0)),
    )
    edited = st.builds(_edited, st.sampled_from([*seeds]), st.lists(edit, min_size=1, max_size=4))
    return edited | st.binary(max_size=300)


def _edited(seed: bytes, edits: Sequence[tuple[str, int, Any]]) -> bytes:
    data = bytearray(seed)
    for kind, place, what in edits:
        at = place % (len(data) + 1)
        if kind == "flip" and at < len(data):
            data[at] ^= what
        elif kind == "cut":
            del data[at : at + what]
        elif kind == "put":
            data[at:at] = what
        elif kind == "twice":
            data[at:at] = data[at : at + what]
        elif kind == "end":
            del data[at:]
    return bytes(data)


def search(target: Target, examples: int) -> None:
    """Try so many mutants; raises AssertionError, or the parser's own error, with the smallest input that shows it."""

    @settings(
        max_examples=examples, deadline=None, database=None, report_multiple_bugs=False,
        suppress_health_check=[*HealthCheck], phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(mutants(target.seeds))
    def no_fault(data: bytes) -> None:
        fault = bounded(target, data)
        if fault:
            raise AssertionError(fault)

    no_fault()


def bounded(target: Target, data: bytes) -> str | None:
    """Return the fault of an input; raises TimeoutError where the parser does not come back."""

    def hung(_number: int, _frame: object) -> None:
        raise TimeoutError(f"{target.name}: no answer within {LONGEST} s to {data!r}")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(LONGEST)
    try:
        return target.fault(data)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _with_hypothesis(chosen: Sequence[Target], seconds: float) -> None:
    for target in chosen:
        end, tried = time.monotonic() + seconds / len(chosen), 0
        while time.monotonic() < end:
            search(target, 500)
            tried += 500
        print(f"{target.name:<16} {tried} inputs, no fault", flush=True)


def _with_atheris(chosen: Sequence[Target], seconds: float, atheris: Any) -> None:
    """Fuzz each target in a process of its own: libFuzzer ends the process that it ran in."""
    for target in chosen:
        child = os.fork()
        if child == 0:
            with tempfile.TemporaryDirectory() as corpus:
                for number, seed in enumerate(target.seeds):
                    (Path(corpus) / str(number)).write_bytes(seed)

                def one(data: bytes, target: Target = target) -> None:
                    fault = target.fault(data)
                    if fault:
                        raise AssertionError(fault)

                longest = 2 * max(map(len, target.seeds))
                limits = [
                    f"-max_total_time={max(1, int(seconds / len(chosen)))}",
                    f"-timeout={LONGEST}",
                    f"-artifact_prefix={corpus}/",
                ]
                atheris.Setup(["fuzzing", corpus, *limits, f"-max_len={longest}", "-verbosity=0"], one)
                atheris.Fuzz()
            os._exit(0)
        _pid, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"{target.name}: the fuzzer ended with status {status}; its output says on which input")
        print(f"{target.name:<16} no fault", flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Fuzz, and print a line a target."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    parser.add_argument("--seconds", type=float, default=600, help="for all targets together (default: 600)")
    parser.add_argument("--target", help="only this one")
    args = parser.parse_args(words)
    atheris: Any = None
    if args.engine == "atheris":
        atheris = import_module("atheris")  # there only for who asks for it
        with atheris.instrument_imports(include=[ENGINE]):
            from tests.fuzz_targets import targets
    else:
        from tests.fuzz_targets import targets
    with tempfile.TemporaryDirectory() as folder:
        chosen = [one for one in targets(Path(folder)) if args.target in (None, one.name)]
        if not chosen:
            parser.error(f"--target: {args.target} is none")
        if atheris is not None:
            _with_atheris(chosen, args.seconds, atheris)
        else:
            _with_hypothesis(chosen, args.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
