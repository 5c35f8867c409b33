# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting a service and probing it, on the host where it runs.

Commands may hold secrets, and messages end in logs: of a command they name only its program.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..errors._release_error import ReleaseError
from ..probes import _bounded

INCONCLUSIVE = "probe_inconclusive"  # the code of a probe that ran out of measurements


class ServiceError(ReleaseError):
    """A restart failed, or a probe was not good; its text is one line.

    *probes* are the results so far, as the outcome has them.
    """

    code = "service_failed"

    def __init__(
        self, text: str, code: Optional[str] = None, probes: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(text, code)
        self.probes = list(probes)


def check(probes: Sequence[Mapping[str, Any]]) -> None:
    """Raise ServiceError unless all *probes* can be asked at all; called before acting."""
    from ..probes import _probes

    for number, probe in enumerate(probes, 1):
        problem = _probes.wrong_with(probe)
        if problem:
            which = probe.get("name") or ("number %d" % number if len(probes) > 1 else "")
            raise ServiceError("probe: %s" % (which and "%s: " % which) + problem)


def check_command(name: str, argv: Sequence[str]) -> None:
    """Raise ServiceError unless the command *argv*, of the option *name*, has a program."""
    if not argv[0].strip():
        raise ServiceError("%s: its first word, the program, is empty" % name)


def restart(argv: Sequence[str], timeout: float) -> None:
    """Run the command *argv* for at most *timeout* seconds.

    Raises ServiceError with the end of its output unless it returns 0.
    """
    code, output = _bounded.run(argv, timeout)
    if code != 0:
        raise ServiceError("restart failed: %s: %s" % (_bounded.ended(argv, code), output))


def probe(probes: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Ask *probes*, one after the other; return the results, as the outcome has them.

    Raises ServiceError at the first that decides and is not good.
    """
    if not probes:
        return []
    from ..probes import _probes

    results: List[Dict[str, Any]] = []
    for each in probes:
        done = _probes.ask(each)
        results.append(done.to_plain())
        if done.result != _probes.GOOD and not done.observe:
            code = INCONCLUSIVE if done.result == _probes.INCONCLUSIVE else None
            raise ServiceError(done.text, code, results)
    return results


def probe_staged(probes: Sequence[Mapping[str, Any]], path: str) -> List[Dict[str, Any]]:
    """Ask *probes* of the release that is staged at *path*, as ``probe`` does."""
    from ..probes import _probes

    return probe([_probes.of_release(each, path) for each in probes])


def baseline(probes: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Ask *probes* of what is in service now; return whether it works, and in a line why not."""
    from ..probes import _probes

    try:
        probe([_probes.for_baseline(each) for each in probes])
    except ServiceError as error:
        return {"in_service": False, "out_of_service": str(error)}
    return {"in_service": True, "out_of_service": None}
