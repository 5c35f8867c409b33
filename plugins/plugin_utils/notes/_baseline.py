# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of an environment have, and which release a note for them counts from.

That is the release that is live and was accepted on a host, by its own memory. A release that was
rolled back is not there, whatever its serial.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.release import _manifest
from ..environment._state import (
    ADOPTED,
    DeployedRelease,
    EnvironmentState,
    HostState,
    describe_unknown,
)
from ..library._catalogue import Label

LIVE = "live"
EARLIER = "earlier"  # the release is live, and this is what was there before it
NOTHING = "nothing"
UNKNOWN = "unknown"


class BaselineError(ReleaseError):
    """It is not known what any host has, or an entry names no release; one line."""

    code = "unknown_baseline"


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What some *hosts* have: *why* is one of the words above, *text* is the reason of an UNKNOWN.

    *label* is the release that counts for them, None where there is none.
    """

    label: Label | None
    hosts: tuple[str, ...]
    why: str
    text: str = ""


def baselines(state: EnvironmentState, wanted: Label) -> list[Baseline]:
    """Return the Baselines of the hosts in *state*, for a note on the release of a Label.

    Raises BaselineError where nothing is known of any host.
    """
    hosts: dict[tuple[Label | None, str, str], list[str]] = {}
    for there in sorted(state.hosts, key=lambda each: each.host):
        named = hosts.setdefault(_judge(there, wanted), [])
        if there.host not in named:
            named.append(there.host)
    found = [Baseline(label, tuple(names), *said) for (label, *said), names in hosts.items()]
    if all(baseline.why == UNKNOWN for baseline in found):
        reasons = {host: baseline.text for baseline in found for host in baseline.hosts}
        said = describe_unknown(reasons) or "deployed: it names no hosts"
        raise BaselineError(f"there is no host to count from: {said}")
    return sorted(found, key=_order)


def counted(found: Iterable[Baseline]) -> list[Baseline]:
    """Return those of the Baselines that the note counts from.

    A host where nothing is yet does not have all history told to everybody, unless there are no
    others.
    """
    known = [baseline for baseline in found if baseline.label]
    return known or [baseline for baseline in found if baseline.why == NOTHING]


def _order(baseline: Baseline) -> tuple[bool, int, tuple[str, ...]]:
    return not baseline.label, baseline.label.serial if baseline.label else 0, baseline.hosts


def _judge(there: HostState, wanted: Label) -> tuple[Label | None, str, str]:
    """Return the Label that counts for a host, why, and the reason of an UNKNOWN."""
    live, previous = there.live, there.previous
    if there.unknown:
        return None, UNKNOWN, there.unknown
    if live is None:
        return None, NOTHING, ""
    if live.is_adopted:
        return None, UNKNOWN, ADOPTED
    label = _label(live, there.host)
    if label.name != wanted.name:
        return None, UNKNOWN, f"another application is live there, {label.name}"
    if label.digest != wanted.digest:
        return label, LIVE, ""
    if previous and not previous.is_adopted and previous.name == wanted.name:
        return _label(previous, there.host), EARLIER, ""
    return None, NOTHING, ""


def _label(release: DeployedRelease, host: str) -> Label:
    """Return the Label of a release that was not adopted; raises BaselineError."""
    if not (_manifest.NAME.match(release.name) and _manifest.VERSION.match(release.version)):
        raise BaselineError(
            f"deployed: {host}: expected name, version and serial of a release, not "
            f"{release.name!a:.80} {release.version!a:.80}"
        )
    return Label(release.digest or "", release.name, release.version, release.serial)
