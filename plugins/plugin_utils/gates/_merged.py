# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of a gate for all domains of a plan, as one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ._answer import Answer


def merged(answers: Mapping[str, Sequence[Answer]]) -> tuple[Answer, ...]:
    """Return an answer for each gate from the *answers* of each domain, all in the same order.

    A gate is open if it is open for all. Where they differ, those that are closed are named.
    """
    return tuple(
        _one(dict(zip(answers, each, strict=True))) for each in zip(*answers.values(), strict=True)
    )


def _one(answers: Mapping[str, Answer]) -> Answer:
    first = next(iter(answers.values()))
    if all(answer == first for answer in answers.values()):
        return first
    closed = {name: answer for name, answer in answers.items() if not answer.lets_pass}
    said = closed or answers
    opens = [answer.opens for answer in said.values()]
    known = [moment for moment in opens if moment is not None]
    return Answer(
        first.gate,
        not closed,
        _said({name: answer.text for name, answer in said.items()}),
        max(known) if known and len(known) == len(opens) else None,
        _said({name: answer.needs for name, answer in said.items()}),
    )


def _said(texts: Mapping[str, str]) -> str:
    """Return *texts* by domain in a line; one that all have stands once."""
    found = {name: text for name, text in texts.items() if text}
    if len(found) == len(texts) > 1 and len(set(found.values())) == 1:
        return next(iter(found.values()))
    return "; ".join(f"{name}: {text}" for name, text in found.items())
