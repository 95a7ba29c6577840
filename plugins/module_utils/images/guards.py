# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards: what is armed before a risky change, and puts the host back by itself unless a fresh login confirms.

A guard is a folder /var/lib/holdfast/guards/<id>/ with guard.json (what was armed), guard.pyz (this package, so that
the way back needs nothing but Python) and in the end outcome.json; and two units, a timer and a service. The service
is also wanted at boot: a host that is started again before the confirmation goes back at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import json
import os
import shutil
import signal
import sys
import time
import zipfile
from collections.abc import Mapping
from typing import Any

from . import commands, errors, image, live, logins, placing, reloads, restore, store, territory

UNITS = "/etc/systemd/system"
AT_BOOT = os.path.join(UNITS, "multi-user.target.wants")
SYSTEMD = "/run/systemd/system"
MOST_ENDED = 50
"""Guards that have ended and are remembered; the oldest go first."""
PATIENCE = 60.0
"""Seconds beyond its time after which a guard should have put the host back."""

_MODULES = (commands, errors, image, live, logins, placing, reloads, restore, store, territory)
_MAIN = "import sys\nfrom images.guards import main\nsys.exit(main(sys.argv[1:]))\n"
_SERVICE = """[Unit]
Description=Holdfast guard {id}: puts back what role {role} changed, unless a fresh login confirmed it
RequiresMountsFor={base}
After=local-fs.target systemd-sysctl.service nftables.service ssh.service

[Service]
Type=oneshot
TimeoutStartSec=15min
ExecStart={python} -I {script} revert
"""
_TIMER = """[Unit]
Description=Holdfast guard {id}: the time in which a fresh login must confirm

[Timer]
OnActiveSec={seconds}s
AccuracySec=100ms
"""


def arm(kept: store.Store, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Take an image, write the guard, start its time; return what the controller needs to confirm.

    `asked` has id, role, run, seconds, nonce_sha256, declared. Raises ImageError where a guard could not do its work.
    """
    if not os.path.isdir(SYSTEMD):
        raise errors.ImageError("this host does not run systemd, so nothing could put it back; change it by hand")
    wait_for_others(kept, asked["run"])
    with kept.locked():
        digest, manifest = image.take(asked["declared"], kept)
        if manifest["units"] is None:
            raise errors.ImageError("systemd does not say which units run, so they could not be put back; try again")
        kept.prune(digest)
        folder = os.path.join(kept.guards, asked["id"])
        os.makedirs(folder, mode=0o700)
        kept.write(os.path.join(folder, "guard.pyz"), packed())
        armed = {
            **{name: asked[name] for name in ("id", "role", "run", "seconds", "nonce_sha256")},
            "before": digest,
            "declared": manifest["declared"],
            "at": time.time(),
            "ticks": logins.ticks(),
            "login": logins.login(os.getpid()),
        }
        kept.save(os.path.join(folder, "guard.json"), armed)
        _write_units(kept, armed)
    line = commands.trouble(["systemctl", "start", _unit(asked["id"], "timer")])
    if line:
        _disarm(kept, asked["id"])
        raise errors.ImageError(f"the guard's timer does not start: {line}")
    return {
        "id": asked["id"],
        "image": digest,
        "seconds": asked["seconds"],
        "over_ssh": armed["login"] is not None,
        "command": [sys.executable, "-I", os.path.join(kept.guards, asked["id"], "guard.pyz")],
    }


def packed() -> bytes:
    """Return this package as a file that Python runs."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("__main__.py", _MAIN)
        archive.writestr("images/__init__.py", "")
        for module in (*_MODULES, sys.modules[__name__]):
            source = module.__loader__.get_data(module.__file__)  # type: ignore[union-attr, arg-type] # files have both
            archive.writestr("images/{}.py".format(module.__name__.rpartition(".")[2]), source)
    return target.getvalue()


def wait_for_others(kept: store.Store, run: str) -> None:
    """Wait while a guard of another run is armed: its way back would undo this run's work as well.

    Raises ImageError when one is still armed though its time has long been over.
    """
    while True:
        ended = {one["id"] for one in kept.guard_files("outcome.json")}
        others = [one for one in kept.guard_files("guard.json") if one["id"] not in ended and one["run"] != run]
        if not others:
            return
        late = [one["id"] for one in others if time.time() > one["at"] + one["seconds"] + PATIENCE]
        if late:
            raise errors.ImageError(
                f"guard {late[0]} of an earlier run neither was confirmed nor put the host back; "
                f"see journalctl -u {_unit(late[0], 'service')}, then start that unit by hand"
            )
        time.sleep(0.2)


def confirm(kept: store.Store, guard: str, nonce: str) -> dict[str, Any]:
    """End a guard because its host can be reached; return its outcome, which may be that it was too late.

    Raises ImageError for a wrong nonce, and for a login that is not younger than the guard.
    """
    with kept.locked():
        folder = os.path.join(kept.guards, guard)
        armed = _armed(kept, guard)
        ended = kept.load(os.path.join(folder, "outcome.json"))
        if ended:
            return dict(ended)
        if not hmac.compare_digest(hashlib.sha256(nonce.encode()).hexdigest(), armed["nonce_sha256"]):
            raise errors.ImageError(f"{guard}: this is not the secret that the guard was armed with")
        if armed["login"]:
            mine = logins.login(os.getpid())
            if mine is None or mine.began <= armed["ticks"]:
                raise errors.ImageError(f"{guard}: this login is older than the guard; only a fresh one confirms it")
        outcome = {
            "id": guard,
            "role": armed["role"],
            "run": armed["run"],
            "outcome": "confirmed",
            "ms": _ms_since(armed),
            "at": time.time(),
        }
        kept.save(os.path.join(folder, "outcome.json"), outcome)
    _disarm(kept, guard)
    return outcome


def revert(kept: store.Store, guard: str) -> dict[str, Any]:
    """Put the host back to where the guard was armed, unless it has ended; return its outcome.

    The login that armed it is cut off first: a run that hangs in it, or is slow, would go on with a change that no
    guard stands around any more.
    """
    with kept.locked():
        armed = _armed(kept, guard)
        ended = kept.load(os.path.join(kept.guards, guard, "outcome.json"))
        if ended:
            return dict(ended)
        _cut_off(armed)
        outcome = _put_back(kept, armed)
    _disarm(kept, guard)
    return outcome


def again(kept: store.Store, guard: str) -> dict[str, Any]:
    """Put back what a run still did after its guard had put the host back; return the outcome with both.

    One that ended with an earlier guard is left to that one.
    """
    with kept.locked():
        armed, path = _armed(kept, guard), os.path.join(kept.guards, guard, "outcome.json")
        outcome = dict(kept.load(path) or {"outcome": "armed"})
        if outcome["outcome"] != "reverted" or outcome["with"] != guard:
            return outcome
        _digest, present = image.take(armed["declared"])
        changed = image.difference(kept.manifest(armed["before"]), present)
        if image.names(changed):
            way = restore.Return(kept, changed, conflicts=False, packages=False)
            way.go()
            reached, _manifest = image.take(armed["declared"])
            outcome["restored"] += [name for name in way.restored if name not in outcome["restored"]]
            outcome |= {"kept": way.kept, "troubles": way.troubles, "result": "partial" if way.kept else "restored"}
            outcome["images"] = {**outcome["images"], "after": reached}
            kept.save(path, outcome)
    return outcome


def _put_back(kept: store.Store, armed: Mapping[str, Any]) -> dict[str, Any]:
    """Put the host back and save the outcome; guards armed later stood on what is put back, so they end with it."""
    digest, present = image.take(armed["declared"])
    changed = image.difference(kept.manifest(armed["before"]), present)
    way = restore.Return(kept, changed, conflicts=False, packages=False)
    way.go()
    reached, _manifest = image.take(armed["declared"])
    ended = [one["id"] for one in kept.guard_files("outcome.json")]
    later = [
        one for one in kept.guard_files("guard.json")
        if one["id"] != armed["id"] and one["at"] >= armed["at"] and one["id"] not in ended
    ]  # fmt: skip
    outcomes = []
    for one in [armed, *later]:
        mine = one["id"] == armed["id"]
        outcome = {
            "id": one["id"],
            "role": one["role"],
            "run": one["run"],
            "outcome": "reverted",
            "result": "restored" if not way.kept else ("partial" if way.restored else "failed"),
            "with": armed["id"],
            "restored": way.restored if mine else [],
            "kept": way.kept if mine else [],
            "troubles": way.troubles if mine else [],
            "ms": _ms_since(one),
            "images": {"before": digest, "after": reached},
            "at": time.time(),
        }
        kept.save(os.path.join(kept.guards, one["id"], "outcome.json"), outcome)
        outcomes.append(outcome)
        if not mine:
            _disarm(kept, one["id"])
    return outcomes[0]


def status(kept: store.Store, guard: str) -> dict[str, Any]:
    """Return a guard's outcome, or that it is still armed."""
    armed = _armed(kept, guard)
    return dict(kept.load(os.path.join(kept.guards, guard, "outcome.json")) or {"id": armed["id"], "outcome": "armed"})


def _armed(kept: store.Store, guard: str) -> dict[str, Any]:
    found = kept.load(os.path.join(kept.guards, guard, "guard.json"))
    if found is None:
        raise errors.ImageError(f"{guard}: no such guard is known on this host")
    return dict(found)


def _cut_off(armed: Mapping[str, Any]) -> None:
    """End the SSH connection that a guard was armed over, if it is still the very same."""
    known = armed["login"]
    if known and logins.login(known[0]) == logins.Login(*known):
        with contextlib.suppress(ProcessLookupError):
            os.kill(known[0], signal.SIGTERM)


def _ms_since(armed: Mapping[str, Any]) -> int:
    """Return the milliseconds since a guard was armed; a clock that was set back counts as none."""
    return max(0, int((time.time() - armed["at"]) * 1000))


def _unit(guard: str, kind: str) -> str:
    return f"{territory.OWN}{guard}.{kind}"


def _write_units(kept: store.Store, armed: Mapping[str, Any]) -> None:
    script = os.path.join(kept.guards, armed["id"], "guard.pyz")
    told = {**armed, "base": kept.base, "python": sys.executable, "script": script}
    for kind, text in (("service", _SERVICE), ("timer", _TIMER)):
        path = os.path.join(UNITS, _unit(armed["id"], kind))
        with open(path, "w", encoding="utf-8") as target:
            target.write(text.format(**told))
            target.flush()
            os.fsync(target.fileno())
        os.chmod(path, 0o644)
    os.makedirs(AT_BOOT, exist_ok=True)
    name = _unit(armed["id"], "service")
    os.symlink(os.path.join(UNITS, name), os.path.join(AT_BOOT, name))


def _disarm(kept: store.Store, guard: str) -> None:
    """Stop the timer, remove the units, forget old guards. What fails here must not undo an outcome."""
    commands.run(["systemctl", "stop", _unit(guard, "timer")])
    service = _unit(guard, "service")
    for path in (
        os.path.join(AT_BOOT, service),
        os.path.join(UNITS, service),
        os.path.join(UNITS, _unit(guard, "timer")),
    ):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    ended = sorted(kept.guard_files("outcome.json"), key=lambda one: one["at"])
    for one in ended[: max(0, len(ended) - MOST_ENDED)]:
        shutil.rmtree(os.path.join(kept.guards, one["id"]), ignore_errors=True)


def main(argv: list[str]) -> int:
    """Run `revert`, `confirm NONCE`, `again` or `status` for the guard this file lies with; print the outcome as JSON.

    Exit code 0: confirmed, reverted or armed, as asked; 3: it had ended the other way; 4: refused.
    """
    folder = os.path.dirname(os.path.abspath(sys.argv[0]))
    kept, guard = store.Store(os.path.dirname(os.path.dirname(folder))), os.path.basename(folder)
    try:
        if argv[:1] == ["confirm"]:
            outcome = confirm(kept, guard, argv[1])
        elif argv == ["revert"]:
            outcome = revert(kept, guard)
        elif argv == ["again"]:
            outcome = again(kept, guard)
        else:
            outcome = status(kept, guard)
    except errors.ImageError as error:
        sys.stdout.write(json.dumps({"id": guard, "outcome": "refused", "why": str(error)}) + "\n")
        return 4
    sys.stdout.write(json.dumps(outcome) + "\n")
    return 3 if argv[:1] == ["confirm"] and outcome["outcome"] != "confirmed" else 0
