# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of an environment have, and which release a note for them counts from.

That is the release that is live and was accepted on a host, by its own memory. A release that was
rolled back is not there, whatever its serial.
"""

from __future__ import annotations

from typing import NamedTuple

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..environment import _holdings
from ..library import _catalogue

LIVE = "live"
EARLIER = "earlier"  # the release is live, and this is what was there before it
NOTHING = "nothing"
UNKNOWN = "unknown"


class BaselineError(ReleaseError):
    """What hosts have is not said in a form that can be read, or of no host; one line."""

    code = "unknown_baseline"


class Baseline(NamedTuple):
    """What some *hosts* have: *why* is one of the words above, *text* says more of an UNKNOWN.

    *label* is the release that counts for them, None where there is none.
    """

    label: _catalogue.Label | None
    hosts: tuple
    why: str
    text: str = ""


def collect(answers, asked):
    """Return what hosts have, as ``baselines`` takes it: plain data.

    *answers* has for each host what ``release_deployment_info`` registered, or None; *asked* are
    the hosts that it was run for now, so that no earlier answer counts.
    """
    now = set(asked)
    found = {}
    for host, answer in answers.items():
        if host not in now:
            found[host] = {"unknown": "left out by --limit, or lost earlier in this run"}
        elif not isinstance((answer or {}).get("deployment"), dict):
            found[host] = {"unknown": _holdings.reason(answer) if answer else "was not asked"}
        else:
            deployment = answer["deployment"]
            found[host] = {key: deployment[key] for key in ("live", "previous")}
    return found


def baselines(deployed, wanted):
    """Return the Baselines of the hosts in *deployed*, what ``collect`` gave, for a Label.

    Raises BaselineError where nothing is known of any host.
    """
    hosts = {}
    for host in sorted(deployed):
        try:
            key = _judge(deployed[host], wanted)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise BaselineError(
                f"deployed: {_canonical.one_line(host)}: expected live and previous of "
                "release_deployment_info, as the filter itops.release.releases_live gives them"
            ) from None
        hosts.setdefault(key, []).append(host)
    found = [Baseline(label, tuple(names), *said) for (label, *said), names in hosts.items()]
    if all(baseline.why == UNKNOWN for baseline in found):
        said = "; ".join(f"{', '.join(item.hosts)}: {item.text}" for item in found)
        raise BaselineError(f"it is not known what is live on any host: {said or 'none is given'}")
    return sorted(
        found, key=lambda item: (not item.label, item.label and item.label.serial, item.hosts)
    )


def counted(found):
    """Return those of the Baselines that the note counts from.

    A host where nothing is yet does not have all history told to everybody, unless there are no
    others.
    """
    known = [baseline for baseline in found if baseline.label]
    return known or [baseline for baseline in found if baseline.why == NOTHING]


def _judge(said, wanted):
    """Return the Label that counts for a host, why, and more of an UNKNOWN."""
    if "unknown" in said:
        return None, UNKNOWN, _canonical.one_line(said["unknown"])
    live, previous = said["live"], said["previous"]
    if live is None:
        return None, NOTHING, ""
    if live["digest"] is None:
        return None, UNKNOWN, "what is live there was not made of a release: it was adopted"
    label = _label(live)
    if label.name != wanted.name:
        return None, UNKNOWN, f"another application is live there, {label.name}"
    if label.digest != wanted.digest:
        return label, LIVE, ""
    if previous and previous["digest"] and previous["name"] == wanted.name:
        return _label(previous), EARLIER, ""
    return None, NOTHING, ""


def _label(plain):
    values = {key: plain[key] for key in _catalogue.Label._fields}
    reference = _catalogue.parse_reference(f"{values['name']}:{values['version']}")
    digest = _catalogue.parse_reference(f"sha256:{values['digest']}")
    return _catalogue.Label(digest, *reference, int(values["serial"]))
