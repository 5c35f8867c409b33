# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that have ended, as they are reported to other systems."""

from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils.events._facts import NOTHING, Release
from ansible_collections.itops.release.plugins.plugin_utils.telemetry._ended_run import (
    EndedRun,
    Place,
)

BEGAN = 1_796_126_400.0  # 2026-12-01T12:00:00Z


def release(version, name="shop"):
    return Release(name=name, version=version, digest=version[0] * 64)


ONE, TWO = release("1.0.0"), release("2.0.0")


def place(application="shop", environment="production", outcome="done", **more):
    """Return a Place where shop 2.0.0 took the place of 1.0.0 on three hosts."""
    usual = {
        "hosts": {"deployed": 3},
        "seconds": {"stage": 1.25},
        "before": (ONE,),
        "after": (TWO,),
    }
    return Place(application, environment, outcome, **{**usual, **more})


FIRST = place(before=(NOTHING,))


def run(*places, name="ada@control.1", ended=BEGAN + 42):
    return EndedRun(name, "control", BEGAN, ended, places or (place(),))
