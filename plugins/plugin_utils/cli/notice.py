# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast notice`: tell end users, executives, clinics, payers and vendors of changes, each of them once a stage.

Exit 0, 1 where the change's records do not bear out the stage that was named, 2 wrong usage, a site or a template that
is not acceptable, 3 where a message did not arrive.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..edge.sending import Channels, read_channels
from ..edge.telling import Memory, memory, parties, tell, ways
from ..errors import UsageError
from ..evidence.messages import AUDIENCES, FOLDER, STAGES, TEMPLATES, Message, Occasion, messages
from ..evidence.planned import OVER
from ..evidence.stages import refusal, stage_of
from ..policy.forecast import Forecast, forecast
from .change_desk import Desk, deny
from .options import add_change, add_format, add_site
from .report import write

AHEAD = timedelta(days=90)
"""How far a wave may lie ahead for anybody to be told of it."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("notice", help="tell people of changes", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    render = actions.add_parser("render", help="print the messages of a change, or write them to files")
    add_change(render)
    render.add_argument("--output", type=Path, metavar="DIR", help="write text, HTML and JSON files there")
    render.set_defaults(func=_render)
    send = actions.add_parser("send", help="send what has not been sent, as notices.yml says")
    send.add_argument("change", metavar="CHG", nargs="?", help="only this change (default: all that have anything due)")
    send.add_argument("--dry-run", action="store_true", help="say what would be sent to whom, send nothing")
    send.set_defaults(func=_send)
    for action in (render, send):
        action.add_argument("--stage", choices=STAGES, help="(default: what the records say)")
        action.add_argument("--audience", action="append", choices=AUDIENCES, help="only these (default: all)")
        add_site(action)
        add_format(action)
    templates = actions.add_parser("templates", help="copy the product's templates to the site's notices/, to edit")
    add_site(templates)
    templates.set_defaults(func=_templates)


@dataclass(frozen=True)
class _Due:
    """A change, the stage it is told of, and its messages; a sentence where it has none to be told of."""

    change: str
    stage: str | None
    messages: tuple[Message, ...]
    refused: str = ""


def _due(desk: Desk, channels: Channels, known: Memory, args: argparse.Namespace, named: str) -> _Due:
    state = desk.change(named)
    plan = desk.plan_of(state)[0]
    word = desk.standing(state)
    until = desk.now + AHEAD
    ahead = Forecast()
    if plan is not None and word not in OVER:
        ahead = forecast(
            state, plan, desk.site.policy, desk.records, desk.now, clusters=desk.site.clusters, until=until
        )
    announced = known.announced(state.change_id)
    stage = args.stage or stage_of(state, word, ahead, bool(announced))
    if stage is None or (problem := refusal(stage, state, word, ahead, bool(announced))):
        why = problem if stage else f"{state.change_id} is {word}: there is nothing to tell yet"
        return _Due(state.change_id, stage, (), why)
    contact = str(channels.changes.get("contact", ""))
    sure = ahead if word == "approved" or word.startswith("verified:") or stage != "delay" else Forecast()
    occasion = Occasion(desk.site, state, stage, sure, desk.now, announced, contact)
    return _Due(state.change_id, stage, messages(occasion, parties(channels), args.audience or AUDIENCES))


def _render(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    channels = read_channels(desk.site.root)
    with memory(desk.site.root, write=False) as known:
        due = _due(desk, channels, known, args, args.change)
    if due.refused:
        return deny([due.refused])
    if args.output is not None:
        for message in due.messages:
            said = {"txt": _text(message), "html": message.html, "json": json.dumps(message.to_dict()) + "\n"}
            for ending, text in said.items():
                print(write(args.output / f"{message.name}.{ending}", text))
    elif args.format == "json":
        print(json.dumps([{**message.to_dict(), "html": message.html} for message in due.messages]))
    else:
        print("\n".join(f"--- {message.audience} {message.party}".rstrip() + f"\n{_text(message)}"
                        for message in due.messages), end="")  # fmt: skip
    if not due.messages:
        print(f"holdfast: {due.change}: nobody that can be told feels it", file=sys.stderr)
    return 0


def _text(message: Message) -> str:
    return f"Subject: {message.subject}\n\n{message.text}"


def _send(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    channels = read_channels(desk.site.root)
    if not channels.changes:
        raise UsageError("notices.yml: nobody is named below changes; add whom to tell, see docs/reference/calendar.md")
    chosen = [args.change] if args.change else [state.change_id for state in desk.states]
    lost: list[str] = []
    said: list[dict[str, Any]] = []
    with memory(desk.site.root, write=not args.dry_run) as known:
        for one in chosen:
            due = _due(desk, channels, known, args, one)
            if due.refused and args.change:
                return deny([due.refused])
            for message in due.messages:
                said += _one(channels, known, message, desk.now, args.dry_run, lost)
    if args.format == "json":
        print(json.dumps({"sent": said, "lost": lost}))
    else:
        print("\n".join(_told(said, args.dry_run)) or "nothing to send")
    for sentence in lost:
        print(f"holdfast: {sentence}", file=sys.stderr)
    return 3 if lost else 0


def _one(
    channels: Channels, known: Memory, message: Message, at: datetime, dry: bool, lost: list[str]
) -> list[dict[str, Any]]:
    """Send one message, or say what would be sent; return what went where. What did not arrive goes to `lost`."""
    left = {way: to for way, to in ways(channels, message).items() if way not in known.went.get(message.id, ())}
    if dry:
        went: Sequence[str] = tuple(left)
    else:
        went, missed = tell(channels, message, known, at)
        lost += missed
    return [{**message.to_dict(), "by": way, "to": list(left[way])} for way in went]


def _told(said: Sequence[dict[str, Any]], dry: bool) -> Iterator[str]:
    verb = "would send" if dry else "sent"
    for one in said:
        party = f" {one['party']}" if one["party"] else ""
        to = f" to {', '.join(one['to'])}" if one["to"] else ""
        yield f"{verb} {one['change']} {one['stage']}: {one['audience']}{party} by {one['by']}{to}: {one['subject']}"


def _templates(args: argparse.Namespace) -> int:
    desk = Desk.open(args.site)
    folder = desk.site.root / FOLDER
    for path in sorted(TEMPLATES.glob("*.j2")):
        target = folder / path.name
        if target.exists():
            print(f"holdfast: {target}: is there already, and was left alone", file=sys.stderr)
        else:
            print(write(target, path.read_text(encoding="utf-8")))
    return 0
