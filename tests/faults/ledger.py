# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are recorded one after the other, each acknowledged in a file once it is recorded."""

from __future__ import annotations

import os

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _audit, _recording
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    Actor,
    LedgerError,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.ledger._outcome import HostOutcome

ACTOR = Actor("ada", "claimed")
ROOT = "/srv/shop"


def drafts(number):
    """Return the two drafts of a run."""
    hosts = ("web1", "web2")
    release = {"name": "shop", "version": f"{number}", "digest": f"{number:064x}"}
    intent = _recording.Intent(f"run-{number}", "deploy", "shop", hosts, release=release)
    after = _facts.Release(phase="live", **release)
    outcomes = [HostOutcome(host, ROOT, "ok", after=after, touched=True) for host in hosts]
    return [_recording.began(intent), _recording.ended(intent, outcomes, release)]


def append(place, acknowledged, numbers):
    """Record the runs with these *numbers*, two transactions each; return the answer of a job."""
    try:
        ledger = Ledger(place)
        for number in numbers:
            for draft in drafts(number):
                ledger.append([draft], ACTOR)
                acknowledge(acknowledged, draft.key)
        ledger.close()
    except LedgerError as error:
        return {"failed": True, "msg": str(error)}
    except OSError as error:  # of the acknowledgement
        return {"failed": True, "msg": f"{acknowledged}: {error}"}
    return {"changed": True}


def acknowledge(path, key):
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, key.encode("ascii") + b"\n")
    finally:
        os.close(descriptor)


def problems(place, acknowledged, numbers):
    """Return what is wrong after ``append`` was broken, and after it was done again."""
    found = []
    keys = [event.key for event in Ledger(place).events(after=1)]
    known = read(acknowledged)
    found += [f"{key} was acknowledged and is lost" for key in known if key not in keys]
    found += [finding.text for finding in _audit.audit(Ledger(place))]
    again = append(place, acknowledged + ".again", numbers)
    if again.get("failed"):
        found.append(f"it cannot be done again: {again['msg']}")
    keys = [event.key for event in Ledger(place).events(after=1)]
    wanted = [draft.key for number in numbers for draft in drafts(number)]
    if [key for key in keys if key in wanted] != wanted:
        found.append(f"recorded are {keys}, wanted {wanted}")
    found += [finding.text for finding in _audit.audit(Ledger(place))]
    return found


def problems_now(place):
    """Return what an audit finds."""
    ledger = Ledger(place)
    try:
        return [finding.text for finding in _audit.audit(ledger)]
    finally:
        ledger.close()


def read(path):
    try:
        with open(path, encoding="ascii") as stream:
            return [line.rstrip("\n") for line in stream if line.endswith("\n")]
    except FileNotFoundError:
        return []
