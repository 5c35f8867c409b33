# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closing report of a run, laid out in lines."""

from __future__ import annotations

from collections.abc import Iterator

from . import _recorder, _words

Line = tuple[str, str]  # a tone, which is ok, changed, bad or quiet, and the text

SHOWN_LEFT_OUT = 20
# In the order of the summary: what check mode calls it, and the tone of its line.
OUTCOMES = {
    "built": ("would be built", "changed"),
    "sealed": ("would be sealed", "changed"),
    "deployed": ("would be deployed", "changed"),
    "rolled back": ("would be rolled back", "changed"),
    "mended": ("would be mended", "changed"),
    "on trial": ("would be on trial", "changed"),
    "staged": ("would be staged", "changed"),
    "removed": ("would be removed", "changed"),
    "hidden": ("hidden", "changed"),
    "unchanged": ("unchanged", "ok"),
    "asked": ("asked", "ok"),
    "verified": ("verified", "ok"),
    "skipped": ("skipped", "quiet"),
    "drifted": ("drifted", "bad"),
    "interrupted": ("interrupted", "bad"),
    "put back": ("put back", "bad"),
    "failed": ("failed", "bad"),
    "unreachable": ("unreachable", "bad"),
    "not reached": ("not reached", "bad"),
}


def render(recorder: _recorder.Recorder) -> list[Line]:
    """Return the report as ``(tone, line)``, nothing when no release was handled.

    A tone is ok, changed, bad or quiet.
    """
    if not recorder.speaks():
        return []
    rows, left_out = recorder.rows(), recorder.left_out()
    return [
        *_table(rows, recorder.check_mode),
        *_left_out_lines(left_out, rows),
        ("quiet", ""),
        *_summary(recorder, rows, left_out),
    ]


def _table(rows: list[_recorder.Row], check_mode: bool) -> Iterator[Line]:
    roots = {(row.host, row.root) for row in rows}
    several_roots = len({row.host for row in rows}) < len(roots)
    cells = []
    for row in rows:
        sent = f"{_words.size(row.sent)} sent" if row.sent else ""
        name = f"{row.host} {row.root}" if several_roots else row.host
        cells.append((name, _word(row.outcome, check_mode), row.releases, sent))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, cell in zip(rows, cells, strict=True):
        columns = [text.ljust(width) for text, width in zip(cell, widths, strict=True) if width]
        yield OUTCOMES[row.outcome][1], "  ".join([*columns, row.detail]).rstrip()


def _left_out_lines(left_out: list[str], rows: list[_recorder.Row]) -> Iterator[Line]:
    width = max((len(row.host) for row in rows), default=0)
    for host in left_out[:SHOWN_LEFT_OUT]:
        yield "quiet", f"{host.ljust(width)}  left out by --limit"
    if len(left_out) > SHOWN_LEFT_OUT:
        yield "quiet", f"… and {len(left_out) - SHOWN_LEFT_OUT} more left out by --limit"


def _summary(
    recorder: _recorder.Recorder, rows: list[_recorder.Row], left_out: list[str]
) -> Iterator[Line]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    said = ", ".join(
        f"{counts[outcome]} {_word(outcome, recorder.check_mode)}"
        for outcome in OUTCOMES
        if outcome in counts
    )
    if left_out:
        said += f"; {len(left_out)} left out by --limit: partial"
    sent = sum(row.sent for row in rows)
    if sent:
        said += f"; {_words.size(sent)} sent"
    wrong = any(OUTCOMES[outcome][1] == "bad" for outcome in counts)
    yield ("bad" if wrong else "ok"), ("Check mode: " if recorder.check_mode else "") + said + "."
    for said, changed in recorder.prunings.items():
        yield ("changed" if changed else "ok"), f"Media library: {said}."
    if recorder.hides_failures():
        hidden_by = "A rescue, ignore_errors or on_failure: report"
        yield "bad", f"{hidden_by} hides this from the exit status of the run."
    if recorder.stopped_by:
        told = ", which Ansible has told above" if recorder.stopped_by == "an error" else ""
        yield "bad", f"Stopped by {recorder.stopped_by}{told}: the next run settles what is open."


def _word(outcome: str, check_mode: bool) -> str:
    return OUTCOMES[outcome][0] if check_mode else outcome
