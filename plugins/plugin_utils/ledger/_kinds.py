# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of event: a new kind is a new file, named here."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Protocol

from ...module_utils.formats import _canonical
from . import (
    _kind_domain_changed,
    _kind_gates_answered,
    _kind_history_found,
    _kind_ledger_opened,
    _kind_notice_sent,
    _kind_plan_ended,
    _kind_plan_proposed,
    _kind_policy_changed,
    _kind_register_changed,
    _kind_run_began,
    _kind_run_ended,
    _kind_statement_recorded,
    _kind_train_began,
    _kind_train_ended,
)
from ._event import Draft, Event, LedgerError
from ._rows import Rows

NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # in JSON


class Kind(Protocol):
    """What each of the files for a kind has."""

    NAME: str
    SCHEMA: dict[str, Any]  # JSON Schema of the body

    def project(self, rows: Rows, event: Event) -> None:
        """Bring the *rows* of the projections up to *event*."""

    def line(self, event: Event) -> str:
        """Return *event* in one line for people."""


KINDS: dict[str, Kind] = {
    kind.NAME: kind
    for kind in (
        _kind_ledger_opened,
        _kind_run_began,
        _kind_run_ended,
        _kind_history_found,
        _kind_policy_changed,
        _kind_plan_proposed,
        _kind_plan_ended,
        _kind_statement_recorded,
        _kind_gates_answered,
        _kind_register_changed,
        _kind_train_began,
        _kind_domain_changed,
        _kind_train_ended,
        _kind_notice_sent,
    )
}


def check(draft: Draft) -> None:
    """Raise LedgerError where *draft* is of no known kind, or its body is not as it must be."""
    import jsonschema

    kind = KINDS.get(draft.kind)
    if kind is None:
        raise LedgerError(f"'{draft.kind}' is not a kind of event", code="invalid_event")
    validator = jsonschema.Draft202012Validator(kind.SCHEMA)
    for error in validator.iter_errors(draft.body):
        where = "/".join(map(str, error.absolute_path)) or "body"
        raise LedgerError(
            f"event {draft.kind}: {where}: {error.message[:200]}", code="invalid_event"
        )
    try:
        written = _canonical.dumps([draft.subject, draft.body, draft.key])
    except (TypeError, ValueError) as error:  # half a character, such as a broken file name has
        said = _canonical.one_line(error)
        raise LedgerError(f"event {draft.kind}: {said}", code="invalid_event") from None
    if NUL.search(written):  # which PostgreSQL cannot keep
        raise LedgerError(f"event {draft.kind}: it has a NUL character", code="invalid_event")


def project(rows: Rows, event: Event) -> None:
    """Bring the *rows* of the projections up to *event*; a kind of a later version changes none."""
    kind = KINDS.get(event.kind)
    if kind is not None:
        kind.project(rows, event)


def line(event: Event) -> str:
    """Return *event* in one line for people."""
    kind = KINDS.get(event.kind)
    said = f"{event.kind} {event.subject}"
    if kind:
        with contextlib.suppress(KeyError, TypeError, AttributeError):  # the audit names it
            said = kind.line(event)
    return f"{event.sequence}  {event.time}  {event.actor} ({event.strength})  {said}"
