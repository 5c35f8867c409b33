# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of the closing report for facts: releases, notes, reasons, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ._facts import NOTHING, Deployment
from ._lines import one_line
from ._traces import BuildTrace, RootTrace

DIGEST_LENGTH = 12
HIDDEN = "no_log keeps from this report what was done"
LEFT_ON_TRIAL = "left on trial"


def size(count: int) -> str:
    """Return a number of bytes as people read it: ``999 B``, ``41.2 kB``, ``1.3 GB``."""
    if count < 1000:
        return f"{count} B"
    exponent = 1 if count < 999_950 else 2 if count < 999_950_000 else 3
    return f"{count / 1000**exponent:.1f} {' kMG'[exponent]}B"


def transition(trace: RootTrace) -> str:
    """Return ``shop 1.0.0 → 2.0.0``, or one release when it stayed."""
    first, last = trace.found, trace.last or trace.found
    # Where one of them was adopted, the other knows what the application is called.
    known = [release.name for release in (last, first) if release.digest]
    name = next(iter(known), last.name or first.name or "")
    if first.digest == last.digest:
        return f"{name} {last.version}" if last.version else ""
    versions = [release.version or "none" for release in (first, last)]
    if versions[0] == versions[1]:
        versions = [
            f"{release.version}-{str(release.digest)[:DIGEST_LENGTH]}" for release in (first, last)
        ]
    return f"{name} {versions[0]} → {versions[1]}"


def notes(trace: RootTrace, outcome: str, is_stopped: bool, check_mode: bool) -> Iterator[str]:
    """Yield what else is worth knowing of a host."""
    if is_stopped and trace.left.phase == "on trial":
        yield LEFT_ON_TRIAL
        yield "run again: it is settled then"
    if outcome == "hidden":
        yield HIDDEN
    if outcome == "staged" and trace.waiting:
        yield f"{trace.waiting} is held, not live"
    if trace.took_over:
        yield _takeover(trace.took_over, check_mode)
    if trace.despite:
        yield f"although {'; '.join(trace.despite)}"
    if trace.drift:
        mended = "would mend" if check_mode else "mended"
        yield f"{mended} {trace.drift} {'file' if trace.drift == 1 else 'files'}"
    if trace.removed and trace.left.phase != "none":
        yield f"{trace.left.name} {trace.left.version} stays {trace.left.phase}"
    for is_new, links in trace.relinked():
        yield f"{'newly' if is_new else 'no longer'} linked: {', '.join(map(one_line, links))}"
    if trace.resumed:
        yield f"resumed a transfer after {size(trace.resumed)}"


def detail(trace: RootTrace, reason: str, notes: Iterable[str]) -> str:
    """Return the last column of a line: drift, or the *reason* of a failure, and *notes*."""
    if trace.verdict and trace.has_drifted():
        shown = trace.verdict.first_drift or ()
        more = (trace.verdict.drift or 0) - len(shown)
        return "; ".join([*shown, *([f"and {more} more"] if more else []), *notes])
    if not reason:
        return "; ".join(notes)
    then = f"; then: {trace.aftermath}" if trace.aftermath else ""
    said = _left_at(trace) + reason + then
    return "; ".join([said, *(note for note in notes if note != LEFT_ON_TRIAL)])


def build_lines(trace: BuildTrace) -> Iterator[tuple[str, str]]:
    """Yield (outcome, detail) of a workspace, nothing where nothing was to be done."""
    if trace.hidden:
        yield "hidden", HIDDEN
    if trace.built:
        more = [f"and {trace.built.more} more"] if trace.built.more else []
        yield "built", ", ".join([*trace.built.components, *more])
    if trace.sealed:
        yield "sealed", _sealed(trace)
    if trace.failed:
        yield trace.failed.status, trace.failed.reason or ""


def _takeover(answer: Deployment, check_mode: bool) -> str:
    """Return whose deployment was taken over."""
    words = "would take over" if check_mode else "took over"
    words += f" from {one_line(answer.took_over)}"
    before = answer.before or NOTHING
    if before.phase == "on trial":
        words += f", whose trial of {before.version} was open"
    return words


def _left_at(trace: RootTrace) -> str:
    """Return what goes before the reason of a failure: whether the host was left on trial."""
    first, last = trace.found, trace.left
    if last.phase != "on trial":
        return ""
    as_found = first.phase == "on trial" and first.digest == last.digest
    return "still on trial: " if as_found else f"{LEFT_ON_TRIAL}: "


def _sealed(trace: BuildTrace) -> str:
    said = f"sha256:{trace.release.get('digest', '')[:DIGEST_LENGTH]}"
    if trace.role:
        said += f" signed as {trace.role}"
    if trace.evidence:
        *others, last = trace.evidence
        said += f", with {', '.join(others)}{' and ' if others else ''}{last}"
    return said
