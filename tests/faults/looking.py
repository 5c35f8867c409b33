# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that is stopped right after it read the state, while another one does its work.

That other one was at work already when the state was read: it had got to a certain point.
"""

from __future__ import annotations

import contextlib
import re

from ansible_collections.itops.release.tests.fakes.estate import Host
from ansible_collections.itops.release.tests.faults import overtaking, points, sweeping
from ansible_collections.itops.release.tests.faults.operations import LINKS, job_of

LOOKER = "the run that looks"
RENAMES = ("rename", "renameat", "renameat2")  # by which all that others look at changes
EXPECTED = re.compile(
    r"(?P<removed>was removed by another run meanwhile; run again|nothing is (live|deployed) at)"
    r"|(?P<needed>is (live|on trial|the way back): it is not removed)"
    r"|(?P<nowhere>there is no earlier good release)"
)


def sweep(bench, operation, look, most=None):
    """Stop *operation* at *most* of its points, and there *look*; return count and problems.

    *look* is ``(the version, None for the previous one, and the options)`` of the other call.
    """
    with bench.prepared(operation) as template:
        _done, found = sweeping.undisturbed(operation, template)
        with sweeping.Copy(template) as folder:
            reads = _reads(folder, *_looker(bench, operation, look, folder))
        # Where all that is ours has been moved aside there is nothing to look at.
        found = [each for each in found if each.name in RENAMES and '".release"' not in each.line]
        chosen = sweeping.sampled(found, most)
        problems = []
        for point, read in ((point, read) for point in chosen for read in reads):
            with sweeping.Copy(template) as folder:
                lines = _meet(bench, operation, look, folder, point, read)
            problems += [f"at {point.number}. {point.line}, {read.line}: {line}" for line in lines]
        return len(chosen) * len(reads), problems


def _looker(bench, operation, look, folder):
    """Return command and environment of the call that looks."""
    version, params = look
    options = {**operation.options(folder), "linked_paths": LINKS, "seed": True, **params}
    host = Host(bench.estate, folder / "srv", options, run=LOOKER)
    request = host.request(bench.labels[version] if version else None)
    (folder / "look").write_text(job_of(request))
    command = [*sweeping.command(operation, folder)[:-1], str(folder / "look")]
    # Another environment is another process that waits: both are traced at once.
    return command, {**sweeping.environment(folder), "USER": "looker"}


def _reads(folder, command, environment):
    """Return the Points at which a call reads the state before it asks for the lock."""
    _done, found = points.trace(command, folder, environment, reads=True)
    lock = next((n for n, point in enumerate(found) if '"lock"' in point.line), None)
    return [point for point in found[:lock] if '"state.json"' in point.line]


def _meet(bench, operation, look, folder, point, read):
    """Return what is not as promised when both calls come to their points, and then go on."""
    with contextlib.ExitStack() as stack:
        command, environment = sweeping.command(operation, folder), sweeping.environment(folder)
        actor = overtaking.Actor(stack, command, point, environment)
        command, environment = _looker(bench, operation, look, folder)
        looker = overtaking.Actor(stack, command, read, environment)
        acted, looked = actor.go_on(), looker.go_on()
    found = [f"it ended by {acted}"] if acted.status else []
    if looked.status not in (0, 1) or (looked.status and not EXPECTED.search(looked.stdout)):
        found.append(f"who looked ended by {looked}")
    host = Host(bench.estate, folder / "srv", operation.options(folder), run=overtaking.OVERTAKER)
    return found + overtaking.at_rest(host, bench.expected) + overtaking.goes_on(bench, host)
